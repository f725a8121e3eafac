// SPDX-License-Identifier: Apache-2.0
#include "kernels/causal_conv/causal_conv.hpp"

#include <vector>

#include "kernels/detail/dispatch.hpp"
#include "kernels/detail/simd.hpp"

namespace pst::kernels {
namespace {

using namespace detail;

template <class T>
struct Conv {
  const T *x, *before, *dy;
  const float* taps_t;                     // [taps, columns]
  std::int64_t columns, taps, begin, end;  // rows of one document
  T* out;
};

/// The sum under silu at row t of the document, for all columns.
template <class T>
PST_INLINE void sum_at(const Conv<T>& at, std::int64_t t, float* sum) {
  for (std::int64_t c = 0; c < at.columns; ++c) sum[c] = 0;
  for (std::int64_t j = 0; j < at.taps; ++j) {
    const std::int64_t row = t - at.taps + 1 + j;
    if (row < at.begin && at.before == nullptr) continue;
    const T* const x =
        row >= at.begin ? at.x + row * at.columns : at.before + (row - at.begin + at.taps - 1) * at.columns;
    const float* const w = at.taps_t + j * at.columns;
    for (std::int64_t c = 0; c < at.columns; ++c) sum[c] += w[c] * load(x, c);
  }
}

template <class T>
PST_INLINE void forward_rows(const Conv<T>& at, std::int64_t first, std::int64_t last, float* sum) {
  for (std::int64_t t = first; t < last; ++t) {
    sum_at(at, t, sum);
    T* const y = at.out + t * at.columns;
    for (std::int64_t c = 0; c < at.columns; ++c) store(y, c, sum[c] / (1.0f + exp_approx(-sum[c])));
  }
}

/// Slopes at rows of the document are needed up to taps - 1 rows further: each is made anew for every row that wants it
/// from a ring of the last ones.
template <class T>
PST_INLINE void backward_rows(const Conv<T>& at, std::int64_t first, std::int64_t last, float* sum, float* ring) {
  const auto slope = [&](std::int64_t t) { return ring + (t % at.taps) * at.columns; };
  const auto make = [&](std::int64_t t) {
    if (t >= at.end) return;
    sum_at(at, t, sum);
    const T* const dy = at.dy + t * at.columns;
    float* const d = slope(t);
    for (std::int64_t c = 0; c < at.columns; ++c) {
      const float s = 1.0f / (1.0f + exp_approx(-sum[c]));
      d[c] = load(dy, c) * s * (1.0f + sum[c] * (1.0f - s));
    }
  };
  for (std::int64_t t = first; t < first + at.taps - 1; ++t) make(t);
  for (std::int64_t t = first; t < last; ++t) {
    make(t + at.taps - 1);
    for (std::int64_t c = 0; c < at.columns; ++c) sum[c] = 0;
    for (std::int64_t j = 0; j < at.taps; ++j) {
      const std::int64_t of = t + at.taps - 1 - j;  // the output that reads row t with tap j
      if (of >= at.end) continue;
      const float* const d = slope(of);
      const float* const w = at.taps_t + j * at.columns;
      for (std::int64_t c = 0; c < at.columns; ++c) sum[c] += w[c] * d[c];
    }
    T* const dx = at.out + t * at.columns;
    for (std::int64_t c = 0; c < at.columns; ++c) store(dx, c, sum[c]);
  }
}

PST_CLONES void forward(const Conv<float>& at, std::int64_t first, std::int64_t last, float* sum) {
  forward_rows(at, first, last, sum);
}
PST_CLONES void forward(const Conv<bf16>& at, std::int64_t first, std::int64_t last, float* sum) {
  forward_rows(at, first, last, sum);
}
PST_CLONES void backward(const Conv<float>& at, std::int64_t first, std::int64_t last, float* sum, float* ring) {
  backward_rows(at, first, last, sum, ring);
}
PST_CLONES void backward(const Conv<bf16>& at, std::int64_t first, std::int64_t last, float* sum, float* ring) {
  backward_rows(at, first, last, sum, ring);
}

struct Shape {
  std::int64_t rows, columns, taps;
  std::vector<float> taps_t;
};

Shape check(const Exec& on, ConstView x, ConstView weight, std::span<const std::int64_t> starts) {
  require_cpu(on, "causal_conv");
  require_float(x.dtype, "causal_conv");
  PST_ASSERT(!starts.empty() && starts.front() == 0 && starts.back() > 0, "there are rows");
  const std::int64_t rows = starts.back();
  PST_ASSERT(x.count % rows == 0, "rows have one width");
  const std::int64_t columns = x.count / rows;
  PST_ASSERT(weight.dtype == Dtype::f32 && weight.count % columns == 0, "weights are f32 [columns, taps]");
  Shape shape{rows, columns, weight.count / columns, std::vector<float>(static_cast<std::size_t>(weight.count))};
  const auto* const w = static_cast<const float*>(weight.data);
  for (std::int64_t c = 0; c < columns; ++c)
    for (std::int64_t j = 0; j < shape.taps; ++j)
      shape.taps_t[static_cast<std::size_t>(j * columns + c)] = w[c * shape.taps + j];
  return shape;
}

/// Calls body(document's begin and end, rows [first, last) of it) for ranges of all rows.
template <class Body>
void by_documents(const Exec& on, std::span<const std::int64_t> starts, const Body& body) {
  on.parallel_for(starts.back(), 32, [&](std::int64_t begin, std::int64_t end) {
    for (std::size_t d = 0; d + 1 < starts.size(); ++d) {
      const std::int64_t first = std::max(begin, starts[d]), last = std::min(end, starts[d + 1]);
      if (first < last) body(starts[d], starts[d + 1], first, last);
    }
  });
}

}  // namespace

void causal_conv(const Exec& on, ConstView x, ConstView weight, std::span<const std::int64_t> starts, ConstView before,
                 View y) {
  const Shape shape = check(on, x, weight, starts);
  PST_ASSERT(y.count == x.count && y.dtype == x.dtype, "the output is like the input");
  PST_ASSERT(before.data == nullptr || (before.count == (shape.taps - 1) * shape.columns && before.dtype == x.dtype),
             "rows before are [taps - 1, columns]");
  with_float(x.dtype, [&](auto kind) {
    using T = decltype(kind);
    by_documents(on, starts, [&](std::int64_t begin, std::int64_t end, std::int64_t first, std::int64_t last) {
      std::vector<float> sum(static_cast<std::size_t>(shape.columns));
      const Conv<T> at{static_cast<const T*>(x.data),
                       begin == 0 ? static_cast<const T*>(before.data) : nullptr,
                       nullptr,
                       shape.taps_t.data(),
                       shape.columns,
                       shape.taps,
                       begin,
                       end,
                       static_cast<T*>(y.data)};
      forward(at, first, last, sum.data());
    });
  });
}

void causal_conv_backward(const Exec& on, ConstView dy, ConstView x, ConstView weight,
                          std::span<const std::int64_t> starts, View dx) {
  const Shape shape = check(on, x, weight, starts);
  PST_ASSERT(dy.count == x.count && dy.dtype == x.dtype && dx.count == x.count && dx.dtype == x.dtype,
             "gradients are like the input");
  with_float(x.dtype, [&](auto kind) {
    using T = decltype(kind);
    by_documents(on, starts, [&](std::int64_t begin, std::int64_t end, std::int64_t first, std::int64_t last) {
      std::vector<float> sum(static_cast<std::size_t>(shape.columns)),
          ring(static_cast<std::size_t>(shape.columns * shape.taps));
      const Conv<T> at{static_cast<const T*>(x.data),
                       nullptr,
                       static_cast<const T*>(dy.data),
                       shape.taps_t.data(),
                       shape.columns,
                       shape.taps,
                       begin,
                       end,
                       static_cast<T*>(dx.data)};
      backward(at, first, last, sum.data(), ring.data());
    });
  });
}

}  // namespace pst::kernels
