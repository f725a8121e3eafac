// SPDX-License-Identifier: Apache-2.0
#pragma once
#include <cstdint>
#include <span>
#include <vector>

namespace pst::data {

/// Document indices that share a row.
using Row = std::vector<std::uint32_t>;

/// Best fit decreasing: the longest document first, each into the fullest row that still has room for it. Documents of
/// equal length are taken in the given order. O(n log n). At most 11/9 of the smallest possible number of rows, plus
/// 6/9.
/// @param lengths  tokens of every document, each from 1 to `capacity`
/// @param order    the documents to pack, a permutation of all or some of them
/// @see Dósa et al. 2013, "Tight absolute bound for First Fit Decreasing bin-packing" (the bound holds for best fit,
/// too)
std::vector<Row> pack_best_fit(std::span<const std::uint32_t> lengths, std::span<const std::uint32_t> order,
                               std::uint32_t capacity);

/// In the given order; a document that does not fit opens the next row.
std::vector<Row> pack_in_order(std::span<const std::uint32_t> lengths, std::span<const std::uint32_t> order,
                               std::uint32_t capacity);

/// One document a row.
std::vector<Row> one_each(std::span<const std::uint32_t> order);

}  // namespace pst::data
