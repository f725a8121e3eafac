// SPDX-License-Identifier: Apache-2.0
#pragma once
#include <ATen/core/Tensor.h>

#include <cstdint>
#include <vector>

namespace pst::nn {

/// What a model keeps of one sequence while it is continued.
struct Sequence {
  std::int64_t rows = 0;            ///< that it has seen, virtual ones among them
  std::int64_t active_from = 0;     ///< the first row that an adapter changes: CausalLm::active_from()
  std::int64_t longest = 0;         ///< rows that it will have, as far as is known: some models need it
  std::vector<std::int32_t> pages;  ///< where the keys and values of its rows are, in order
  std::vector<at::Tensor> states;   ///< of layers that keep no keys: two a layer, empty before the first row
};

/// The memory of keys and values in every layer, in pages of some tokens that sequences take and give back. Two
/// sequences may hold the same page as long as neither writes to it: full pages of equal beginnings are shared.
class KvPages {
 public:
  /// Tokens of a page.
  static std::int64_t tokens();
  /// @param widths  of a token's keys, and of its values, in each layer; 0: the layer has none
  KvPages(const std::vector<std::int64_t>& widths, std::int64_t pages, const at::TensorOptions& like);

  const at::Tensor& keys(std::size_t layer) const { return keys_[layer]; }
  const at::Tensor& values(std::size_t layer) const { return values_[layer]; }

  std::int64_t free_pages() const { return static_cast<std::int64_t>(free_.size()); }
  /// Pages that `sequence` lacks for so many rows in all.
  static std::int64_t missing(const Sequence& sequence, std::int64_t rows);
  /// Takes them. @throws Error(bug) when fewer are free
  void take(Sequence& sequence, std::int64_t rows);
  /// One more holder of a page that somebody holds.
  void hold(std::int32_t page);
  /// One holder less; the last one frees it.
  void drop(std::int32_t page);
  /// Gives all pages of a sequence back, the last one first, and forgets its rows.
  void release(Sequence& sequence);

 private:
  std::vector<at::Tensor> keys_, values_;  // [pages, width * tokens] each
  std::vector<std::int32_t> free_;         // the next one is at the end
  std::vector<std::int32_t> holders_;
};

/// New rows of a sequence.
struct Continued {
  Sequence* sequence;
  std::int64_t rows;
};

}  // namespace pst::nn
