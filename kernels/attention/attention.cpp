// SPDX-License-Identifier: Apache-2.0
#include "kernels/attention/attention.hpp"

#include <algorithm>
#include <cmath>
#include <limits>
#include <vector>

#include "kernels/attention/panel.hpp"
#include "kernels/attention/parts_of_head.hpp"
#include "kernels/attention/pieces.hpp"
#include "kernels/attention/scores.hpp"
#include "kernels/detail/dispatch.hpp"

// A task is a piece (pieces.hpp): its keys and values are unpacked to f32 once, then rows of queries pass over them.
// Letters: t a row of the document, c a column within the head.
namespace pst::kernels {
namespace {

using namespace detail;

constexpr std::int64_t kBlockRows = 32;  // queries whose gradients for keys and values are summed at once
constexpr std::int64_t kBlockKeys = kAttentionBlockKeys;
constexpr float kNone = -std::numeric_limits<float>::infinity();

PST_INLINE std::int64_t up(std::int64_t value, std::int64_t multiple) {
  return (value + multiple - 1) / multiple * multiple;
}

/// What a task works on. Strides are in values.
template <class T>
struct Problem {
  const T *q, *k, *v;
  std::int64_t q_stride, kv_stride;  // from row to row
  std::int64_t rows, dim, groups;
  std::int64_t window;  // keys that a row sees, itself the last; no more than rows
  float scale, cap;
  const float* slopes;  // of the groups' query heads, or nullptr
  std::int64_t dim_up() const { return up(dim, kVector); }
  std::int64_t rows_up() const { return up(rows, kBlockRows); }
  bool shapes_scores() const { return cap > 0 || slopes != nullptr; }
  float slope(std::int64_t group) const { return slopes != nullptr ? slopes[group] : 0.0f; }
  /// First of the keys that row t sees.
  std::int64_t first_key(std::int64_t t) const { return std::max<std::int64_t>(0, t - window + 1); }
};

template <class T>
struct Forward {
  Problem<T> at;
  T* out;
  float* log_sum_exp;
  std::int64_t lse_stride;  // from query head to query head
  std::int64_t first_row;   // of the queries; keys are all rows
};

template <class T>
struct Backward {
  Problem<T> at;
  const T *dout, *out;
  const float* log_sum_exp;
  std::int64_t lse_stride;
  T *dq, *dk, *dv;
  float* partial;  // where the head is cut: f32 [2, rows_up, dim_up] for dK and dV of these query heads; else nullptr
};

/// [rows, dim] with a stride -> f32 [rows_up, dim_up], zeros around.
template <class T>
PST_INLINE void unpack(const T* from, std::int64_t stride, std::int64_t rows, std::int64_t dim, std::int64_t rows_up,
                       std::int64_t dim_up, float factor, float* to) {
  for (std::int64_t t = 0; t < rows; ++t) {
    for (std::int64_t c = 0; c < dim; ++c) to[t * dim_up + c] = load(from + t * stride, c) * factor;
    for (std::int64_t c = dim; c < dim_up; ++c) to[t * dim_up + c] = 0;
  }
  std::fill(to + rows * dim_up, to + rows_up * dim_up, 0.0f);
}

/// f32 [rows, columns] -> [columns, rows]; both are multiples of kVector.
PST_INLINE void transpose(const float* from, std::int64_t rows, std::int64_t columns, float* to) {
  for (std::int64_t t0 = 0; t0 < rows; t0 += kVector)
    for (std::int64_t c = 0; c < columns; ++c)
      for (std::int64_t t = 0; t < kVector; ++t) to[c * rows + t0 + t] = from[(t0 + t) * columns + c];
}

/// Keys that rows [begin, begin + count) of the document may see in the block from `first`, rounded up; 0 or less:
/// none.
PST_INLINE std::int64_t keys_seen(std::int64_t begin, std::int64_t count, std::int64_t first) {
  return std::min(kBlockKeys, up(std::max<std::int64_t>(begin + count - first, 0), kBlockRows));
}

template <int R, int V, int W, class T>
PST_INLINE void forward_task(const Forward<T>& task, float* scratch) {
  const Problem<T>& at = task.at;
  const std::int64_t rows_up = at.rows_up(), dim = at.dim_up();
  float* const values = scratch;                 // [rows, dim]
  float* const keys_t = values + rows_up * dim;  // [dim, rows]
  float* const query = keys_t + rows_up * dim;   // [R, dim]
  float* const mixed = query + R * dim;          // [R, dim]
  float* const scores = mixed + R * dim;         // [R, kBlockKeys]
  unpack(at.k, at.kv_stride, at.rows, at.dim, rows_up, dim, 1.0f, values);
  transpose(values, rows_up, dim, keys_t);
  unpack(at.v, at.kv_stride, at.rows, at.dim, rows_up, dim, 1.0f, values);

  for (std::int64_t g = 0; g < at.groups; ++g)
    for (std::int64_t t0 = task.first_row; t0 < at.rows; t0 += R) {
      const std::int64_t count = std::min<std::int64_t>(R, at.rows - t0);
      unpack(at.q + t0 * at.q_stride + g * at.dim, at.q_stride, count, at.dim, R, dim, at.scale, query);
      float highest[R], total[R];
      std::fill(highest, highest + R, kNone);
      std::fill(total, total + R, 0.0f);
      std::fill(mixed, mixed + R * dim, 0.0f);
      const std::int64_t from = at.first_key(t0) / kBlockKeys * kBlockKeys;
      for (std::int64_t first = from; first < t0 + count; first += kBlockKeys) {
        const std::int64_t seen = keys_seen(t0, count, first);
        multiply<R, V, W>(R, seen, at.dim, {query, dim, 1}, keys_t + first, rows_up, scores, kBlockKeys, false);
        for (std::int64_t r = 0; r < R; ++r) {
          float* const row = scores + r * kBlockKeys;
          const std::int64_t t = std::min(t0 + r, at.rows - 1), valid = std::min(seen, t - first + 1);
          const std::int64_t begin = std::max<std::int64_t>(0, at.first_key(t) - first);
          if (valid <= begin) {
            std::fill(row, row + seen, 0.0f);
            continue;
          }
          if (at.shapes_scores()) shape_scores(row, at.cap, at.slope(g), first, begin, valid);
          const float now = std::max(highest[r], max_of_row(row + begin, valid - begin));
          const float shrink = highest[r] == kNone ? 0.0f : exp_approx(highest[r] - now);
          if (first > from)
            for (std::int64_t c = 0; c < dim; ++c) mixed[r * dim + c] *= shrink;
          total[r] = total[r] * shrink + exp_of_row(row, now, begin, valid, seen);
          highest[r] = now;
        }
        multiply<R, V, W>(R, dim, seen, {scores, kBlockKeys, 1}, values + first * dim, dim, mixed, dim, true);
      }
      for (std::int64_t r = 0; r < count; ++r) {
        T* const out = task.out + (t0 + r) * at.q_stride + g * at.dim;
        const float factor = 1.0f / total[r];
        for (std::int64_t c = 0; c < at.dim; ++c) store(out, c, mixed[r * dim + c] * factor);
        task.log_sum_exp[g * task.lse_stride + t0 + r] = highest[r] + std::log(total[r]);
      }
    }
}

/// f32 [rows_up, dim_up] -> the rows of a key/value head.
template <class T>
PST_INLINE void store_rows(const float* from, const Problem<T>& at, T* to) {
  for (std::int64_t t = 0; t < at.rows; ++t)
    for (std::int64_t c = 0; c < at.dim; ++c) store(to + t * at.kv_stride, c, from[t * at.dim_up() + c]);
}

template <int R, int V, int W, class T>
PST_INLINE void backward_task(const Backward<T>& task, float* scratch) {
  const Problem<T>& at = task.at;
  const std::int64_t rows_up = at.rows_up(), dim = at.dim_up(), all = rows_up * dim;
  float* const keys = scratch;                               // [rows, dim]
  float* const keys_t = keys + all;                          // [dim, rows]
  float* const values_t = keys_t + all;                      // [dim, rows]
  float* const query = values_t + all;                       // [kBlockRows, dim]
  float* const dmixed = query + kBlockRows * dim;            // [kBlockRows, dim]
  float* const dquery = dmixed + kBlockRows * dim;           // [kBlockRows, dim]
  float* const weights = dquery + kBlockRows * dim;          // [kBlockRows, kBlockKeys]
  float* const dscores = weights + kBlockRows * kBlockKeys;  // [kBlockRows, kBlockKeys]
  float* const dkeys = task.partial != nullptr ? task.partial : dscores + kBlockRows * kBlockKeys;  // [rows, dim]
  float* const dvalues = dkeys + all;                                                               // [rows, dim]
  unpack(at.v, at.kv_stride, at.rows, at.dim, rows_up, dim, 1.0f, keys);
  transpose(keys, rows_up, dim, values_t);
  unpack(at.k, at.kv_stride, at.rows, at.dim, rows_up, dim, 1.0f, keys);
  transpose(keys, rows_up, dim, keys_t);
  std::fill(dkeys, dkeys + 2 * all, 0.0f);

  for (std::int64_t g = 0; g < at.groups; ++g)
    for (std::int64_t t0 = 0; t0 < at.rows; t0 += kBlockRows) {
      const std::int64_t count = std::min(kBlockRows, at.rows - t0), panels = up(count, R);
      const T* const dout = task.dout + t0 * at.q_stride + g * at.dim;
      const T* const out = task.out + t0 * at.q_stride + g * at.dim;
      unpack(at.q + t0 * at.q_stride + g * at.dim, at.q_stride, count, at.dim, panels, dim, at.scale, query);
      unpack(dout, at.q_stride, count, at.dim, panels, dim, 1.0f, dmixed);
      float along[kBlockRows];  // rowsum(dO * O): the part of dO that changes no probability
      for (std::int64_t r = 0; r < count; ++r) {
        float lanes[kLanes] = {};
        std::int64_t c = 0;
        for (; c + kLanes <= at.dim; c += kLanes)
          for (std::int64_t l = 0; l < kLanes; ++l)
            lanes[l] += dmixed[r * dim + c + l] * load(out + r * at.q_stride, c + l);
        for (; c < at.dim; ++c) lanes[0] += dmixed[r * dim + c] * load(out + r * at.q_stride, c);
        along[r] = sum_lanes(lanes);
      }
      std::fill(dquery, dquery + panels * dim, 0.0f);
      for (std::int64_t first = at.first_key(t0) / kBlockKeys * kBlockKeys; first < t0 + count; first += kBlockKeys) {
        const std::int64_t widest = keys_seen(t0, count, first);
        for (std::int64_t r0 = 0; r0 < panels; r0 += R) {
          const std::int64_t seen = std::min(widest, keys_seen(t0 + r0, R, first));
          float* const p = weights + r0 * kBlockKeys;
          float* const ds = dscores + r0 * kBlockKeys;
          multiply<R, V, W>(R, seen, at.dim, {query + r0 * dim, dim, 1}, keys_t + first, rows_up, p, kBlockKeys, false);
          multiply<R, V, W>(R, seen, at.dim, {dmixed + r0 * dim, dim, 1}, values_t + first, rows_up, ds, kBlockKeys,
                            false);
          for (std::int64_t r = r0; r < r0 + R; ++r) {
            float* const p_row = weights + r * kBlockKeys;
            float* const ds_row = dscores + r * kBlockKeys;
            const std::int64_t valid =
                r < count ? std::clamp<std::int64_t>(t0 + r - first + 1, 0, seen) : 0;  // a padded row sees nothing
            const std::int64_t begin = std::clamp<std::int64_t>(at.first_key(t0 + r) - first, 0, valid);
            const float lse = valid > 0 ? task.log_sum_exp[g * task.lse_stride + t0 + r] : 0.0f;
            const float subtract = valid > 0 ? along[r] : 0.0f;
            std::fill(p_row, p_row + begin, 0.0f);
            std::fill(ds_row, ds_row + begin, 0.0f);
            if (at.shapes_scores()) shape_scores(p_row, at.cap, at.slope(g), first, begin, valid);
            if (at.cap > 0) {  // the slope of cap tanh(s / cap) is 1 - tanh^2; no family has slopes as well
              for (std::int64_t i = begin; i < valid; ++i) {
                const float bent = p_row[i] / at.cap;
                p_row[i] = exp_approx(p_row[i] - lse);
                ds_row[i] = p_row[i] * (ds_row[i] - subtract) * (1.0f - bent * bent);
              }
            } else {
              for (std::int64_t i = begin; i < valid; ++i) {
                p_row[i] = exp_approx(p_row[i] - lse);
                ds_row[i] = p_row[i] * (ds_row[i] - subtract);
              }
            }
            std::fill(p_row + valid, p_row + widest, 0.0f);
            std::fill(ds_row + valid, ds_row + widest, 0.0f);
          }
          multiply<R, V, W>(R, dim, seen, {ds, kBlockKeys, 1}, keys + first * dim, dim, dquery + r0 * dim, dim, true);
        }
        multiply<R, V, W>(widest, dim, panels, {dscores, 1, kBlockKeys}, query, dim, dkeys + first * dim, dim, true);
        multiply<R, V, W>(widest, dim, panels, {weights, 1, kBlockKeys}, dmixed, dim, dvalues + first * dim, dim, true);
      }
      for (std::int64_t r = 0; r < count; ++r) {
        T* const dq = task.dq + (t0 + r) * at.q_stride + g * at.dim;
        for (std::int64_t c = 0; c < at.dim; ++c) store(dq, c, dquery[r * dim + c] * at.scale);
      }
    }
  if (task.partial != nullptr) return;
  store_rows(dkeys, at, task.dk);
  store_rows(dvalues, at, task.dv);
}

// One body, compiled for three instruction sets: with 32 registers of 16 floats a panel of 8 x 32 is held, with 16 of 8
// one of 4 x 16, with 16 of 4 one of 4 x 8.
#if PST_HAS_LEVELS
PST_LEVEL(v4) void run_v4(const Forward<float>& task, float* scratch) { forward_task<8, 2, 16>(task, scratch); }
PST_LEVEL(v4) void run_v4(const Forward<bf16>& task, float* scratch) { forward_task<8, 2, 16>(task, scratch); }
PST_LEVEL(v4) void run_v4(const Backward<float>& task, float* scratch) { backward_task<8, 2, 16>(task, scratch); }
PST_LEVEL(v4) void run_v4(const Backward<bf16>& task, float* scratch) { backward_task<8, 2, 16>(task, scratch); }
PST_LEVEL(v3) void run_v3(const Forward<float>& task, float* scratch) { forward_task<4, 2, 8>(task, scratch); }
PST_LEVEL(v3) void run_v3(const Forward<bf16>& task, float* scratch) { forward_task<4, 2, 8>(task, scratch); }
PST_LEVEL(v3) void run_v3(const Backward<float>& task, float* scratch) { backward_task<4, 2, 8>(task, scratch); }
PST_LEVEL(v3) void run_v3(const Backward<bf16>& task, float* scratch) { backward_task<4, 2, 8>(task, scratch); }
#endif
void run_plain(const Forward<float>& task, float* scratch) { forward_task<4, 2, 4>(task, scratch); }
void run_plain(const Forward<bf16>& task, float* scratch) { forward_task<4, 2, 4>(task, scratch); }
void run_plain(const Backward<float>& task, float* scratch) { backward_task<4, 2, 4>(task, scratch); }
void run_plain(const Backward<bf16>& task, float* scratch) { backward_task<4, 2, 4>(task, scratch); }

template <class Task>
void run(const Task& task, float* scratch) {
#if PST_HAS_LEVELS
  if (cpu_level() == 4) return run_v4(task, scratch);
  if (cpu_level() == 3) return run_v3(task, scratch);
#endif
  run_plain(task, scratch);
}

/// Values of scratch that any of these pieces needs.
std::int64_t scratch_size(const std::vector<AttentionPiece>& pieces, std::int64_t dim) {
  std::int64_t longest = 0;
  for (const AttentionPiece& piece : pieces) longest = std::max(longest, piece.row_end);
  const std::int64_t dim_up = up(dim, kVector);
  return 5 * up(longest, kBlockRows) * dim_up + 3 * kBlockRows * dim_up + 2 * kBlockRows * kBlockKeys;
}

template <class T>
Problem<T> problem(ConstView q, ConstView k, ConstView v, const AttentionShape& shape, const AttentionPiece& piece) {
  const std::int64_t groups = shape.query_heads / shape.key_value_heads;
  const std::int64_t begin = shape.starts[static_cast<std::size_t>(piece.document)];
  const std::int64_t q_stride = shape.query_heads * shape.dim, kv_stride = shape.key_value_heads * shape.dim;
  const std::int64_t q_at = begin * q_stride + (piece.head * groups + piece.group) * shape.dim;
  const std::int64_t kv_at = begin * kv_stride + piece.head * shape.dim;
  return {.q = static_cast<const T*>(q.data) + q_at,
          .k = static_cast<const T*>(k.data) + kv_at,
          .v = static_cast<const T*>(v.data) + kv_at,
          .q_stride = q_stride,
          .kv_stride = kv_stride,
          .rows = piece.row_end,
          .dim = shape.dim,
          .groups = piece.groups,
          .window = shape.window > 0 ? std::min(shape.window, piece.row_end) : piece.row_end,
          .scale = static_cast<float>(shape.scale > 0 ? shape.scale : 1 / std::sqrt(static_cast<double>(shape.dim))),
          .cap = static_cast<float>(shape.cap),
          .slopes = shape.slopes.empty() ? nullptr : shape.slopes.data() + piece.head * groups + piece.group};
}

void check(ConstView q, ConstView k, ConstView v, ConstView log_sum_exp, const AttentionShape& shape) {
  require_float(q.dtype, "attention");
  PST_ASSERT(shape.window >= 0, "a window is some rows, or 0");
  PST_ASSERT(shape.cap >= 0 && (shape.cap == 0 || shape.slopes.empty()), "scores are capped, or have slopes");
  PST_ASSERT(shape.slopes.empty() || std::ssize(shape.slopes) == shape.query_heads, "a slope for each query head");
  PST_ASSERT(!shape.starts.empty() && shape.starts.front() == 0, "documents begin at row 0");
  PST_ASSERT(shape.key_value_heads > 0 && shape.query_heads % shape.key_value_heads == 0, "heads form groups");
  const std::int64_t rows = shape.starts.back();
  PST_ASSERT(q.count == rows * shape.query_heads * shape.dim, "queries are [n, query heads * dim]");
  PST_ASSERT(k.count == rows * shape.key_value_heads * shape.dim && v.count == k.count,
             "keys and values are [n, key/value heads * dim]");
  PST_ASSERT(k.dtype == q.dtype && v.dtype == q.dtype, "queries, keys and values share a dtype");
  PST_ASSERT(log_sum_exp.dtype == Dtype::f32 && log_sum_exp.count == rows * shape.query_heads,
             "log_sum_exp is f32 [query heads, n]");
}

}  // namespace

void attention(const Exec& on, ConstView q, ConstView k, ConstView v, const AttentionShape& shape, View out,
               View log_sum_exp) {
  require_cpu(on, "attention");
  check(q, k, v, log_sum_exp, shape);
  PST_ASSERT(out.count == q.count && out.dtype == q.dtype, "the output is like the queries");
  const std::int64_t rows = shape.starts.back(), groups = shape.query_heads / shape.key_value_heads;
  const std::vector<AttentionPiece> pieces = pieces_of(shape, &forward_cut);
  with_float(q.dtype, [&](auto kind) {
    using T = decltype(kind);
    for_pieces(on, pieces, scratch_size(pieces, shape.dim), [&](const AttentionPiece& piece, float* scratch) {
      const Problem<T> at = problem<T>(q, k, v, shape, piece);
      const std::int64_t begin = shape.starts[static_cast<std::size_t>(piece.document)];
      const std::int64_t query_head = piece.head * groups + piece.group;
      run(Forward<T>{.at = at,
                     .out = static_cast<T*>(out.data) + (at.q - static_cast<const T*>(q.data)),
                     .log_sum_exp = static_cast<float*>(log_sum_exp.data) + query_head * rows + begin,
                     .lse_stride = rows,
                     .first_row = piece.row},
          scratch);
    });
  });
}

void attention_backward(const Exec& on, ConstView dout, ConstView q, ConstView k, ConstView v, ConstView out,
                        ConstView log_sum_exp, const AttentionShape& shape, View dq, View dk, View dv) {
  require_cpu(on, "attention_backward");
  check(q, k, v, log_sum_exp, shape);
  PST_ASSERT(dout.count == q.count && out.count == q.count && dq.count == q.count, "dout, out and dq are like q");
  PST_ASSERT(dk.count == k.count && dv.count == k.count, "dk and dv are like k");
  PST_ASSERT(dout.dtype == q.dtype && out.dtype == q.dtype && dq.dtype == q.dtype && dk.dtype == q.dtype &&
                 dv.dtype == q.dtype,
             "all share a dtype");
  const std::int64_t rows = shape.starts.back(), groups = shape.query_heads / shape.key_value_heads;
  const std::vector<AttentionPiece> pieces = pieces_of(shape, &backward_cut);
  std::vector<PartsOfHead> parts((shape.starts.size() - 1) * static_cast<std::size_t>(shape.key_value_heads));
  with_float(q.dtype, [&](auto kind) {
    using T = decltype(kind);
    for_pieces(on, pieces, scratch_size(pieces, shape.dim), [&](const AttentionPiece& piece, float* scratch) {
      const Problem<T> at = problem<T>(q, k, v, shape, piece);
      const std::int64_t begin = shape.starts[static_cast<std::size_t>(piece.document)];
      const std::int64_t query_head = piece.head * groups + piece.group;
      const std::int64_t q_at = at.q - static_cast<const T*>(q.data), kv_at = at.k - static_cast<const T*>(k.data);
      PartsOfHead& parts_of_head = parts[static_cast<std::size_t>(piece.document * shape.key_value_heads + piece.head)];
      const std::int64_t values = 2 * at.rows_up() * at.dim_up();
      const bool cut = piece.groups < groups;
      const Backward<T> task{.at = at,
                             .dout = static_cast<const T*>(dout.data) + q_at,
                             .out = static_cast<const T*>(out.data) + q_at,
                             .log_sum_exp = static_cast<const float*>(log_sum_exp.data) + query_head * rows + begin,
                             .lse_stride = rows,
                             .dq = static_cast<T*>(dq.data) + q_at,
                             .dk = static_cast<T*>(dk.data) + kv_at,
                             .dv = static_cast<T*>(dv.data) + kv_at,
                             .partial = cut ? parts_of_head.of_group(piece.group, groups, values) : nullptr};
      run(task, scratch);
      if (!cut) return;
      if (const float* const sum = parts_of_head.end(groups, values)) {
        store_rows(sum, at, task.dk);
        store_rows(sum + values / 2, at, task.dv);
        parts_of_head.forget();
      }
    });
  });
}

}  // namespace pst::kernels
