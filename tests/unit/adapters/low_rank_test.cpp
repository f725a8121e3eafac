// SPDX-License-Identifier: Apache-2.0
#include "adapters/low_rank.hpp"

#include <gtest/gtest.h>

#include <cmath>
#include <random>

namespace pst::adapters {
namespace {

Columns random(std::size_t rows, std::size_t count, unsigned seed) {
  std::mt19937 engine(seed);
  std::normal_distribution<double> normal;
  Columns m{rows, {count, std::vector<double>(rows)}};
  for (auto& column : m.of)
    for (double& value : column) value = normal(engine);
  return m;
}

double of_product(const Columns& b, const Columns& a, std::size_t i, std::size_t j) {
  double sum = 0;
  for (std::size_t r = 0; r < b.count(); ++r) sum += b.of[r][i] * a.of[r][j];
  return sum;
}

/// U diag(s) V^T is the product, U and V are orthonormal, s falls.
void expect_svd(const Columns& b, const Columns& a) {
  const Svd svd = svd_of_product(b, a);
  ASSERT_EQ(svd.s.size(), std::min({b.rows, a.rows, b.count()}));
  for (std::size_t i = 0; i < b.rows; ++i)
    for (std::size_t j = 0; j < a.rows; ++j) {
      double sum = 0;
      for (std::size_t k = 0; k < svd.s.size(); ++k) sum += svd.u.of[k][i] * svd.s[k] * svd.v.of[k][j];
      EXPECT_NEAR(sum, of_product(b, a, i, j), 1e-12);
    }
  for (const Columns* const side : {&svd.u, &svd.v})
    for (std::size_t p = 0; p < svd.s.size(); ++p)
      for (std::size_t q = 0; q <= p; ++q) {
        double sum = 0;
        for (std::size_t i = 0; i < side->rows; ++i) sum += side->of[p][i] * side->of[q][i];
        if (svd.s[p] > 1e-12) {
          EXPECT_NEAR(sum, p == q ? 1 : 0, 1e-12);
        }
      }
  for (std::size_t k = 1; k < svd.s.size(); ++k) EXPECT_GE(svd.s[k - 1], svd.s[k]);
  const auto values = singular_values_of_product(b, a);
  for (std::size_t k = 0; k < values.size(); ++k) EXPECT_NEAR(values[k], svd.s[k], 1e-12);
}

TEST(LowRank, SvdOfAProduct) {
  expect_svd(random(9, 3, 1), random(7, 3, 2));
  expect_svd(random(5, 5, 3), random(6, 5, 4));
}

TEST(LowRank, SvdWhereASideIsNarrowerThanTheRank) {
  expect_svd(random(1, 4, 1), random(7, 4, 2));
  expect_svd(random(6, 4, 1), random(2, 4, 2));
}

TEST(LowRank, SvdOfLinearlyDependentColumnsAndOfZeros) {
  Columns b = random(9, 3, 1);
  b.of[2] = b.of[0];
  expect_svd(b, random(7, 3, 2));
  expect_svd({9, {3, std::vector<double>(9)}}, random(7, 3, 2));
}

TEST(LowRank, SingularValuesOfADiagonal) {
  const Columns b{3, {{3, 0, 0}, {0, -4, 0}}}, a{2, {{1, 0}, {0, 2}}};

  const auto values = singular_values_of_product(b, a);

  ASSERT_EQ(values.size(), 2u);
  EXPECT_NEAR(values[0], 8, 1e-14);
  EXPECT_NEAR(values[1], 3, 1e-14);
}

}  // namespace
}  // namespace pst::adapters
