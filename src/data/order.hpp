// SPDX-License-Identifier: Apache-2.0
#pragma once
#include <cstdint>
#include <memory>
#include <vector>

#include "data/packing.hpp"
#include "data/prepared.hpp"
#include "recipe/data.hpp"

namespace pst::recipe {
struct Recipe;
}

namespace pst::data {

struct OrderSettings {
  bool packing = true;
  bool shuffle = true;
  int max_length = 1024;
  int global_batch_size = 16;
  std::uint64_t seed = 42;
  recipe::Remainder remainder = recipe::Remainder::step;
};
OrderSettings order_settings(const recipe::Recipe& recipe);

/// Which rows make which step: a pure function of (documents, settings, step). Every epoch has its own packing (best
/// fit decreasing over the epoch's shuffled documents; without shuffle, documents in file order are packed first-come)
/// and its own order of rows. Rows that are left at an epoch's end make a smaller step, begin the next epoch's first
/// step, or are left out: settings.remainder. Where they are carried, every step is full; the last step of a run may
/// then take rows of the epoch behind it.
class DataOrder {
 public:
  /// @throws Error(data) when there is no document, or one that is longer than a row
  DataOrder(const PreparedSet& documents, OrderSettings settings);
  ~DataOrder();

  /// Rows of 0-based optimizer step `step`; at most global_batch_size. Epochs follow one another without end.
  /// Computes an epoch's plan once and keeps the latest: the reference is good until a step of another epoch is asked
  /// for.
  const std::vector<Row>& rows_of_step(std::int64_t step) const;
  /// Of an epoch: a whole number unless rows are carried from one into the next.
  double steps_per_epoch() const;
  std::int64_t rows_left() const;  ///< at an epoch's end, beside those of full steps
  /// Steps of the first `epochs` epochs (fractions round the last one up), as HF Trainer counts them.
  std::int64_t steps_in(double epochs) const;
  /// Rows of every epoch: packing depends on the lengths only, so all epochs have equally many.
  std::int64_t rows_per_epoch() const;

 private:
  struct Impl;
  std::unique_ptr<Impl> impl_;
};

/// Rows of a set in file order, for evaluation: packed first-come when `packing`.
std::vector<Row> rows_in_order(const PreparedSet& documents, bool packing, int max_length);

}  // namespace pst::data
