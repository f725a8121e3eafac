// SPDX-License-Identifier: Apache-2.0
#include "quant/fp8_product.hpp"

#include <ATen/ops/empty.h>
#include <ATen/ops/empty_like.h>
#include <gmock/gmock.h>

#include "kernels/fp8/fp8.hpp"
#include "ops/gemm.hpp"
#include "ops/torch_exec.hpp"
#include "support/tensors.hpp"

namespace pst::quant {
namespace {

struct Quantised {
  at::Tensor codes, scale, values;
};

/// Codes, scales, and what these mean.
Quantised quantised(const at::Tensor& x) {
  Quantised made{at::empty(x.sizes(), x.options().dtype(at::kByte)), at::empty({x.size(0)}, x.options()),
                 at::empty_like(x)};
  const Exec on = ops::exec_of(x);
  kernels::fp8_quantise(on, ops::view_of(x), {}, x.size(1), ops::view_of(made.codes), ops::view_of(made.scale));
  kernels::fp8_dequantise(on, ops::view_of(made.codes), ops::view_of(made.scale), x.size(1), 0,
                          ops::view_of(made.values));
  return made;
}

TEST(Fp8Product, MultipliesTheQuantisedValues) {
  const at::Tensor x = fixture::random({21, 64}, 1), w = fixture::random({48, 64}, 2);
  const Quantised weight = quantised(w);

  const at::Tensor y = fp8_product(fp8_rows(x), weight.codes, weight.scale);

  const at::Tensor expected = ops::matmul_nt(quantised(x).values, weight.values);
  EXPECT_LT(fixture::largest_difference(y, expected), 1e-4) << "sums of 64 values below 1, in another order";
  EXPECT_GT(fixture::largest_difference(y, ops::matmul_nt(x, w)), 1e-3) << "nothing was quantised";
}

TEST(Fp8Product, BackwardPutsTheWeightsScalesIntoTheGradient) {
  const at::Tensor dy = fixture::random({21, 48}, 1), w = fixture::random({48, 64}, 2);
  const Quantised weight = quantised(w);
  const at::Tensor turned = weight.codes.t().contiguous();

  const at::Tensor dx = fp8_product_transposed(dy, turned, weight.scale);

  // What the codes mean without their scales, and dy with them.
  const at::Tensor codes = weight.values.div(weight.scale.view({-1, 1})), scaled = dy.mul(weight.scale.view({1, -1}));
  EXPECT_LT(fixture::largest_difference(dx, ops::matmul_nn(quantised(scaled).values, codes)), 1e-4);
  EXPECT_GT(fixture::largest_difference(dx, ops::matmul_nn(dy, weight.values)), 1e-3) << "nothing was quantised";
}

TEST(Fp8Product, AddsToASum) {
  const at::Tensor x = fixture::random({21, 64}, 1), dy = fixture::random({21, 48}, 2);
  const Quantised weight = quantised(fixture::random({48, 64}, 3));
  const at::Tensor turned = weight.codes.t().contiguous();
  const at::Tensor sum_no = fixture::random({21, 48}, 4), sum_ni = fixture::random({21, 64}, 5);

  EXPECT_THAT(fp8_product(fp8_rows(x), weight.codes, weight.scale, sum_no.clone()),
              fixture::close_to(sum_no + fp8_product(fp8_rows(x), weight.codes, weight.scale), 1e-6));
  EXPECT_THAT(fp8_product_transposed(dy, turned, weight.scale, sum_ni.clone()),
              fixture::close_to(sum_ni + fp8_product_transposed(dy, turned, weight.scale), 1e-6));
}

TEST(Fp8Product, IsForGpusThatMultiplyThem) {
  EXPECT_FALSE(multiplies_fp8(fixture::random({4, 64}, 1), 48)) << "a CPU dequantises";
}

}  // namespace
}  // namespace pst::quant
