// SPDX-License-Identifier: Apache-2.0
#include "peft/lora_start.hpp"

#include <ATen/ops/eye.h>
#include <ATen/ops/linalg_qr.h>
#include <ATen/ops/linalg_svd.h>
#include <gmock/gmock.h>

#include "support/tensors.hpp"

namespace pst::peft {
namespace {

using methods::LoraInit;

const at::Tensor& weight() {
  static const at::Tensor weight_oi = fixture::random({30, 50}, 1);
  return weight_oi;
}
LowRank start(LoraInit init) {
  return lora_start(
      init, 4, 50, 30, 1.7, [] { return weight(); }, Rng(3));
}

/// The nearest matrix of rank 4. @see Eckart and Young 1936
at::Tensor nearest() {
  const auto [u, s, v] = at::linalg_svd(weight(), false);
  return (u.narrow(1, 0, 4) * s.narrow(0, 0, 4)).mm(v.narrow(0, 0, 4));
}

TEST(LoraStart, PissaTakesTheLargestSingularValues) {
  const auto [a, b] = start(LoraInit::pissa);
  EXPECT_THAT(b.mm(a).mul(1.7), fixture::close_to(nearest(), 1e-5));
  EXPECT_THAT(a.square().sum(1), fixture::close_to(b.square().sum(0), 1e-5)) << "half of each on each side";
}

TEST(LoraStart, ASketchFindsThemNearly) {
  const double size = nearest().abs().max().item().toDouble();
  for (const auto& [init, tolerance] : {std::pair{LoraInit::pissa_niter_4, 0.1}, {LoraInit::pissa_niter_16, 1e-3}}) {
    const auto [a, b] = start(init);
    EXPECT_THAT(b.mm(a).mul(1.7), fixture::close_to(nearest(), tolerance * size));
  }
}

TEST(LoraStart, OloraTakesTheFirstColumnsOfQ) {
  const auto [a, b] = start(LoraInit::olora);
  EXPECT_THAT(b.t().mm(b), fixture::close_to(at::eye(4), 1e-5));
  EXPECT_THAT(b.mm(a).narrow(1, 0, 4), fixture::close_to(weight().narrow(1, 0, 4), 1e-5))
      << "R is a triangle: the first columns of W are in it";
}

TEST(LoraStart, MicaTakesTheDirectionsOfTheSmallestSingularValues) {
  const auto [a, b] = start(LoraInit::mica);
  EXPECT_EQ(a.abs().max().item().toDouble(), 0);
  EXPECT_THAT(b.t().mm(b), fixture::close_to(at::eye(4), 1e-5));
  const at::Tensor smallest = std::get<1>(at::linalg_svd(weight(), false)).narrow(0, 26, 4);
  EXPECT_THAT(b.t().mm(weight()).square().sum(1).sqrt(), fixture::close_to(smallest, 1e-4));
}

TEST(LoraStart, OrthogonalHasNoProduct) {
  const auto [a, b] = start(LoraInit::orthogonal);
  EXPECT_THAT(b.mm(a), fixture::close_to(b.mm(a).mul(0), 1e-6));
  EXPECT_GT(a.abs().max().item().toDouble(), 0.01);
  EXPECT_GT(b.abs().max().item().toDouble(), 0.01);
}

}  // namespace
}  // namespace pst::peft
