// SPDX-License-Identifier: Apache-2.0
#include "nn/read_ahead.hpp"

#include <algorithm>

#include "core/file.hpp"

namespace pst::nn {
namespace {

constexpr std::size_t kUnderWay = 256 << 20;

}  // namespace

void ReadAhead::before(std::size_t index) {
  if (index < asked_.size()) ahead_ -= asked_[index];
  for (std::size_t block = asked_.size(); block < layout_.size() && (block <= index + 1 || ahead_ < kUnderWay);
       ++block) {
    asked_.push_back(ask_(layout_[block]));
    if (block > index) ahead_ += asked_.back();
  }
}

std::size_t read_ahead(const FrozenMatrix& matrix, double from, double to) {
  const auto bytes = matrix.source.store.get(matrix.source.tensor()).bytes;
  const auto at = [&](double share) { return static_cast<std::size_t>(share * static_cast<double>(bytes.size())); };
  const auto wanted = bytes.subspan(at(from), std::min(bytes.size(), at(to)) - at(from));
  pst::read_ahead(wanted);
  return wanted.size();
}

std::size_t read_ahead(const FrozenBlock& block) {
  std::size_t bytes = 0;
  for (const FrozenMatrix& matrix : block.matrices) bytes += read_ahead(matrix, 0, 1);
  return bytes;
}

void let_go(const FrozenBlock& block) {
  for (const FrozenMatrix& matrix : block.matrices) pst::let_go(matrix.source.store.get(matrix.source.tensor()).bytes);
}

}  // namespace pst::nn
