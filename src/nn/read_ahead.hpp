// SPDX-License-Identifier: Apache-2.0
#pragma once
#include <cstddef>
#include <functional>
#include <vector>

#include "nn/frozen_storage.hpp"

namespace pst::nn {

/// While a model is loaded: asks for the pages of blocks that come next, so that the file system fetches them while the
/// ones before are packed and copied. It keeps about 256 MiB, at least a block, on their way.
class ReadAhead {
 public:
  /// Asks for what this process needs of a block. @return its bytes in the files
  using Ask = std::function<std::size_t(const FrozenBlock&)>;
  ReadAhead(const FrozenLayout& layout, Ask ask) : layout_(layout), ask_(std::move(ask)) {}
  /// Before block `index` is packed; blocks come in order.
  void before(std::size_t index);

 private:
  const FrozenLayout& layout_;
  Ask ask_;
  std::vector<std::size_t> asked_;  // bytes of each block asked for
  std::size_t ahead_ = 0;           // of those behind the one being packed
};

/// Asks for the share [from, to) of a matrix's stored values, 0 <= from <= to <= 1. @return bytes
std::size_t read_ahead(const FrozenMatrix& matrix, double from, double to);
/// Asks for all of a block. @return bytes
std::size_t read_ahead(const FrozenBlock& block);

/// A block is packed: its pages of the files leave this process's memory, where they would count until the files are
/// closed.
void let_go(const FrozenBlock& block);

}  // namespace pst::nn
