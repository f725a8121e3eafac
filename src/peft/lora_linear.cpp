// SPDX-License-Identifier: Apache-2.0
#include "peft/lora_linear.hpp"

#include <ATen/ops/addmm.h>

#include <algorithm>

#include "core/strings.hpp"
#include "methods/lora.hpp"
#include "ops/dropout.hpp"
#include "ops/gemm.hpp"
#include "peft/lora_forward.hpp"

// Shape letters: n rows (tokens), i features in, o features out, r rank.
namespace pst::peft {

LoraLinear::LoraLinear(std::unique_ptr<nn::Linear> base, const std::string& name, LoraOptions options,
                       std::uint64_t stream, nn::Parameter& a_ri, nn::Parameter& b_or)
    : base_(std::move(base)),
      last_part_(name.substr(name.rfind('.') + 1)),
      options_(options),
      stream_(stream),
      a_ri_(a_ri),
      b_or_(b_or) {}

LoraLinear::LoraLinear(std::unique_ptr<nn::Linear> base, const std::string& name, LoraOptions options,
                       std::uint64_t stream, nn::ParameterSet& parameters)
    : base_(std::move(base)),
      last_part_(name.substr(name.rfind('.') + 1)),
      options_(options),
      stream_(stream),
      a_ri_(parameters.add(cat(name, ".", methods::kLoraA), {options.r, base_->in_features()})),
      b_or_(parameters.add(cat(name, ".", methods::kLoraB), {base_->out_features(), options.r})) {}

void LoraLinear::join(std::shared_ptr<LoraGroup> group) {
  group_ = std::move(group);
  group_->push_back(this);
}

at::Tensor LoraLinear::dropped(const at::Tensor& x_ni, const nn::Pass& pass) const {
  if (!pass.training || options_.dropout == 0) return x_ni;
  return ops::dropped(x_ni, options_.dropout, pass.random.child(stream_));
}

at::Tensor LoraLinear::forward(const at::Tensor& x_ni, const nn::Pass& pass) const {
  return lora_forward({this}, last_part_.c_str(), x_ni, pass).front();
}

std::vector<at::Tensor> LoraLinear::forward_together(std::span<const nn::Linear* const> layers, const char* name,
                                                     const at::Tensor& x_ni, const nn::Pass& pass) const {
  if (group_ && std::equal(layers.begin(), layers.end(), group_->begin(), group_->end()) && go_together(*group_, pass))
    return lora_forward(*group_, name, x_ni, pass);
  return nn::Linear::forward_together(layers, name, x_ni, pass);
}

/// W + scale B A.
at::Tensor LoraLinear::weight(at::ScalarType dtype) const {
  at::NoGradGuard no_gradients;
  return at::addmm(base_->weight(at::kFloat), b_or_.value, a_ri_.value, 1, options_.scale).to(dtype);
}

at::Tensor LoraLinear::apply(const at::Tensor& x_ni) const {
  return ops::add_matmul_nt(base_->apply(x_ni), ops::scaled_matmul_nt(x_ni, a_ri_.compute, options_.scale),
                            b_or_.compute);
}

at::Tensor LoraLinear::apply_transposed(const at::Tensor& dy_no) const {
  return ops::add_matmul_nn(base_->apply_transposed(dy_no), ops::scaled_matmul_nn(dy_no, b_or_.compute, options_.scale),
                            a_ri_.compute);
}

}  // namespace pst::peft
