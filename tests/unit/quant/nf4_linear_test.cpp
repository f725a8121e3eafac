// SPDX-License-Identifier: Apache-2.0
#include <ATen/ops/empty.h>
#include <ATen/ops/empty_like.h>

#include "kernels/nf4/nf4.hpp"
#include "kernels/nf4/nf4_product.hpp"
#include "ops/gemm.hpp"
#include "ops/torch_exec.hpp"
#include "quant/nf4_linear.hpp"
#include "support/tensors.hpp"

namespace pst::quant {
namespace {

constexpr std::int64_t kOut = 40, kIn = 192;

TEST(Nf4Linear, MultipliesFewRowsAsItDoesMany) {
  const at::Tensor w = fixture::random({kOut, kIn}, 1), bias = fixture::random({kOut}, 2);
  const at::Tensor packed = at::empty({kOut * kIn / 2}, at::kByte), meant = at::empty_like(w);
  const at::Tensor absmax = at::empty({kOut * kIn / kernels::kNf4Block}, at::kFloat);
  kernels::nf4_quantise(serial_cpu(), ops::view_of(w), kernels::kNf4Block, ops::view_of(packed), ops::view_of(absmax));
  kernels::nf4_dequantise(serial_cpu(), ops::view_of(packed), ops::view_of(absmax), kernels::kNf4Block, 0,
                          ops::view_of(meant));
  const Nf4Linear layer(kOut, kIn, {packed, absmax}, bias, std::make_shared<Scratch>());

  for (std::int64_t rows = 1; rows <= kernels::kNf4ProductRows + 1; ++rows) {
    const at::Tensor x = fixture::random({rows, kIn}, 3);
    EXPECT_THAT(layer.apply(x), fixture::close_to(ops::matmul_nt(x, meant, bias), 1e-4)) << rows;
  }
}

}  // namespace
}  // namespace pst::quant
