// SPDX-License-Identifier: Apache-2.0
#include "data/packing.hpp"

#include <algorithm>
#include <set>

#include "core/error.hpp"

namespace pst::data {

std::vector<Row> pack_best_fit(std::span<const std::uint32_t> lengths, std::span<const std::uint32_t> order,
                               std::uint32_t capacity) {
  std::vector<std::uint32_t> longest_first(order.begin(), order.end());
  std::stable_sort(longest_first.begin(), longest_first.end(),
                   [&](std::uint32_t a, std::uint32_t b) { return lengths[a] > lengths[b]; });

  std::vector<Row> rows;
  std::set<std::pair<std::uint32_t, std::uint32_t>> rooms;  // free tokens, row: rows with some room left
  for (const std::uint32_t document : longest_first) {
    const std::uint32_t length = lengths[document];
    PST_ASSERT(length >= 1 && length <= capacity, "prepare() cuts documents to the length of a row");
    const auto best = rooms.lower_bound({length, 0});
    std::uint32_t row = 0, room = capacity;
    if (best == rooms.end()) {
      row = static_cast<std::uint32_t>(rows.size());
      rows.emplace_back();
    } else {
      room = best->first;
      row = best->second;
      rooms.erase(best);
    }
    rows[row].push_back(document);
    if (room > length) rooms.insert({room - length, row});
  }
  return rows;
}

std::vector<Row> pack_in_order(std::span<const std::uint32_t> lengths, std::span<const std::uint32_t> order,
                               std::uint32_t capacity) {
  std::vector<Row> rows;
  std::uint32_t room = 0;
  for (const std::uint32_t document : order) {
    const std::uint32_t length = lengths[document];
    PST_ASSERT(length >= 1 && length <= capacity, "prepare() cuts documents to the length of a row");
    if (rows.empty() || length > room) {
      rows.emplace_back();
      room = capacity;
    }
    rows.back().push_back(document);
    room -= length;
  }
  return rows;
}

std::vector<Row> one_each(std::span<const std::uint32_t> order) {
  std::vector<Row> rows;
  rows.reserve(order.size());
  for (const std::uint32_t document : order) rows.push_back({document});
  return rows;
}

}  // namespace pst::data
