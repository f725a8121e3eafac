// SPDX-License-Identifier: Apache-2.0
#include "kernels/reduce/reduce.hpp"

#include <algorithm>
#include <vector>

#include "kernels/detail/dispatch.hpp"
#include "kernels/detail/simd.hpp"

namespace pst::kernels {
namespace {

using namespace detail;

PST_CLONES void add_range(float* into, const float* from, std::int64_t begin, std::int64_t end) {
  for (std::int64_t i = begin; i < end; ++i) into[i] += from[i];
}

PST_CLONES void scale_range(float* x, float factor, std::int64_t begin, std::int64_t end) {
  for (std::int64_t i = begin; i < end; ++i) x[i] *= factor;
}

PST_CLONES double block_squares(const float* x, std::int64_t count) {
  double lanes[kLanes] = {};
  std::int64_t i = 0;
  for (; i + kLanes <= count; i += kLanes)
    for (std::int64_t l = 0; l < kLanes; ++l) lanes[l] += static_cast<double>(x[i + l]) * static_cast<double>(x[i + l]);
  for (; i < count; ++i) lanes[0] += static_cast<double>(x[i]) * static_cast<double>(x[i]);
  double sum = 0;
  for (std::int64_t l = 0; l < kLanes; ++l) sum += lanes[l];
  return sum;
}

constexpr std::int64_t kGrain = 16384;

/// Adds shares [begin, begin + ranks) in tree order; the sum ends in share `begin`.
void add_shares(const Exec& on, const View& shares, std::int64_t share, std::int64_t begin, std::int64_t ranks) {
  if (ranks <= 1) return;
  const std::int64_t left = (ranks + 1) / 2;
  add_shares(on, shares, share, begin, left);
  add_shares(on, shares, share, begin + left, ranks - left);
  add(on, shares.part(begin * share, share), shares.part((begin + left) * share, share));
}

}  // namespace

void add(const Exec& on, View into, ConstView from) {
  require_on(on, "add", {into, from});
  PST_ASSERT(into.count == from.count && into.dtype == Dtype::f32 && from.dtype == Dtype::f32,
             "both sides are f32 of one size");
  switch (on.device.kind) {
    case DeviceKind::cuda: return on_cuda(on, "add", &CudaTable::add, into, from);
    case DeviceKind::cpu: break;
  }
  float* const to = into.as<float>().data();
  const float* const by = from.as<float>().data();
  on.parallel_for(into.count, kGrain, [&](std::int64_t begin, std::int64_t end) { add_range(to, by, begin, end); });
}

double sum_of_squares(const Exec& on, ConstView x) {
  require_on(on, "sum_of_squares", {x});
  PST_ASSERT(x.dtype == Dtype::f32, "values are f32");
  double sum = 0;
  switch (on.device.kind) {
    case DeviceKind::cuda: on_cuda(on, "sum_of_squares", &CudaTable::sum_of_squares, x, &sum); return sum;
    case DeviceKind::cpu: break;
  }
  std::vector<double> blocks(static_cast<std::size_t>((x.count + kSquareBlock - 1) / kSquareBlock));
  squares_of_blocks(on, x, blocks);
  for (const double block : blocks) sum += block;
  return sum;
}

void squares_of_blocks(const Exec& on, ConstView x, std::span<double> sums) {
  require_on(on, "squares_of_blocks", {x});
  const auto blocks = static_cast<std::int64_t>(sums.size());
  PST_ASSERT(x.dtype == Dtype::f32 && blocks == (x.count + kSquareBlock - 1) / kSquareBlock,
             "f32 values, and a sum for each block of them");
  if (blocks == 0) return;
  switch (on.device.kind) {
    case DeviceKind::cuda: return on_cuda(on, "squares_of_blocks", &CudaTable::squares_of_blocks, x, sums.data());
    case DeviceKind::cpu: break;
  }
  const float* const values = x.as<float>().data();
  on.parallel_for(blocks, 4, [&](std::int64_t begin, std::int64_t end) {
    for (std::int64_t b = begin; b < end; ++b)
      sums[static_cast<std::size_t>(b)] =
          block_squares(values + b * kSquareBlock, std::min(kSquareBlock, x.count - b * kSquareBlock));
  });
}

void sum_shares(const Exec& on, View shares, std::int64_t ranks) {
  require_on(on, "sum_shares", {shares});
  PST_ASSERT(ranks >= 1 && shares.count % ranks == 0 && shares.dtype == Dtype::f32, "f32 shares of one size");
  switch (on.device.kind) {
    case DeviceKind::cuda: return on_cuda(on, "sum_shares", &CudaTable::sum_shares, shares, ranks);
    case DeviceKind::cpu: break;
  }
  add_shares(on, shares, shares.count / ranks, 0, ranks);
}

void scale(const Exec& on, View x, double factor) {
  require_on(on, "scale", {x});
  PST_ASSERT(x.dtype == Dtype::f32, "values are f32");
  switch (on.device.kind) {
    case DeviceKind::cuda: return on_cuda(on, "scale", &CudaTable::scale, x, static_cast<float>(factor));
    case DeviceKind::cpu: break;
  }
  float* const values = x.as<float>().data();
  on.parallel_for(x.count, kGrain, [&](std::int64_t begin, std::int64_t end) {
    scale_range(values, static_cast<float>(factor), begin, end);
  });
}

}  // namespace pst::kernels
