#include "kernels/reduce/reduce.hpp"

#include <algorithm>
#include <vector>

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
constexpr std::int64_t kBlock = 8192;

}  // namespace

void add(const Exec& on, View into, ConstView from) {
  require_cpu(on, "add");
  PST_ASSERT(into.count == from.count, "both sides have one size");
  float* const to = into.as<float>().data();
  const float* const by = from.as<float>().data();
  on.parallel_for(into.count, kGrain, [&](std::int64_t begin, std::int64_t end) { add_range(to, by, begin, end); });
}

double sum_of_squares(const Exec& on, ConstView x) {
  require_cpu(on, "sum_of_squares");
  const auto values = x.as<float>();
  std::vector<double> blocks(static_cast<std::size_t>((x.count + kBlock - 1) / kBlock));
  on.parallel_for(static_cast<std::int64_t>(blocks.size()), 4, [&](std::int64_t begin, std::int64_t end) {
    for (std::int64_t b = begin; b < end; ++b)
      blocks[static_cast<std::size_t>(b)] =
          block_squares(values.data() + b * kBlock, std::min(kBlock, x.count - b * kBlock));
  });
  double sum = 0;
  for (const double block : blocks) sum += block;
  return sum;
}

void scale(const Exec& on, View x, double factor) {
  require_cpu(on, "scale");
  float* const values = x.as<float>().data();
  on.parallel_for(x.count, kGrain, [&](std::int64_t begin, std::int64_t end) {
    scale_range(values, static_cast<float>(factor), begin, end);
  });
}

}  // namespace pst::kernels
