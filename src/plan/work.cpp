// SPDX-License-Identifier: Apache-2.0
#include "plan/work.hpp"

#include <algorithm>
#include <cmath>
#include <set>

namespace pst::plan {
namespace {

void add(MicroBatch& batch, const RowWork& row) {
  batch.lengths.insert(batch.lengths.end(), row.lengths.begin(), row.lengths.end());
  batch.tokens += row.tokens;
  batch.labelled += row.labelled;
}

}  // namespace

std::vector<MicroBatch> micro_batches(const std::vector<RowWork>& rows, std::int64_t size) {
  std::vector<MicroBatch> batches;
  for (std::size_t i = 0; i < rows.size(); ++i) {
    if (i % static_cast<std::size_t>(size) == 0) batches.emplace_back();
    add(batches.back(), rows[i]);
  }
  return batches;
}

std::int64_t token_counts(const Work& work, std::int64_t size, std::int64_t ranks, std::int64_t most) {
  std::set<std::int64_t> counts;
  std::int64_t batches = 0;
  for (const auto& step : work.sample)
    for (std::size_t begin = 0; begin < step.size(); begin += static_cast<std::size_t>(size), ++batches) {
      std::int64_t tokens = 0;
      for (std::size_t i = begin; i < std::min(step.size(), begin + static_cast<std::size_t>(size)); ++i)
        tokens += step[i].tokens;
      counts.insert(tokens);
    }
  const auto seen = static_cast<double>(counts.size());
  if (counts.size() <= 1 || batches == 0) return static_cast<std::int64_t>(counts.size());
  // Of a sample in which nearly all differ, the whole run brings as many more; one rank meets its share of them.
  const double steps = static_cast<double>(work.steps) / static_cast<double>(work.sample.size());
  const double met = seen * (1 + (steps - 1) * seen / static_cast<double>(batches)) / static_cast<double>(ranks);
  return static_cast<std::int64_t>(std::clamp(std::ceil(met), 1.0, static_cast<double>(most)));
}

MicroBatch largest_micro_batch(const Work& work, std::int64_t size) {
  MicroBatch largest;
  if (static_cast<std::int64_t>(work.sample.size()) == work.steps) {
    for (const auto& step : work.sample)
      for (auto& batch : micro_batches(step, size))
        if (batch.tokens > largest.tokens) largest = std::move(batch);
    return largest;
  }
  // Another epoch shuffles the rows: the longest ones may meet.
  std::vector<const RowWork*> rows;
  for (const auto& step : work.sample)
    for (const auto& row : step) rows.push_back(&row);
  const auto count = std::min<std::size_t>(rows.size(), static_cast<std::size_t>(size));
  std::partial_sort(rows.begin(), rows.begin() + static_cast<std::ptrdiff_t>(count), rows.end(),
                    [](const RowWork* a, const RowWork* b) { return a->tokens > b->tokens; });
  for (std::size_t i = 0; i < count; ++i) add(largest, *rows[i]);
  return largest;
}

}  // namespace pst::plan
