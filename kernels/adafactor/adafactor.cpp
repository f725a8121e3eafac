// SPDX-License-Identifier: Apache-2.0
#include "kernels/adafactor/adafactor.hpp"

#include <algorithm>
#include <cmath>
#include <vector>

#include "kernels/detail/dispatch.hpp"
#include "kernels/detail/simd.hpp"

// Sums are in f64 and one order, whatever the threads.
namespace pst::kernels {
namespace {

using Factors = cuda::AdafactorFactors;

constexpr std::int64_t kColumns = 64;  // whose sums are built at once

double sum_of(const float* values, std::int64_t count) {
  double sum = 0;
  for (std::int64_t i = 0; i < count; ++i) sum += static_cast<double>(values[i]);
  return sum;
}

PST_CLONES double sum_of_squares(const float* values, std::int64_t count, float factor, float more) {
  double lanes[8] = {};
  std::int64_t i = 0;
  for (; i + 8 <= count; i += 8)
    for (int lane = 0; lane < 8; ++lane) {
      const float g = values[i + lane] * factor;
      lanes[lane] += static_cast<double>(g * g + more);
    }
  for (int lane = 0; i < count; ++i, ++lane) {
    const float g = values[i] * factor;
    lanes[lane] += static_cast<double>(g * g + more);
  }
  double sum = 0;
  for (const double lane : lanes) sum += lane;
  return sum;
}

PST_CLONES void column_range(const Factors& f, std::int64_t rows, std::int64_t columns, const float* gradient,
                             float* column, float* root, std::int64_t begin, std::int64_t end) {
  double sums[kColumns] = {};
  const std::int64_t width = end - begin;
  for (std::int64_t r = 0; r < rows; ++r)
    for (std::int64_t c = 0; c < width; ++c) {
      const float g = gradient[r * columns + begin + c] * f.gradient;
      sums[c] += static_cast<double>(g * g + f.eps);
    }
  for (std::int64_t c = 0; c < width; ++c) {
    const float mean = static_cast<float>(sums[c] / static_cast<double>(rows));
    column[begin + c] = column[begin + c] * f.beta2 + mean * f.rest2;
    root[begin + c] = 1.0f / std::sqrt(column[begin + c]);
  }
}

PST_CLONES double update_squares(const float* gradient, const float* root, float factor, std::int64_t count) {
  double lanes[8] = {};
  for (std::int64_t i = 0; i < count; ++i) {
    const float u = factor * root[i] * gradient[i];
    lanes[i % 8] += static_cast<double>(u) * static_cast<double>(u);
  }
  double sum = 0;
  for (const double lane : lanes) sum += lane;
  return sum;
}

PST_CLONES void apply_row(float* value, const float* gradient, const float* root, float factor, float decay, float size,
                          std::int64_t count) {
  for (std::int64_t i = 0; i < count; ++i) value[i] = value[i] * decay - factor * root[i] * gradient[i] * size;
}

/// The tensor as rows that have a factor each: a vector is one row.
struct Rows {
  std::int64_t matrices, rows, columns;
  std::int64_t count() const { return matrices * rows; }
};

void on_cpu(const Exec& on, const Factors& f, const MatrixShape& shape, float* value, const float* gradient, float* row,
            float* column, float* scratch) {
  const bool factored = shape.rows > 0;
  const Rows all{shape.matrices, factored ? shape.rows : 1, shape.columns};
  float* const root = scratch;  // of column: [matrices, columns]
  const double values = static_cast<double>(all.count() * all.columns);

  double lr = static_cast<double>(f.lr);
  std::vector<double> sums(static_cast<std::size_t>(all.count()));
  const auto total = [&] {
    double sum = 0;
    for (const double part : sums) sum += part;
    return sum;
  };
  const auto for_rows = [&](const auto& body) {
    on.parallel_for(all.count(), std::max<std::int64_t>(1, 16384 / std::max<std::int64_t>(1, all.columns)),
                    [&](std::int64_t begin, std::int64_t end) {
                      for (std::int64_t r = begin; r < end; ++r) body(r);
                    });
  };
  if (f.least_scale > 0) {
    for_rows([&](std::int64_t r) {
      sums[static_cast<std::size_t>(r)] = sum_of_squares(value + r * all.columns, all.columns, 1, 0);
    });
    lr *= std::max(static_cast<double>(f.least_scale), std::sqrt(total() / values));
  }

  if (factored)
    for_rows([&](std::int64_t r) {
      const double sum = sum_of_squares(gradient + r * all.columns, all.columns, f.gradient, f.eps);
      row[r] = row[r] * f.beta2 + static_cast<float>(sum / static_cast<double>(all.columns)) * f.rest2;
    });
  const std::int64_t pieces = (all.columns + kColumns - 1) / kColumns;
  on.parallel_for(all.matrices * pieces, 1, [&](std::int64_t first, std::int64_t last) {
    for (std::int64_t i = first; i < last; ++i) {
      const std::int64_t matrix = i / pieces, begin = i % pieces * kColumns;
      column_range(f, all.rows, all.columns, gradient + matrix * all.rows * all.columns, column + matrix * all.columns,
                   root + matrix * all.columns, begin, std::min(all.columns, begin + kColumns));
    }
  });

  std::vector<float> means(static_cast<std::size_t>(all.matrices), 1.0f);
  for (std::int64_t m = 0; m < all.matrices && factored; ++m)
    means[static_cast<std::size_t>(m)] =
        static_cast<float>(sum_of(row + m * all.rows, all.rows) / static_cast<double>(all.rows));
  const auto factor_of = [&](std::int64_t r) {
    return factored ? f.gradient / std::sqrt(row[r] / means[static_cast<std::size_t>(r / all.rows)]) : f.gradient;
  };
  for_rows([&](std::int64_t r) {
    sums[static_cast<std::size_t>(r)] =
        update_squares(gradient + r * all.columns, root + r / all.rows * all.columns, factor_of(r), all.columns);
  });
  const double rms = std::sqrt(total() / values);
  const auto size = static_cast<float>(lr / std::max(1.0, rms / static_cast<double>(f.clip)));
  const auto decay = static_cast<float>(1 - lr * static_cast<double>(f.weight_decay));
  for_rows([&](std::int64_t r) {
    apply_row(value + r * all.columns, gradient + r * all.columns, root + r / all.rows * all.columns, factor_of(r),
              decay, size, all.columns);
  });
}

}  // namespace

std::int64_t adafactor_scratch(const MatrixShape& shape) {
  return shape.matrices * (shape.columns + std::max<std::int64_t>(1, shape.rows) + 1) + 4;
}

void adafactor(const Exec& on, const Adafactor& s, const MatrixShape& shape, View value, ConstView gradient, View row,
               View column, View scratch) {
  detail::require_on(on, "adafactor", {value, gradient, row, column, scratch});
  for (const ConstView& array : {ConstView(value), gradient, ConstView(row), ConstView(column), ConstView(scratch)})
    PST_ASSERT(array.dtype == Dtype::f32, "all arrays are f32");
  const std::int64_t count = shape.matrices * std::max<std::int64_t>(1, shape.rows) * shape.columns;
  PST_ASSERT(value.count == count && gradient.count == count, "value and gradient have the shape");
  PST_ASSERT(row.count == shape.row_means() && column.count == shape.column_means() &&
                 scratch.count >= adafactor_scratch(shape),
             "means of rows and of columns, and memory to work in");
  PST_ASSERT(s.step >= 1, "steps count from 1");
  if (count == 0) return;
  const double rest2 = std::pow(static_cast<double>(s.step), s.decay_rate);
  const Factors f{.gradient = static_cast<float>(s.gradient_factor),
                  .eps = static_cast<float>(s.eps),
                  .beta2 = static_cast<float>(1 - rest2),
                  .rest2 = static_cast<float>(rest2),
                  .lr = static_cast<float>(s.lr),
                  .least_scale = static_cast<float>(s.least_scale),
                  .clip = static_cast<float>(s.clip_threshold),
                  .weight_decay = static_cast<float>(s.weight_decay)};
  switch (on.device.kind) {
    case DeviceKind::cuda:
      return detail::on_cuda(on, "adafactor", &CudaTable::adafactor, f, shape.matrices, shape.rows, shape.columns,
                             value, gradient, row, column, scratch);
    case DeviceKind::cpu: break;
  }
  on_cpu(on, f, shape, value.as<float>().data(), gradient.as<float>().data(), row.as<float>().data(),
         column.as<float>().data(), scratch.as<float>().data());
}

}  // namespace pst::kernels
