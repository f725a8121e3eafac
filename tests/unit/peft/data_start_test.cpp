// SPDX-License-Identifier: Apache-2.0
// What starts find in data, next to what follows from all of the data at once. PEFT's own are in tests/parity.
#include <ATen/ops/arange.h>
#include <ATen/ops/cat.h>
#include <ATen/ops/diag.h>
#include <ATen/ops/eye.h>
#include <ATen/ops/linalg_qr.h>
#include <ATen/ops/linalg_svd.h>
#include <ATen/ops/tensor.h>
#include <ATen/ops/zeros.h>
#include <gmock/gmock.h>

#include "peft/corda.hpp"
#include "peft/incremental_svd.hpp"
#include "peft/weight_gradients.hpp"
#include "support/tensors.hpp"

namespace pst::peft {
namespace {

/// Rows that vary in four directions, by less and less, around a mean, and hardly at all in others.
at::Tensor rows(std::int64_t count, std::uint64_t seed) {
  const at::Tensor directions = std::get<0>(at::linalg_qr(fixture::random({20, 4}, 1))).t();
  const at::Tensor sizes = at::tensor({8.0F, 4.0F, 2.0F, 1.0F});
  return (fixture::random({count, 4}, seed) * sizes).mm(directions) + 0.01 * fixture::random({count, 20}, seed + 50) +
         3;
}

TEST(IncrementalSvd, FindsWhatAllRowsTogetherHave) {
  IncrementalSvd svd(3);
  std::vector<at::Tensor> all;
  for (std::uint64_t batch = 0; batch < 4; ++batch) {
    all.push_back(rows(30, 2 + batch));
    svd.add(all.back());
  }

  const at::Tensor seen = at::cat(all), centred = seen - seen.mean(0);
  const auto [u, s, v] = at::linalg_svd(centred, false);
  const at::Tensor cosines = (svd.directions().to(at::kFloat) * v.slice(0, 0, 3)).sum(1).abs();
  EXPECT_THAT(cosines, fixture::close_to(cosines.mul(0) + 1, 1e-3));
  EXPECT_THAT(svd.singular_values().to(at::kFloat), fixture::close_to(s.slice(0, 0, 3), 1e-2 * s[0].item().toDouble()));
  EXPECT_THAT(svd.explained_share().to(at::kFloat),
              fixture::close_to(s.slice(0, 0, 3).square() / centred.square().sum(), 1e-3));
}

TEST(Corda, TheWholeRankIsTheWholeWeight) {
  const at::Tensor weight = fixture::random({10, 14}, 1), x = fixture::random({40, 14}, 2);
  const auto start = corda_start(weight, x.t().mm(x), methods::CordaMethod::ipm, 10, 2.5);
  EXPECT_THAT(start.b_or.mm(start.a_ri) * 2.5, fixture::close_to(weight, 1e-4));
}

// Inputs along one axis: what the weight makes of that axis is what they use.
TEST(Corda, TakesWhatTheDataUseMostOrLeast) {
  const at::Tensor weight = fixture::random({10, 14}, 1);
  at::Tensor covariance = at::eye(14) * 1e-3;
  covariance[5][5] = 100;
  const auto most = corda_start(weight, covariance, methods::CordaMethod::ipm, 1, 1),
             least = corda_start(weight, covariance, methods::CordaMethod::kpm, 1, 1);
  const auto column = [](const LowRank& start) { return start.b_or.mm(start.a_ri).select(1, 5); };
  EXPECT_THAT(column(most), fixture::close_to(weight.select(1, 5), 2e-2));
  EXPECT_LT(column(least).abs().max().item().toDouble(), 0.1);
}

class LoraGa : public testing::Test {
 protected:
  /// A gradient with the singular values 12, 11 ... 1.
  LoraGa() {
    u_ = std::get<0>(at::linalg_qr(fixture::random({16, 12}, 1)));
    v_ = std::get<0>(at::linalg_qr(fixture::random({20, 12}, 2))).t();
    gradient_ = (u_ * at::arange(12, 0, -1, at::kFloat)).mm(v_);
  }
  LowRank start(const methods::LoraGaConfig& config, double scale = 1) const {
    return gradient_start(
        gradient_, [] { return at::eye(16, 20) * 7; }, config, 3, scale, Rng(4));
  }
  /// The places of rows or columns among the gradient's singular vectors.
  static std::vector<std::int64_t> places(const at::Tensor& vectors, const at::Tensor& among) {
    std::vector<std::int64_t> found;
    for (const at::Tensor& each : vectors.unbind(0))
      found.push_back(among.mv(each).abs().argmax().item<std::int64_t>());
    return found;
  }
  at::Tensor u_, v_, gradient_;
};

TEST_F(LoraGa, SharesOutTheSingularVectors) {
  using methods::LoraGaDirection;
  using Places = std::vector<std::int64_t>;
  const std::vector<std::tuple<LoraGaDirection, Places, Places>> wanted = {
      {LoraGaDirection::ArB2r, {0, 1, 2}, {3, 4, 5}},
      {LoraGaDirection::A2rBr, {3, 4, 5}, {0, 1, 2}},
      {LoraGaDirection::ArBr, {1, 3, 5}, {0, 2, 4}}};
  for (const auto& [direction, of_a, of_b] : wanted) {
    const LowRank found = start({.direction = direction, .scale = methods::LoraGaScale::unit});
    EXPECT_EQ(places(found.a_ri, v_), of_a);
    EXPECT_EQ(places(found.b_or.t(), u_.t()), of_b);
    EXPECT_THAT(found.a_ri.mm(found.a_ri.t()), fixture::close_to(at::eye(3), 1e-4));
    const at::Tensor sizes = found.b_or.square().sum(0).sqrt();
    for (std::size_t i = 0; i < 3; ++i)
      EXPECT_NEAR(sizes[static_cast<std::int64_t>(i)].item().toDouble(), 12 - static_cast<double>(of_b[i]), 0.05);
  }
  const LowRank by_chance = start({.direction = LoraGaDirection::random, .scale = methods::LoraGaScale::unit});
  EXPECT_EQ(places(by_chance.a_ri, v_), places(by_chance.b_or.t(), u_.t()));
}

TEST_F(LoraGa, Sizes) {
  using methods::LoraGaScale;
  const LowRank unit = start({.scale = LoraGaScale::unit});
  const auto b_is = [&](const LowRank& found, double times) {
    EXPECT_THAT(found.b_or, fixture::close_to(unit.b_or * times, 1e-3 * times));
  };
  b_is(start({.scale = LoraGaScale::stable, .stable_gamma = 4}), 2 / 2.0);  // 16^(1/4) / 4^(1/2)
  b_is(start({.scale = LoraGaScale::stable, .stable_gamma = 16}), 2 / 4.0);
  b_is(start({.scale = LoraGaScale::weight_svd}), 7 / 9.0);  // 9: the first of B's
  const LowRank divided = start({.scale = LoraGaScale::gd_scale}, 2.5);
  b_is(divided, 1 / 2.5);
  EXPECT_THAT(divided.a_ri, fixture::close_to(unit.a_ri / 2.5, 1e-4));
}

}  // namespace
}  // namespace pst::peft
