// SPDX-License-Identifier: Apache-2.0
#include "ops/gemm.hpp"

#include <ATen/ops/matmul.h>

#include "support/tensors.hpp"

namespace pst::ops {
namespace {

using fixture::close_to;
using fixture::random;

struct Case {
  at::ScalarType dtype;
  double tolerance;  // of sums of up to 96 products of values below 1, then one rounding to the dtype
};

class Gemm : public testing::TestWithParam<Case> {};

TEST_P(Gemm, EveryFormMatchesDouble) {
  const auto [dtype, tolerance] = GetParam();
  for (const auto& [n, i, o] : {std::tuple{40, 96, 64}, {7, 33, 16}, {33, 16, 90}, {1, 24, 5}}) {
    SCOPED_TRACE(testing::Message() << n << " x " << i << " -> " << o);
    const at::Tensor x = random({n, i}, 1, dtype), w = random({o, i}, 2, dtype), dy = random({n, o}, 3, dtype),
                     bias = random({o}, 4, dtype);
    const auto wide = [](const at::Tensor& t) { return t.to(at::kDouble); };

    EXPECT_THAT(matmul_nt(x, w, bias), close_to(at::matmul(wide(x), wide(w).t()).add(wide(bias)), tolerance));
    EXPECT_THAT(add_matmul_nt(dy.clone(), x, w), close_to(at::matmul(wide(x), wide(w).t()).add(wide(dy)), tolerance));
    EXPECT_THAT(matmul_nn(dy, w), close_to(at::matmul(wide(dy), wide(w)), tolerance));
    EXPECT_THAT(add_matmul_nn(x.clone(), dy, w), close_to(at::matmul(wide(dy), wide(w)).add(wide(x)), tolerance));
    EXPECT_THAT(matmul_tn(dy, x), close_to(at::matmul(wide(dy).t(), wide(x)), tolerance));
    EXPECT_THAT(scaled_matmul_nt(x, w, 0.3), close_to(at::matmul(wide(x), wide(w).t()).mul(0.3), tolerance));
    EXPECT_THAT(scaled_matmul_nn(dy, w, 0.3), close_to(at::matmul(wide(dy), wide(w)).mul(0.3), tolerance));
    EXPECT_THAT(wide_matmul_tn(dy, x), close_to(at::matmul(wide(dy).t(), wide(x)), tolerance));
    EXPECT_EQ(wide_matmul_tn(dy, x).scalar_type(), at::kFloat);
    const at::Tensor sum = random({o, i}, 5, at::kFloat), before = wide(sum);
    add_wide_matmul_tn(sum, dy, x);
    EXPECT_THAT(sum, close_to(at::matmul(wide(dy).t(), wide(x)).add(before), tolerance));
  }
}

TEST_P(Gemm, RepeatsItsBits) {
  const at::Tensor x = random({64, 96}, 1, GetParam().dtype), w = random({32, 96}, 2, GetParam().dtype);
  EXPECT_THAT(matmul_nt(x, w), fixture::bitwise_equal(matmul_nt(x.clone(), w.clone())));
}

INSTANTIATE_TEST_SUITE_P(Dtypes, Gemm, testing::Values(Case{at::kFloat, 2e-5}, Case{at::kBFloat16, 0.15}));

}  // namespace
}  // namespace pst::ops
