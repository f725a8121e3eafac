#pragma once
#include <cstdint>
#include <memory>
#include <vector>

#include "data/prepared.hpp"

namespace pst::data {

/// A row is one document or, packed, several whose lengths add up to at most max_length.
using Row = std::vector<std::uint32_t>;  ///< document indices

struct OrderSettings {
  bool packing = true;
  bool shuffle = true;
  int max_length = 1024;
  int global_batch_size = 16;
  std::uint64_t seed = 42;
};

/// Which rows make which step: a pure function of (documents, settings, step). Every epoch has its own packing (best fit
/// decreasing over the epoch's shuffled documents; without shuffle, documents in file order are packed first-come) and its
/// own order of rows. The last step of an epoch may have fewer rows.
class DataOrder {
 public:
  DataOrder(const PreparedSet& documents, OrderSettings settings);
  ~DataOrder();

  /// Rows of 0-based optimizer step `step`; at most global_batch_size. Epochs follow one another without end.
  /// Computes an epoch's plan once and keeps the latest. @throws Error(data) when there is no document
  const std::vector<Row>& rows_of_step(std::int64_t step) const;
  /// Steps of the first `epochs` epochs (fractions round the last one up), as HF Trainer counts them.
  std::int64_t steps_in(double epochs) const;

 private:
  struct Impl;
  std::unique_ptr<Impl> impl_;
};

/// Rows of a set in file order, for evaluation: packed first-come when `packing`.
std::vector<Row> rows_in_order(const PreparedSet& documents, bool packing, int max_length);

}  // namespace pst::data
