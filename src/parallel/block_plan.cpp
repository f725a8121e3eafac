// SPDX-License-Identifier: Apache-2.0
#include "parallel/block_plan.hpp"

namespace pst::parallel {
namespace {

constexpr std::size_t kLine = 64;
std::size_t up(std::size_t bytes) { return (bytes + kLine - 1) / kLine * kLine; }

}  // namespace

BlockPlan BlockPlan::of(const nn::FrozenBlock& block, int ranks) {
  BlockPlan plan;
  std::size_t end = 0;
  for (std::size_t m = 0; m < block.matrices.size(); ++m)
    for (std::size_t p = 0; p < block.matrices[m].parts.size(); ++p) {
      const std::size_t bytes = nn::bytes_of(block.matrices[m].parts[p]);
      plan.places.push_back({m, p, end, bytes});
      end = up(end + bytes);
    }
  const auto count = static_cast<std::size_t>(ranks);
  plan.share = up((end + count - 1) / count);
  return plan;
}

}  // namespace pst::parallel
