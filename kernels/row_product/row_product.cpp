// SPDX-License-Identifier: Apache-2.0
#include "kernels/row_product/row_product.hpp"

#include <algorithm>
#include <cstring>
#include <type_traits>
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
  const float* bias;  // or null
  std::int64_t rows, width, x_row, out_row;
  std::int64_t begin, end;  // outputs
  float* out_f32;           // one of the two
  bf16* out_bf16;
};

/// Halves added until four are left: the first steps of sum_lanes().
template <int W>
PST_INLINE void four_of(const typename VectorOf<W>::Type* sum, typename VectorOf<4>::Type& four) {
  float lanes[kLanes];
  std::memcpy(lanes, sum, sizeof(lanes));
  typename VectorOf<4>::Type part[4];
  std::memcpy(part, lanes, sizeof(part));
  four = (part[0] + part[2]) + (part[1] + part[3]);
}

#if PST_HAS_LEVELS
/// For the compiler, which would rather read it from memory again at each use: more than two of these in a cycle.
#define PST_IN_REGISTER(vector) asm("" : "+v"(vector))
#else
#define PST_IN_REGISTER(vector) static_cast<void>(vector)
#endif

template <int R, int O, int W, class Weight>
PST_INLINE void tile(const Task<Weight>& task, std::int64_t row, std::int64_t output) {
  using Vector = typename VectorOf<W>::Type;
  constexpr int kParts = static_cast<int>(kLanes) / W;
  Vector sum[R][O][kParts] = {};
  const float* const x = task.x + row * task.x_row;
  const Weight* const w = task.w + output * task.width;
  const std::int64_t whole = task.width / kLanes * kLanes;
  for (std::int64_t i = 0; i < whole; i += kLanes) {
    if constexpr (R == 1)  // nothing but reading: what the next tile reads, ahead of it
      for (int o = 0; o < O; ++o) __builtin_prefetch(w + (o + O) * task.width + i);
#pragma GCC unroll 4
    for (int p = 0; p < kParts; ++p) {
      Vector left[R];
#pragma GCC unroll 8
      for (int r = 0; r < R; ++r) {
        load_vector<W>(x + r * task.x_row + i + p * W, left[r]);
        PST_IN_REGISTER(left[r]);
      }
#pragma GCC unroll 8
      for (int o = 0; o < O; ++o) {
        Vector right;
        load_vector<W>(w + o * task.width + i + p * W, right);
#pragma GCC unroll 8
        for (int r = 0; r < R; ++r) sum[r][o][p] += left[r] * right;
      }
    }
  }
  float values[R * O];
#pragma GCC unroll 16
  for (int e = 0; e < R * O; ++e) {
    if (whole == task.width) {
      typename VectorOf<4>::Type four;
      four_of<W>(sum[e / O][e % O], four);
      values[e] = (four[0] + four[2]) + (four[1] + four[3]);
      continue;
    }
    float lanes[kLanes];
    std::memcpy(lanes, sum[e / O][e % O], sizeof(lanes));
    for (std::int64_t i = whole; i < task.width; ++i)
      lanes[i - whole] += x[e / O * task.x_row + i] * load(w, e % O * task.width + i);
    values[e] = sum_lanes(lanes);
  }
#pragma GCC unroll 16
  for (int e = 0; e < R * O; ++e) {
    if (task.bias != nullptr) values[e] += task.bias[output + e % O];
    const std::int64_t at = (row + e / O) * task.out_row + output + e % O;
    if (task.out_f32 != nullptr)
      task.out_f32[at] = values[e];
    else
      store(task.out_bf16, at, values[e]);
  }
}

template <int R, int O, int W, class Weight>
PST_INLINE void rows_of(const Task<Weight>& task, std::int64_t row, std::int64_t begin, std::int64_t end) {
  std::int64_t output = begin;
  for (; output + O <= end; output += O) tile<R, O, W>(task, row, output);
  for (; output < end; ++output) tile<R, 1, W>(task, row, output);
}

/// Outputs of one task.
constexpr std::int64_t kOutputs = 48;
/// Weights that stay in the second level of cache while all rows pass by.
constexpr std::int64_t kWeights = 32768;

/// @tparam Tiles  what fills the registers of that width, where rows are many, two, and one
template <class Tiles, class Weight>
PST_INLINE void all_rows(const Task<Weight>& task, std::int64_t begin, std::int64_t end) {
  constexpr int W = Tiles::kWidth, R = Tiles::kRows;
  std::int64_t row = 0;
  for (; row + R <= task.rows; row += R) rows_of<R, Tiles::kOutputs, W>(task, row, begin, end);
  for (; row + 2 <= task.rows; row += 2) rows_of<2, Tiles::kOfTwo, W>(task, row, begin, end);
  for (; row < task.rows; ++row) rows_of<1, static_cast<int>(Tiles::kAlone), W>(task, row, begin, end);
}

template <class Tiles, class Weight>
PST_INLINE void run_task(const Task<Weight>& task) {
  const std::int64_t step =
      std::max(Tiles::kAlone, std::min(kOutputs, kWeights / task.width) / Tiles::kAlone * Tiles::kAlone);
  const bool widen = std::is_same_v<Weight, bf16> && task.rows > Tiles::kRows;  // once, and not for every few rows
  std::vector<float> wide(widen ? static_cast<std::size_t>(step * task.width) : 0);
  for (std::int64_t begin = task.begin; begin < task.end; begin += step) {
    const std::int64_t end = std::min(task.end, begin + step);
    if (!widen) {
      all_rows<Tiles>(task, begin, end);
      continue;
    }
    const Weight* const w = task.w + begin * task.width;
    for (std::int64_t i = 0; i < (end - begin) * task.width; ++i) wide[static_cast<std::size_t>(i)] = load(w, i);
    all_rows<Tiles>(Task<float>{.x = task.x,
                                .w = wide.data(),
                                .bias = task.bias == nullptr ? nullptr : task.bias + begin,
                                .rows = task.rows,
                                .width = task.width,
                                .x_row = task.x_row,
                                .out_row = task.out_row,
                                .begin = 0,
                                .end = end - begin,
                                .out_f32 = task.out_f32 == nullptr ? nullptr : task.out_f32 + begin,
                                .out_bf16 = task.out_bf16 == nullptr ? nullptr : task.out_bf16 + begin},
                    0, end - begin);
  }
}

struct TilesV4 {
  static constexpr int kWidth = 16, kRows = 4, kOutputs = 4, kOfTwo = 8;
  static constexpr std::int64_t kAlone = 8;
};
struct TilesV3 {
  static constexpr int kWidth = 8, kRows = 3, kOutputs = 2, kOfTwo = 3;
  static constexpr std::int64_t kAlone = 6;
};
struct TilesPlain {
  static constexpr int kWidth = 4, kRows = 2, kOutputs = 1, kOfTwo = 1;
  static constexpr std::int64_t kAlone = 2;
};

#if PST_HAS_LEVELS
PST_LEVEL(v4) void run_v4(const Task<float>& task) { run_task<TilesV4>(task); }
PST_LEVEL(v4) void run_v4(const Task<bf16>& task) { run_task<TilesV4>(task); }
PST_LEVEL(v3) void run_v3(const Task<float>& task) { run_task<TilesV3>(task); }
PST_LEVEL(v3) void run_v3(const Task<bf16>& task) { run_task<TilesV3>(task); }
#endif
void run_plain(const Task<float>& task) { run_task<TilesPlain>(task); }
void run_plain(const Task<bf16>& task) { run_task<TilesPlain>(task); }

template <class Weight>
void run(const Task<Weight>& task) {
#if PST_HAS_LEVELS
  if (cpu_level() == 4) return run_v4(task);
  if (cpu_level() == 3) return run_v3(task);
#endif
  run_plain(task);
}

/// The values of `view`, in `wide` where they are bf16. nullptr for an empty one
const float* as_f32(ConstView view, std::vector<float>& wide) {
  if (view.dtype != Dtype::bf16 || view.data == nullptr) return static_cast<const float*>(view.data);
  wide.resize(static_cast<std::size_t>(view.count));
  for (std::int64_t i = 0; i < view.count; ++i)
    wide[static_cast<std::size_t>(i)] = load(static_cast<const bf16*>(view.data), i);
  return wide.data();
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
  PST_ASSERT(bias.data == nullptr || (bias.count == outputs), "one bias for each output");
  if (out.count == 0) return;
  std::vector<float> wide_x, wide_bias;
  const float* const x_f32 = as_f32(x, wide_x);
  const float* const bias_f32 = as_f32(bias, wide_bias);
  with_float(w.dtype, [&](auto kind) {
    using Weight = decltype(kind);
    on.parallel_for((outputs + kOutputs - 1) / kOutputs, 1, [&](std::int64_t begin, std::int64_t end) {
      run(Task<Weight>{.x = x_f32,
                       .w = static_cast<const Weight*>(w.data),
                       .bias = bias_f32,
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
