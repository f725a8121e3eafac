// SPDX-License-Identifier: Apache-2.0
#include "model/embedding_noise.hpp"

#include <ATen/TensorOperators.h>
#include <ATen/ops/empty.h>
#include <ATen/ops/scalar_tensor.h>

#include <algorithm>
#include <cmath>

#include "families/scaled_embedding.hpp"
#include "kernels/noise/noise.hpp"
#include "ops/torch_exec.hpp"

namespace pst::model {

at::Tensor embedding_noise(const at::Tensor& x_nd, const std::vector<std::int64_t>& starts, double alpha,
                           const Rng& random) {
  const at::Tensor magnitude_n = at::empty({x_nd.size(0)}, at::kFloat);
  auto* const magnitudes = magnitude_n.mutable_data_ptr<float>();
  for (std::size_t i = 0; i + 1 < starts.size(); ++i) {
    const double values = static_cast<double>((starts[i + 1] - starts[i]) * x_nd.size(1));
    std::fill(magnitudes + starts[i], magnitudes + starts[i + 1], static_cast<float>(alpha / std::sqrt(values)));
  }
  const at::Tensor here_n = magnitude_n.to(x_nd.device());
  const at::Tensor noise_nd = at::empty(x_nd.sizes(), x_nd.options().requires_grad(false));
  kernels::uniform_noise(ops::exec_of(noise_nd), ops::view_of(here_n), random, ops::view_of(noise_nd));
  return noise_nd;
}

at::Tensor embeddings(const families::ModelSpec& spec, const at::Tensor& x_nd, const Rows& rows, double alpha) {
  const auto scaled = [&spec](const at::Tensor& x) {  // in the dtype of products, as transformers multiplies
    return spec.embedding_scale != 1 ? x * at::scalar_tensor(spec.embedding_scale, x.options().requires_grad(false))
                                     : x;
  };
  if (!rows.pass.training || alpha == 0) return scaled(x_nd);
  const auto noisy = [&](const at::Tensor& x) {
    const auto& starts = rows.prompted ? rows.prompted->starts : rows.documents.starts;
    return x + embedding_noise(x, starts, alpha, rows.pass.random.child("neftune"));
  };
  return families::embedding_scales_itself(spec.model_type) ? noisy(scaled(x_nd)) : scaled(noisy(x_nd));
}

}  // namespace pst::model
