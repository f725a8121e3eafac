// SPDX-License-Identifier: Apache-2.0
#include "kernels/adafactor/adafactor.hpp"

#include <algorithm>
#include <cmath>

#include "support/values.hpp"

namespace pst::kernels {
namespace {

using Doubles = std::vector<double>;

/// The formulas of the header in f64, one tensor after the other.
struct Reference {
  MatrixShape shape;
  Doubles value, row, column;

  void step(const Adafactor& s, const std::vector<float>& gradient) {
    const auto matrices = static_cast<std::size_t>(shape.matrices), columns = static_cast<std::size_t>(shape.columns);
    const auto rows = static_cast<std::size_t>(std::max<std::int64_t>(1, shape.rows));
    const double rest = std::pow(static_cast<double>(s.step), s.decay_rate);
    Doubles g(gradient.begin(), gradient.end()), update(g.size());
    for (double& x : g) x *= s.gradient_factor;
    double values_squared = 0, squared = 0;
    for (const double x : value) values_squared += x * x;
    for (std::size_t m = 0; m < matrices; ++m) {
      const auto at = [&](std::size_t r, std::size_t c) { return (m * rows + r) * columns + c; };
      double mean_of_rows = 0;
      for (std::size_t r = 0; r < rows && shape.rows > 0; ++r) {
        double mean = 0;
        for (std::size_t c = 0; c < columns; ++c)
          mean += (g[at(r, c)] * g[at(r, c)] + s.eps) / static_cast<double>(columns);
        row[m * rows + r] = (1 - rest) * row[m * rows + r] + rest * mean;
        mean_of_rows += row[m * rows + r] / static_cast<double>(rows);
      }
      for (std::size_t c = 0; c < columns; ++c) {
        double mean = 0;
        for (std::size_t r = 0; r < rows; ++r) mean += (g[at(r, c)] * g[at(r, c)] + s.eps) / static_cast<double>(rows);
        column[m * columns + c] = (1 - rest) * column[m * columns + c] + rest * mean;
      }
      for (std::size_t r = 0; r < rows; ++r)
        for (std::size_t c = 0; c < columns; ++c) {
          const double by_row = shape.rows > 0 ? row[m * rows + r] / mean_of_rows : 1;
          update[at(r, c)] = g[at(r, c)] / std::sqrt(by_row * column[m * columns + c]);
          squared += update[at(r, c)] * update[at(r, c)];
        }
    }
    const auto count = static_cast<double>(g.size());
    const double lr = s.lr * (s.least_scale > 0 ? std::max(s.least_scale, std::sqrt(values_squared / count)) : 1);
    const double above = std::max(1.0, std::sqrt(squared / count) / s.clip_threshold);
    for (std::size_t i = 0; i < g.size(); ++i) value[i] = value[i] * (1 - lr * s.weight_decay) - lr * update[i] / above;
  }
};

TEST(Adafactor, FollowsAlgorithm4InDouble) {
  for (const MatrixShape shape : {MatrixShape{1, 8, 150}, {1, 150, 8}, {3, 7, 33}, {1, 0, 300}, {1, 1, 5}, {1, 5, 1}})
    for (const double least_scale : {0.0, 1e-3}) {
      SCOPED_TRACE(shape.rows * 1000 + shape.columns);
      Adafactor s{
          .lr = 1e-2, .clip_threshold = 0.8, .weight_decay = 0.1, .least_scale = least_scale, .gradient_factor = 0.5};
      const auto count =
          static_cast<std::size_t>(shape.matrices * std::max<std::int64_t>(1, shape.rows) * shape.columns);
      auto value = fixture::random_values(count, 1);
      std::vector<float> row(static_cast<std::size_t>(shape.row_means())),
          column(static_cast<std::size_t>(shape.column_means())),
          scratch(static_cast<std::size_t>(adafactor_scratch(shape)), 7.0f);
      Reference reference{shape, Doubles(value.begin(), value.end()), Doubles(row.size()), Doubles(column.size())};

      for (s.step = 1; s.step <= 5; ++s.step) {
        auto gradient = fixture::random_values(count, static_cast<std::uint64_t>(10 + s.step));
        adafactor(serial_cpu(), s, shape, view_of(std::span(value)), view_of(std::span(gradient)),
                  view_of(std::span(row)), view_of(std::span(column)), view_of(std::span(scratch)));
        reference.step(s, gradient);
      }

      fixture::expect_close(value, reference.value, 2e-6);
      fixture::expect_close(row, reference.row, 2e-6);
      fixture::expect_close(column, reference.column, 2e-6);
    }
}

}  // namespace
}  // namespace pst::kernels
