// SPDX-License-Identifier: Apache-2.0
#include "kernels/paged_attention/paged_attention.hpp"

#include <algorithm>
#include <cmath>
#include <cstring>
#include <limits>
#include <vector>

#include "kernels/detail/dispatch.hpp"
#include "kernels/detail/levels.hpp"
#include "kernels/detail/simd.hpp"

// A score is a sum over the head's width in rising order; a row's softmax adds in 16 lanes, and its values in the order
// of the keys. None of these depends on what else is computed.
namespace pst::kernels {
namespace {

using namespace detail;

static_assert(kPageTokens == kLanes);

constexpr std::int64_t kRows = 4;  // of a sequence that share what is read of a page

/// Some neighbouring rows of a sequence, in one key/value head.
template <class T>
struct Task {
  const T* q;     // [rows, all query heads * dim], at this head's first query head
  T* out;         // likewise
  const T* keys;  // of page 0, at this head
  const T* values;
  const std::int32_t* pages;
  std::int64_t page_values;     // of all heads
  std::int64_t row_values;      // of all query heads
  std::int64_t rows, position;  // of the first row
  std::int64_t groups, dim, window;
  float scale, cap;
  const float* slopes;  // of the first query head, or null
  const float* sinks;
};

struct Seen {
  std::int64_t begin, end;  // keys
};
template <class T>
PST_INLINE Seen seen_by(const Task<T>& task, std::int64_t row) {
  const std::int64_t end = task.position + row + 1;
  return {task.window > 0 ? std::max<std::int64_t>(0, end - task.window) : 0, end};
}

/// scores[query][key of the page] of Q queries.
template <int Q, int W, class T>
PST_INLINE void page_scores(const float* queries, std::int64_t dim, const T* keys, float* scores,
                            std::int64_t scores_row) {
  using Vector = typename VectorOf<W>::Type;
  constexpr int kParts = static_cast<int>(kPageTokens) / W;
  Vector sum[Q][kParts] = {};
  for (std::int64_t d = 0; d < dim; ++d)
#pragma GCC unroll 4
    for (int p = 0; p < kParts; ++p) {
      Vector key;
      load_vector<W>(keys + d * kPageTokens + p * W, key);
#pragma GCC unroll 4
      for (int q = 0; q < Q; ++q) sum[q][p] += queries[q * dim + d] * key;
    }
#pragma GCC unroll 4
  for (int q = 0; q < Q; ++q)
#pragma GCC unroll 4
    for (int p = 0; p < kParts; ++p) std::memcpy(scores + q * scores_row + p * W, &sum[q][p], sizeof(Vector));
}

/// Scores of one row become weights. @return what they add up to, the sink among them
template <class T>
PST_INLINE float soften(const Task<T>& task, std::int64_t head, Seen seen, float* scores, std::int64_t first) {
  const std::int64_t count = seen.end - first, up = (count + kLanes - 1) / kLanes * kLanes;
  if (task.cap > 0)
    for (std::int64_t i = 0; i < up; ++i) scores[i] = task.cap * tanh_approx(scores[i] / task.cap);
  if (task.slopes != nullptr)
    for (std::int64_t i = 0; i < up; ++i) scores[i] += task.slopes[head] * static_cast<float>(first + i);
  for (std::int64_t i = 0; i < seen.begin - first; ++i) scores[i] = -std::numeric_limits<float>::infinity();
  for (std::int64_t i = count; i < up; ++i) scores[i] = -std::numeric_limits<float>::infinity();
  float lanes[kLanes];
  for (std::int64_t l = 0; l < kLanes; ++l) lanes[l] = scores[l];
  for (std::int64_t i = kLanes; i < up; i += kLanes)
    for (std::int64_t l = 0; l < kLanes; ++l) lanes[l] = lanes[l] > scores[i + l] ? lanes[l] : scores[i + l];
  float highest = task.sinks != nullptr ? task.sinks[head] : -std::numeric_limits<float>::infinity();
  for (std::int64_t l = 0; l < kLanes; ++l) highest = highest > lanes[l] ? highest : lanes[l];
  for (std::int64_t l = 0; l < kLanes; ++l) lanes[l] = 0;
  for (std::int64_t i = 0; i < up; i += kLanes)
    for (std::int64_t l = 0; l < kLanes; ++l) {
      // exp_approx ends at e^-87, which is not the nothing that a hidden key weighs.
      const float weight = scores[i + l] > highest - 87.0f ? exp_approx(scores[i + l] - highest) : 0.0f;
      scores[i + l] = weight;
      lanes[l] += weight;
    }
  return sum_lanes(lanes) + (task.sinks != nullptr ? exp_approx(task.sinks[head] - highest) : 0.0f);
}

/// @param mixed  [dim], zeros before
template <class T>
PST_INLINE void mix(const Task<T>& task, Seen seen, const float* weights, std::int64_t first, float* mixed) {
  for (std::int64_t key = seen.begin; key < seen.end; ++key) {
    const T* const value =
        task.values + task.pages[key / kPageTokens] * task.page_values + key % kPageTokens * task.dim;
    const float weight = weights[key - first];
    for (std::int64_t d = 0; d < task.dim; ++d) mixed[d] += weight * load(value, d);
  }
}

template <class T>
std::int64_t scratch_of(const Task<T>& task) {
  const std::int64_t keys = task.position + task.rows, queries = task.rows * task.groups;
  return queries * (2 * task.dim + (keys / kPageTokens + 1) * kPageTokens);
}

template <int Q, int W, class T>
PST_INLINE void run_task(const Task<T>& task, float* scratch) {
  const std::int64_t queries = task.rows * task.groups, dim = task.dim;
  float* const scaled = scratch;                // [queries, dim]
  float* const mixed = scaled + queries * dim;  // likewise
  float* const scores = mixed + queries * dim;  // [queries, keys from `first`]
  const std::int64_t first = seen_by(task, 0).begin / kPageTokens * kPageTokens, last = task.position + task.rows;
  const std::int64_t scores_row = (last - first + kPageTokens - 1) / kPageTokens * kPageTokens;
  for (std::int64_t q = 0; q < queries; ++q) {
    const T* const from = task.q + q / task.groups * task.row_values + q % task.groups * dim;
    for (std::int64_t d = 0; d < dim; ++d) scaled[q * dim + d] = load(from, d) * task.scale;
  }
  for (std::int64_t at = first; at < last; at += kPageTokens) {
    const T* const keys = task.keys + task.pages[at / kPageTokens] * task.page_values;
    std::int64_t q = 0;
    for (; q + Q <= queries; q += Q)
      page_scores<Q, W>(scaled + q * dim, dim, keys, scores + q * scores_row + at - first, scores_row);
    for (; q < queries; ++q)
      page_scores<1, W>(scaled + q * dim, dim, keys, scores + q * scores_row + at - first, scores_row);
  }
  std::fill(mixed, mixed + queries * dim, 0.0f);
  for (std::int64_t q = 0; q < queries; ++q) {
    // Each row has its own first page, so that its lanes are the same whoever is computed with it.
    const Seen seen = seen_by(task, q / task.groups);
    const std::int64_t own = seen.begin / kPageTokens * kPageTokens;
    float* const weights = scores + q * scores_row + own - first;
    const float sum = soften(task, q % task.groups, seen, weights, own);
    mix(task, seen, weights, own, mixed + q * dim);
    T* const to = task.out + q / task.groups * task.row_values + q % task.groups * dim;
    for (std::int64_t d = 0; d < dim; ++d) store(to, d, mixed[q * dim + d] / sum);
  }
}

#if PST_HAS_LEVELS
PST_LEVEL(v4) void run_v4(const Task<float>& task, float* scratch) { run_task<4, 16>(task, scratch); }
PST_LEVEL(v4) void run_v4(const Task<bf16>& task, float* scratch) { run_task<4, 16>(task, scratch); }
PST_LEVEL(v3) void run_v3(const Task<float>& task, float* scratch) { run_task<4, 8>(task, scratch); }
PST_LEVEL(v3) void run_v3(const Task<bf16>& task, float* scratch) { run_task<4, 8>(task, scratch); }
#endif
void run_plain(const Task<float>& task, float* scratch) { run_task<2, 4>(task, scratch); }
void run_plain(const Task<bf16>& task, float* scratch) { run_task<2, 4>(task, scratch); }

template <class T>
void run(const Task<T>& task, float* scratch) {
#if PST_HAS_LEVELS
  if (cpu_level() == 4) return run_v4(task, scratch);
  if (cpu_level() == 3) return run_v3(task, scratch);
#endif
  run_plain(task, scratch);
}

void check(const PagedShape& shape, std::span<const PagedRows> rows, std::int64_t all, ConstView keys,
           ConstView values) {
  PST_ASSERT(shape.key_value_heads > 0 && shape.query_heads % shape.key_value_heads == 0, "heads form groups");
  PST_ASSERT(shape.window >= 0 && shape.cap >= 0, "a window is some rows, or 0; so is a cap");
  PST_ASSERT(shape.slopes.empty() || std::ssize(shape.slopes) == shape.query_heads, "a slope for each query head");
  PST_ASSERT(shape.sinks.empty() || std::ssize(shape.sinks) == shape.query_heads, "a sink for each query head");
  PST_ASSERT(keys.dtype == values.dtype && keys.count == values.count, "keys and values lie in pages alike");
  for (const PagedRows& of : rows) {
    PST_ASSERT(of.first >= 0 && of.count >= 0 && of.first + of.count <= all, "the rows are among those given");
    PST_ASSERT(of.position >= 0 && of.position + of.count <= std::ssize(of.pages) * kPageTokens, "pages for every row");
    for (const std::int32_t page : of.pages)
      PST_ASSERT(page >= 0 && (page + 1) * shape.page_values() <= keys.count, "a page is in the pool");
  }
}

}  // namespace

void write_pages(const Exec& on, ConstView k, ConstView v, const PagedShape& shape, std::span<const PagedRows> rows,
                 View keys, View values) {
  require_cpu(on, "write_pages");
  require_on(on, "write_pages", {k, v, keys, values});
  require_float(k.dtype, "write_pages");
  const std::int64_t width = shape.key_value_heads * shape.dim;
  PST_ASSERT(k.count % width == 0 && v.count == k.count && v.dtype == k.dtype && keys.dtype == k.dtype,
             "keys and values are [n, key/value heads * dim]");
  check(shape, rows, k.count / width, keys, values);
  with_float(k.dtype, [&](auto kind) {
    using T = decltype(kind);
    for (const PagedRows& of : rows)
      on.parallel_for(of.count, 16, [&](std::int64_t begin, std::int64_t end) {
        for (std::int64_t row = begin; row < end; ++row) {
          const std::int64_t position = of.position + row, slot = position % kPageTokens;
          const std::int64_t page = of.pages[static_cast<std::size_t>(position / kPageTokens)] * shape.page_values();
          const std::int64_t from = (of.first + row) * width;
          for (std::int64_t i = 0; i < width; ++i)
            static_cast<T*>(keys.data)[page + i * kPageTokens + slot] = static_cast<const T*>(k.data)[from + i];
          for (std::int64_t head = 0; head < shape.key_value_heads; ++head)
            std::copy_n(static_cast<const T*>(v.data) + from + head * shape.dim, shape.dim,
                        static_cast<T*>(values.data) + page + (head * kPageTokens + slot) * shape.dim);
        }
      });
  });
}

void paged_attention(const Exec& on, ConstView q, ConstView keys, ConstView values, const PagedShape& shape,
                     std::span<const PagedRows> rows, View out) {
  require_cpu(on, "paged_attention");
  require_on(on, "paged_attention", {q, keys, values, out});
  require_float(q.dtype, "paged_attention");
  const std::int64_t width = shape.query_heads * shape.dim, groups = shape.query_heads / shape.key_value_heads;
  PST_ASSERT(q.count % width == 0 && out.count == q.count && out.dtype == q.dtype && keys.dtype == q.dtype,
             "queries are [n, query heads * dim], and the output is like them");
  check(shape, rows, q.count / width, keys, values);
  struct Piece {
    const PagedRows* rows;
    std::int64_t begin, head;
  };
  std::vector<Piece> pieces;
  for (const PagedRows& of : rows)
    for (std::int64_t begin = 0; begin < of.count; begin += kRows)
      for (std::int64_t head = 0; head < shape.key_value_heads; ++head) pieces.push_back({&of, begin, head});
  with_float(q.dtype, [&](auto kind) {
    using T = decltype(kind);
    on.parallel_for(std::ssize(pieces), 1, [&](std::int64_t first, std::int64_t last) {
      std::vector<float> scratch;
      for (std::int64_t i = first; i < last; ++i) {
        const auto& [of, begin, head] = pieces[static_cast<std::size_t>(i)];
        const std::int64_t at = (of->first + begin) * width + head * groups * shape.dim;
        const Task<T> task{.q = static_cast<const T*>(q.data) + at,
                           .out = static_cast<T*>(out.data) + at,
                           .keys = static_cast<const T*>(keys.data) + head * shape.dim * kPageTokens,
                           .values = static_cast<const T*>(values.data) + head * shape.dim * kPageTokens,
                           .pages = of->pages.data(),
                           .page_values = shape.page_values(),
                           .row_values = width,
                           .rows = std::min(kRows, of->count - begin),
                           .position = of->position + begin,
                           .groups = groups,
                           .dim = shape.dim,
                           .window = shape.window,
                           .scale = static_cast<float>(shape.scale),
                           .cap = static_cast<float>(shape.cap),
                           .slopes = shape.slopes.empty() ? nullptr : shape.slopes.data() + head * groups,
                           .sinks = shape.sinks.empty() ? nullptr : shape.sinks.data() + head * groups};
        scratch.resize(static_cast<std::size_t>(std::max(std::ssize(scratch), scratch_of(task))));
        run(task, scratch.data());
      }
    });
  });
}

}  // namespace pst::kernels
