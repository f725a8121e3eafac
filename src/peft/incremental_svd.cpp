// SPDX-License-Identifier: Apache-2.0
#include "peft/incremental_svd.hpp"

#include <ATen/TensorOperators.h>
#include <ATen/ops/cat.h>
#include <ATen/ops/empty.h>

#include <cmath>

#include "peft/sketch.hpp"
#include "peft/torch_random.hpp"

// Shape letters: n rows, i features, k components.
namespace pst::peft {
namespace {

// Of PEFT's sketch.
constexpr std::uint64_t kSeed = 42;
constexpr int kRounds = 4;
constexpr std::int64_t kColumnsEach = 2;

/// The largest value of each row is positive.
at::Tensor with_signs(const at::Tensor& v_ki) {
  const at::Tensor largest = v_ki.abs().argmax(1, /*keepdim=*/true);
  return v_ki * v_ki.gather(1, largest).sign();
}

}  // namespace

void IncrementalSvd::add(const at::Tensor& rows_ni) {
  const at::Tensor x_ni = rows_ni.to(at::kFloat);
  const std::int64_t n = x_ni.size(0), total = seen_ + n;
  const auto count = static_cast<double>(n), seen = static_cast<double>(seen_), all = static_cast<double>(total);

  // Mean and variance of all rows. @see Chan, Golub and LeVeque 1983
  const at::Tensor sum_i = x_ni.sum(0, /*keepdim=*/false, at::kDouble), centred_ni = x_ni - sum_i / count;
  const at::Tensor squares_i =
      centred_ni.square().sum(0, false, at::kDouble) - centred_ni.sum(0, false, at::kDouble).square() / count;
  at::Tensor mean_i, variance_i;
  if (seen_ == 0) {
    mean_i = sum_i / all;
    variance_i = squares_i / all;
  } else {
    const at::Tensor before_i = mean_i_ * seen;
    const double ratio = seen / count;
    mean_i = (before_i + sum_i) / all;
    variance_i = (variance_i_ * seen + squares_i + ratio / all * (before_i / ratio - sum_i).square()) / all;
  }

  at::Tensor stacked;
  if (seen_ == 0) {
    stacked = (x_ni - mean_i).to(at::kFloat);
  } else {
    const at::Tensor batch_mean_i = x_ni.mean(0);
    const at::Tensor shift_i = std::sqrt(seen / all * count) * (mean_i_ - batch_mean_i);
    stacked = at::cat(
        {(s_k_.unsqueeze(1) * v_ki_).to(at::kDouble), (x_ni - batch_mean_i).to(at::kDouble), shift_i.unsqueeze(0)});
  }
  at::Generator generator = torch_generator(kSeed);
  const Singular found = sketched(stacked, kColumnsEach * components_, kRounds,
                                  [&](std::int64_t rows, std::int64_t columns, at::ScalarType dtype) {
                                    return at::empty({rows, columns}, dtype).normal_(0, 1, generator);
                                  });
  v_ki_ = with_signs(found.v_ri).slice(0, 0, components_).contiguous();
  s_k_ = found.s_r.slice(0, 0, components_).contiguous();
  share_k_ = s_k_.square() / (variance_i * all).sum();
  mean_i_ = mean_i;
  variance_i_ = variance_i;
  seen_ = total;
}

}  // namespace pst::peft
