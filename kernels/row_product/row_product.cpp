// SPDX-License-Identifier: Apache-2.0
#include "kernels/row_product/row_product.hpp"

#include <algorithm>
#include <cstring>
#include <vector>

#include "kernels/detail/dispatch.hpp"
#include "kernels/detail/levels.hpp"
#include "kernels/detail/simd.hpp"

// Shape letters: R rows and O outputs of a tile, W floats of a register. The partial sums of an element lie in 16 / W
// registers whatever W is, and are added by sum_lanes().
namespace pst::kernels {
namespace {

using namespace detail;

/// What a thread computes: all rows of some outputs.
template <class Weight>
struct Task {
  const float* x;  // [rows, padded width]
  const Weight* w;
  const Weight* bias;  // or null
  std::int64_t rows, width, x_row, out_row;
  std::int64_t begin, end;  // outputs
  float* out_f32;           // one of the two
  bf16* out_bf16;
};

template <int R, int O, int W, class Weight>
PST_INLINE void tile(const Task<Weight>& task, std::int64_t row, std::int64_t output) {
  using Vector = typename VectorOf<W>::Type;
  constexpr int kParts = static_cast<int>(kLanes) / W;
  Vector sum[R][O][kParts] = {};
  const float* const x = task.x + row * task.x_row;
  const Weight* const w = task.w + output * task.width;
  const std::int64_t whole = task.width / kLanes * kLanes;
  for (std::int64_t i = 0; i < whole; i += kLanes)
#pragma GCC unroll 4
    for (int p = 0; p < kParts; ++p) {
      Vector left[R];
#pragma GCC unroll 8
      for (int r = 0; r < R; ++r) load_vector<W>(x + r * task.x_row + i + p * W, left[r]);
#pragma GCC unroll 8
      for (int o = 0; o < O; ++o) {
        Vector right;
        load_vector<W>(w + o * task.width + i + p * W, right);
#pragma GCC unroll 8
        for (int r = 0; r < R; ++r) sum[r][o][p] += left[r] * right;
      }
    }
#pragma GCC unroll 8
  for (int r = 0; r < R; ++r)
#pragma GCC unroll 8
    for (int o = 0; o < O; ++o) {
      float lanes[kLanes];
      std::memcpy(lanes, sum[r][o], sizeof(lanes));
      for (std::int64_t i = whole; i < task.width; ++i)
        lanes[i - whole] += x[r * task.x_row + i] * load(w, o * task.width + i);
      float value = sum_lanes(lanes);
      if (task.bias != nullptr) value += load(task.bias, output + o);
      const std::int64_t at = (row + r) * task.out_row + output + o;
      if (task.out_f32 != nullptr)
        task.out_f32[at] = value;
      else
        store(task.out_bf16, at, value);
    }
}

template <int R, int O, int W, class Weight>
PST_INLINE void rows_of(const Task<Weight>& task, std::int64_t row, std::int64_t begin, std::int64_t end) {
  std::int64_t output = begin;
  for (; output + O <= end; output += O) tile<R, O, W>(task, row, output);
  for (; output < end; ++output) tile<R, 1, W>(task, row, output);
}

/// Outputs whose weights stay in the second level of cache while all rows pass by.
constexpr std::int64_t kOutputs = 48;

/// @tparam R, O  tile where rows are many; with one row as many registers go to more outputs
template <int R, int O, int W, class Weight>
PST_INLINE void run_task(const Task<Weight>& task) {
  constexpr int kAlone = R * O / 2 < 4 ? 4 : R * O / 2;
  for (std::int64_t begin = task.begin; begin < task.end; begin += kOutputs) {
    const std::int64_t end = std::min(task.end, begin + kOutputs);
    std::int64_t row = 0;
    for (; row + R <= task.rows; row += R) rows_of<R, O, W>(task, row, begin, end);
    for (; row + 2 <= task.rows; row += 2) rows_of<2, O, W>(task, row, begin, end);
    for (; row < task.rows; ++row) rows_of<1, kAlone, W>(task, row, begin, end);
  }
}

#if PST_HAS_LEVELS
PST_LEVEL(v4) void run_v4(const Task<float>& task) { run_task<4, 4, 16>(task); }
PST_LEVEL(v4) void run_v4(const Task<bf16>& task) { run_task<4, 4, 16>(task); }
PST_LEVEL(v3) void run_v3(const Task<float>& task) { run_task<3, 2, 8>(task); }
PST_LEVEL(v3) void run_v3(const Task<bf16>& task) { run_task<3, 2, 8>(task); }
#endif
void run_plain(const Task<float>& task) { run_task<2, 1, 4>(task); }
void run_plain(const Task<bf16>& task) { run_task<2, 1, 4>(task); }

template <class Weight>
void run(const Task<Weight>& task) {
#if PST_HAS_LEVELS
  if (cpu_level() == 4) return run_v4(task);
  if (cpu_level() == 3) return run_v3(task);
#endif
  run_plain(task);
}

}  // namespace

void row_product(const Exec& on, ConstView x, ConstView w, ConstView bias, std::int64_t width, View out) {
  require_cpu(on, "row_product");
  require_on(on, "row_product", {x, w, bias, out});
  require_float(x.dtype, "row_product");
  require_float(w.dtype, "row_product");
  PST_ASSERT(width > 0 && x.count % width == 0 && w.count % width == 0, "rows and weights are as wide as is said");
  const std::int64_t rows = x.count / width, outputs = w.count / width;
  PST_ASSERT(out.count == rows * outputs && out.dtype == x.dtype, "the output is [n, outputs], like x");
  PST_ASSERT(bias.data == nullptr || (bias.count == outputs && bias.dtype == w.dtype), "one bias for each output");
  if (out.count == 0) return;
  std::vector<float> wide;
  if (x.dtype == Dtype::bf16) {
    wide.resize(static_cast<std::size_t>(x.count));
    for (std::int64_t i = 0; i < x.count; ++i)
      wide[static_cast<std::size_t>(i)] = load(static_cast<const bf16*>(x.data), i);
  }
  with_float(w.dtype, [&](auto kind) {
    using Weight = decltype(kind);
    on.parallel_for((outputs + kOutputs - 1) / kOutputs, 1, [&](std::int64_t begin, std::int64_t end) {
      run(Task<Weight>{.x = wide.empty() ? static_cast<const float*>(x.data) : wide.data(),
                       .w = static_cast<const Weight*>(w.data),
                       .bias = static_cast<const Weight*>(bias.data),
                       .rows = rows,
                       .width = width,
                       .x_row = width,
                       .out_row = outputs,
                       .begin = begin * kOutputs,
                       .end = std::min(outputs, end * kOutputs),
                       .out_f32 = out.dtype == Dtype::f32 ? static_cast<float*>(out.data) : nullptr,
                       .out_bf16 = out.dtype == Dtype::bf16 ? static_cast<bf16*>(out.data) : nullptr});
    });
  });
}

}  // namespace pst::kernels
