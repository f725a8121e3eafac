// SPDX-License-Identifier: Apache-2.0
#include "data/order.hpp"

#include <algorithm>
#include <cmath>
#include <numeric>

#include "core/error.hpp"
#include "core/rng.hpp"
#include "core/strings.hpp"
#include "recipe/recipe.hpp"

namespace pst::data {
namespace {

std::vector<std::uint32_t> lengths_of(const PreparedSet& documents, std::uint32_t most) {
  std::vector<std::uint32_t> lengths(documents.size());
  for (std::size_t i = 0; i < lengths.size(); ++i) {
    const std::size_t length = documents.document(i).ids.size();
    if (length > most)
      throw Error(Fault::data, cat("prepared document ", i, " has ", length, " tokens, more than a row of ", most),
                  "prepare the data again with this max_length");
    lengths[i] = static_cast<std::uint32_t>(length);
  }
  return lengths;
}

std::vector<std::uint32_t> file_order(std::size_t count) {
  std::vector<std::uint32_t> order(count);
  std::iota(order.begin(), order.end(), 0u);
  return order;
}

}  // namespace

struct DataOrder::Impl {
  OrderSettings settings;
  std::vector<std::uint32_t> lengths;
  std::int64_t rows_per_epoch = 0;
  std::int64_t planned_epoch = -1;
  std::vector<std::vector<Row>> steps;  // those that begin in planned_epoch

  std::uint32_t capacity() const { return static_cast<std::uint32_t>(settings.max_length); }

  std::vector<Row> rows_of(std::int64_t epoch) const {
    auto order = file_order(lengths.size());
    if (!settings.shuffle) return settings.packing ? pack_in_order(lengths, order, capacity()) : one_each(order);
    const Rng rng = Rng(settings.seed).child("order").child(static_cast<std::uint64_t>(epoch));
    shuffle(order, rng);
    if (!settings.packing) return one_each(order);
    auto packed = pack_best_fit(lengths, order, capacity());
    // Packing put the longest first; steps want a mixture.
    std::vector<std::uint32_t> places(packed.size());
    shuffle(places, rng.child("rows"));
    std::vector<Row> rows(packed.size());
    for (std::size_t i = 0; i < rows.size(); ++i) rows[i] = std::move(packed[places[i]]);
    return rows;
  }

  std::int64_t batch() const { return settings.global_batch_size; }
  bool carries() const { return settings.remainder == recipe::Remainder::carry; }

  /// Steps of an epoch where every epoch has its own.
  std::int64_t whole_steps() const {
    const bool drops = settings.remainder == recipe::Remainder::drop;
    return (rows_per_epoch + (drops ? 0 : batch() - 1)) / batch();
  }
  /// The epoch in which a step begins.
  std::int64_t epoch_of(std::int64_t step) const {
    return carries() ? step * batch() / rows_per_epoch : step / whole_steps();
  }
  std::int64_t first_step_of(std::int64_t epoch) const {
    return carries() ? (epoch * rows_per_epoch + batch() - 1) / batch() : epoch * whole_steps();
  }

  void plan(std::int64_t epoch) {
    if (epoch == planned_epoch) return;
    auto rows = rows_of(epoch);
    const auto size = static_cast<std::size_t>(batch());
    if (carries()) {
      const auto taken = first_step_of(epoch) * batch() - epoch * rows_per_epoch;  // by the step before
      rows.erase(rows.begin(), rows.begin() + taken);
      for (std::int64_t next = epoch + 1; rows.size() % size != 0; ++next) {
        const auto more = rows_of(next);
        const std::size_t missing = std::min(size - rows.size() % size, more.size());
        rows.insert(rows.end(), more.begin(), more.begin() + static_cast<std::ptrdiff_t>(missing));
      }
    } else if (settings.remainder == recipe::Remainder::drop) {
      rows.resize(rows.size() - rows.size() % size);
    }
    std::vector<std::vector<Row>> planned;
    for (std::size_t begin = 0; begin < rows.size(); begin += size) {
      const auto end = std::min(rows.size(), begin + size);
      planned.emplace_back(std::make_move_iterator(rows.begin() + static_cast<std::ptrdiff_t>(begin)),
                           std::make_move_iterator(rows.begin() + static_cast<std::ptrdiff_t>(end)));
    }
    steps = std::move(planned);
    planned_epoch = epoch;
  }
};

OrderSettings order_settings(const recipe::Recipe& recipe) {
  return {.packing = recipe.data.packing,
          .shuffle = recipe.data.shuffle,
          .max_length = recipe.data.max_length,
          .global_batch_size = recipe.train.global_batch_size,
          .seed = recipe.train.seed,
          .remainder = recipe.data.remainder};
}

DataOrder::DataOrder(const PreparedSet& documents, OrderSettings settings) : impl_(std::make_unique<Impl>()) {
  PST_ASSERT(settings.max_length >= 1 && settings.global_batch_size >= 1, "a recipe's values are positive");
  if (documents.size() == 0)
    throw Error(Fault::data, "there is no example to train on", "look at the report of the preparation for the reason");
  impl_->settings = settings;
  impl_->lengths = lengths_of(documents, impl_->capacity());
  impl_->rows_per_epoch = static_cast<std::int64_t>(impl_->rows_of(0).size());
  if (impl_->whole_steps() == 0)
    throw Error(Fault::usage,
                cat("data.remainder: drop leaves no step: an epoch has ", impl_->rows_per_epoch,
                    " rows, and train.global_batch_size is ", settings.global_batch_size),
                "set data.remainder: carry, or a smaller train.global_batch_size");
}

DataOrder::~DataOrder() = default;

const std::vector<Row>& DataOrder::rows_of_step(std::int64_t step) const {
  PST_ASSERT(step >= 0, "steps count from 0");
  const std::int64_t epoch = impl_->epoch_of(step);
  impl_->plan(epoch);
  return impl_->steps[static_cast<std::size_t>(step - impl_->first_step_of(epoch))];
}

std::int64_t DataOrder::steps_in(double epochs) const {
  return static_cast<std::int64_t>(std::ceil(epochs * steps_per_epoch()));
}

double DataOrder::steps_per_epoch() const {
  if (!impl_->carries()) return static_cast<double>(impl_->whole_steps());
  return static_cast<double>(impl_->rows_per_epoch) / static_cast<double>(impl_->batch());
}

std::int64_t DataOrder::rows_left() const { return impl_->rows_per_epoch % impl_->batch(); }

std::int64_t DataOrder::rows_per_epoch() const { return impl_->rows_per_epoch; }

std::vector<Row> rows_in_order(const PreparedSet& documents, bool packing, int max_length) {
  const auto capacity = static_cast<std::uint32_t>(max_length);
  const auto lengths = lengths_of(documents, capacity);
  const auto order = file_order(lengths.size());
  return packing ? pack_in_order(lengths, order, capacity) : one_each(order);
}

}  // namespace pst::data
