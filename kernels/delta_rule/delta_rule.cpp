// SPDX-License-Identifier: Apache-2.0
#include "kernels/delta_rule/delta_rule.hpp"

#include <algorithm>
#include <atomic>
#include <cmath>
#include <vector>

#include "kernels/detail/dispatch.hpp"
#include "kernels/detail/simd.hpp"

// A task is a document under a key head: rows go one after the other, columns of the state are independent. Backward
// walks chunks of rows from the last to the first; a first walk forward leaves the state at each chunk's begin.
namespace pst::kernels {
namespace {

using namespace detail;

constexpr std::int64_t kChunk = 32;

template <class T>
struct Head {
  const T *q, *k, *v;
  const float *g, *beta;
  std::int64_t q_stride, v_stride, g_stride;  // from row to row
  std::int64_t rows, dk, dv;
};

/// Values of row t in f32. @param q, k [dk], v [dv]
template <class T>
PST_INLINE void read_row(const Head<T>& at, std::int64_t t, float* q, float* k, float* v) {
  for (std::int64_t i = 0; i < at.dk; ++i) q[i] = load(at.q + t * at.q_stride, i);
  for (std::int64_t i = 0; i < at.dk; ++i) k[i] = load(at.k + t * at.q_stride, i);
  for (std::int64_t j = 0; j < at.dv; ++j) v[j] = load(at.v + t * at.v_stride, j);
}

/// Decays the state and adds what row t brings. @param delta [dv], receives beta (v - S^T k)
PST_INLINE void advance(float* s, float decay, float beta, const float* k, const float* v, float* delta,
                        std::int64_t dk, std::int64_t dv) {
  for (std::int64_t j = 0; j < dv; ++j) delta[j] = 0;
  for (std::int64_t i = 0; i < dk; ++i)
    for (std::int64_t j = 0; j < dv; ++j) {
      s[i * dv + j] *= decay;
      delta[j] += s[i * dv + j] * k[i];
    }
  for (std::int64_t j = 0; j < dv; ++j) delta[j] = beta * (v[j] - delta[j]);
  for (std::int64_t i = 0; i < dk; ++i)
    for (std::int64_t j = 0; j < dv; ++j) s[i * dv + j] += k[i] * delta[j];
}

template <class T>
PST_INLINE void forward_head(const Head<T>& at, float* s, T* out, float* scratch) {
  float *q = scratch, *k = q + at.dk, *v = k + at.dk, *delta = v + at.dv, *o = delta + at.dv;
  for (std::int64_t t = 0; t < at.rows; ++t) {
    read_row(at, t, q, k, v);
    advance(s, exp_approx(at.g[t * at.g_stride]), at.beta[t * at.g_stride], k, v, delta, at.dk, at.dv);
    for (std::int64_t j = 0; j < at.dv; ++j) o[j] = 0;
    for (std::int64_t i = 0; i < at.dk; ++i)
      for (std::int64_t j = 0; j < at.dv; ++j) o[j] += s[i * at.dv + j] * q[i];
    for (std::int64_t j = 0; j < at.dv; ++j) store(out + t * at.v_stride, j, o[j]);
  }
}

PST_INLINE float dot(const float* a, const float* b, std::int64_t count) {
  float lanes[kLanes] = {};
  std::int64_t i = 0;
  for (; i + kLanes <= count; i += kLanes)
    for (std::int64_t l = 0; l < kLanes; ++l) lanes[l] += a[i + l] * b[i + l];
  for (; i < count; ++i) lanes[0] += a[i] * b[i];
  return sum_lanes(lanes);
}

template <class T>
struct Slopes {
  const T* dout;
  float *dq, *dk;  // [rows, dk], summed over the value heads of a key head
  T* dv;
  float *dg, *dbeta;
};

/// @param scratch  states at chunks' begins, those of one chunk, slopes and rows
template <class T>
PST_INLINE void backward_head(const Head<T>& at, const Slopes<T>& to, float* scratch) {
  const std::int64_t dk = at.dk, dv = at.dv, size = dk * dv, chunks = (at.rows + kChunk - 1) / kChunk;
  float* const begins = scratch;                 // [chunks, dk, dv]
  float* const inside = begins + chunks * size;  // [kChunk, dk, dv]: the state before each row
  float* const ds = inside + kChunk * size;      // [dk, dv]
  float* const after = ds + size;                // [dk, dv]: the state behind a row
  float *q = after + size, *k = q + dk, *v = k + dk, *delta = v + dv, *d = delta + dv, *ddelta = d + dv;
  std::fill(after, after + size, 0.0f);
  for (std::int64_t t = 0; t < at.rows; ++t) {
    if (t % kChunk == 0) std::copy(after, after + size, begins + t / kChunk * size);
    if (t + 1 >= at.rows) break;
    read_row(at, t, q, k, v);
    advance(after, exp_approx(at.g[t * at.g_stride]), at.beta[t * at.g_stride], k, v, delta, dk, dv);
  }
  std::fill(ds, ds + size, 0.0f);
  for (std::int64_t chunk = chunks - 1; chunk >= 0; --chunk) {
    const std::int64_t first = chunk * kChunk, last = std::min(at.rows, first + kChunk);
    std::copy(begins + chunk * size, begins + (chunk + 1) * size, inside);
    for (std::int64_t t = first; t + 1 < last; ++t) {
      float* const next = inside + (t + 1 - first) * size;
      std::copy(next - size, next, next);
      read_row(at, t, q, k, v);
      advance(next, exp_approx(at.g[t * at.g_stride]), at.beta[t * at.g_stride], k, v, delta, dk, dv);
    }
    for (std::int64_t t = last - 1; t >= first; --t) {
      const float* const before = inside + (t - first) * size;
      const float decay = exp_approx(at.g[t * at.g_stride]), beta = at.beta[t * at.g_stride];
      read_row(at, t, q, k, v);
      for (std::int64_t j = 0; j < dv; ++j) d[j] = load(to.dout + t * at.v_stride, j);
      std::copy(before, before + size, after);
      advance(after, decay, beta, k, v, delta, dk, dv);
      for (std::int64_t i = 0; i < dk; ++i)
        for (std::int64_t j = 0; j < dv; ++j) ds[i * dv + j] += q[i] * d[j];
      for (std::int64_t j = 0; j < dv; ++j) ddelta[j] = 0;
      float* const dq_row = to.dq + t * dk;
      float* const dk_row = to.dk + t * dk;
      for (std::int64_t i = 0; i < dk; ++i) {
        dq_row[i] += dot(after + i * dv, d, dv);
        dk_row[i] += dot(ds + i * dv, delta, dv);
        for (std::int64_t j = 0; j < dv; ++j) ddelta[j] += ds[i * dv + j] * k[i];
      }
      to.dbeta[t * at.g_stride] = beta != 0 ? dot(ddelta, delta, dv) / beta : 0.0f;
      T* const dv_row = to.dv + t * at.v_stride;
      for (std::int64_t j = 0; j < dv; ++j) store(dv_row, j, beta * ddelta[j]);
      float along = 0;  // of the decay: <dS, S before>, where dS is that of the decayed state
      for (std::int64_t i = 0; i < dk; ++i) {
        dk_row[i] -= beta * decay * dot(before + i * dv, ddelta, dv);
        for (std::int64_t j = 0; j < dv; ++j) ds[i * dv + j] -= k[i] * beta * ddelta[j];
        along += dot(ds + i * dv, before + i * dv, dv);
      }
      to.dg[t * at.g_stride] = along * decay;
      for (std::int64_t i = 0; i < size; ++i) ds[i] *= decay;
    }
  }
}

PST_CLONES void forward(const Head<float>& at, float* s, float* out, float* scratch) {
  forward_head(at, s, out, scratch);
}
PST_CLONES void forward(const Head<bf16>& at, float* s, bf16* out, float* scratch) {
  forward_head(at, s, out, scratch);
}
PST_CLONES void backward(const Head<float>& at, const Slopes<float>& to, float* scratch) {
  backward_head(at, to, scratch);
}
PST_CLONES void backward(const Head<bf16>& at, const Slopes<bf16>& to, float* scratch) {
  backward_head(at, to, scratch);
}

/// What the views hold, checked.
template <class T>
struct Inputs {
  const T *q, *k, *v;
  const float *g, *beta;
  DeltaShape shape;
  std::int64_t groups() const { return shape.value_heads / shape.key_heads; }
  Head<T> head(std::size_t document, std::int64_t value_head) const {
    const std::int64_t begin = shape.starts[document], q_stride = shape.key_heads * shape.key_dim;
    const std::int64_t v_stride = shape.value_heads * shape.value_dim;
    const std::int64_t q_at = begin * q_stride + value_head / groups() * shape.key_dim;
    const std::int64_t g_at = begin * shape.value_heads + value_head;
    return {q + q_at,      k + q_at,          v + begin * v_stride + value_head * shape.value_dim,
            g + g_at,      beta + g_at,       q_stride,
            v_stride,      shape.value_heads, shape.starts[document + 1] - begin,
            shape.key_dim, shape.value_dim};
  }
};

void check(const Exec& on, ConstView q, ConstView k, ConstView v, ConstView g, ConstView beta,
           const DeltaShape& shape) {
  require_cpu(on, "delta_rule");
  require_float(q.dtype, "delta_rule");
  PST_ASSERT(!shape.starts.empty() && shape.starts.front() == 0, "documents begin at row 0");
  PST_ASSERT(shape.key_heads > 0 && shape.value_heads % shape.key_heads == 0, "heads form groups");
  const std::int64_t rows = shape.starts.back();
  PST_ASSERT(q.count == rows * shape.key_heads * shape.key_dim && k.count == q.count,
             "q and k are [n, key heads * dim]");
  PST_ASSERT(v.count == rows * shape.value_heads * shape.value_dim, "v is [n, value heads * dim]");
  PST_ASSERT(k.dtype == q.dtype && v.dtype == q.dtype, "q, k and v share a dtype");
  PST_ASSERT(
      g.dtype == Dtype::f32 && g.count == rows * shape.value_heads && beta.dtype == Dtype::f32 && beta.count == g.count,
      "g and beta are f32 [n, value heads]");
}

/// Runs body(document, head) for all, each by whoever is free.
template <class Body>
void for_tasks(const Exec& on, const DeltaShape& shape, std::int64_t heads, const Body& body) {
  const auto documents = static_cast<std::int64_t>(shape.starts.size()) - 1;
  std::atomic<std::int64_t> next{0};
  on.parallel_for(documents * heads, 1, [&](std::int64_t, std::int64_t) {
    for (std::int64_t task; (task = next.fetch_add(1)) < documents * heads;)
      body(static_cast<std::size_t>(task / heads), task % heads);
  });
}

}  // namespace

void delta_rule(const Exec& on, ConstView q, ConstView k, ConstView v, ConstView g, ConstView beta,
                const DeltaShape& shape, View state, View out) {
  check(on, q, k, v, g, beta, shape);
  PST_ASSERT(out.count == v.count && out.dtype == v.dtype, "the output is like v");
  const std::int64_t size = shape.key_dim * shape.value_dim;
  PST_ASSERT(state.data == nullptr || (state.dtype == Dtype::f32 && state.count == shape.value_heads * size),
             "states are f32 [value heads, key dim, value dim]");
  with_float(q.dtype, [&](auto kind) {
    using T = decltype(kind);
    const Inputs<T> in{static_cast<const T*>(q.data),        static_cast<const T*>(k.data),
                       static_cast<const T*>(v.data),        static_cast<const float*>(g.data),
                       static_cast<const float*>(beta.data), shape};
    for_tasks(on, shape, shape.value_heads, [&](std::size_t document, std::int64_t head) {
      const Head<T> at = in.head(document, head);
      std::vector<float> own(static_cast<std::size_t>(size + 2 * at.dk + 3 * at.dv));
      float* const s =
          state.data != nullptr && document == 0 ? static_cast<float*>(state.data) + head * size : own.data();
      forward(at, s, static_cast<T*>(out.data) + (at.v - in.v), own.data() + size);
    });
  });
}

void delta_rule_backward(const Exec& on, ConstView dout, ConstView q, ConstView k, ConstView v, ConstView g,
                         ConstView beta, const DeltaShape& shape, View dq, View dk, View dv, View dg, View dbeta) {
  check(on, q, k, v, g, beta, shape);
  PST_ASSERT(dout.count == v.count && dv.count == v.count && dq.count == q.count && dk.count == q.count &&
                 dg.count == g.count && dbeta.count == g.count,
             "gradients are like their inputs");
  with_float(q.dtype, [&](auto kind) {
    using T = decltype(kind);
    const Inputs<T> in{static_cast<const T*>(q.data),        static_cast<const T*>(k.data),
                       static_cast<const T*>(v.data),        static_cast<const float*>(g.data),
                       static_cast<const float*>(beta.data), shape};
    for_tasks(on, shape, shape.key_heads, [&](std::size_t document, std::int64_t key_head) {
      const std::int64_t first = key_head * in.groups();
      const Head<T> one = in.head(document, first);
      const std::int64_t size = one.dk * one.dv, chunks = (one.rows + kChunk - 1) / kChunk;
      std::vector<float> sums(static_cast<std::size_t>(2 * one.rows * one.dk)),
          scratch(static_cast<std::size_t>((chunks + kChunk + 2) * size + 2 * one.dk + 4 * one.dv));
      for (std::int64_t head = first; head < first + in.groups(); ++head) {
        const Head<T> at = in.head(document, head);
        const std::int64_t v_at = at.v - in.v, g_at = at.g - in.g;
        backward(at,
                 {static_cast<const T*>(dout.data) + v_at, sums.data(), sums.data() + one.rows * one.dk,
                  static_cast<T*>(dv.data) + v_at, static_cast<float*>(dg.data) + g_at,
                  static_cast<float*>(dbeta.data) + g_at},
                 scratch.data());
      }
      for (const auto& [to, from] : {std::pair{&dq, sums.data()}, {&dk, sums.data() + one.rows * one.dk}}) {
        T* const rows = static_cast<T*>(to->data) + (one.q - in.q);
        for (std::int64_t t = 0; t < one.rows; ++t)
          for (std::int64_t i = 0; i < one.dk; ++i) store(rows + t * one.q_stride, i, from[t * one.dk + i]);
      }
    });
  });
}

}  // namespace pst::kernels
