// SPDX-License-Identifier: Apache-2.0
#include "peft/encoder.hpp"

#include <ATen/ops/linear.h>
#include <ATen/ops/zeros.h>

#include <cmath>

#include "core/error.hpp"
#include "methods/prompts.hpp"
#include "nn/in_use.hpp"
#include "ops/wide.hpp"
#include "peft/fill.hpp"

namespace pst::peft {

void Encoder::declare(const std::vector<methods::AdapterTensor>& tensors, nn::ParameterSet& parameters,
                      std::set<std::string>& unsaved, at::Device device) {
  for (const methods::AdapterTensor& tensor : tensors) {
    if (!tensor.trained) {
      made_ = at::zeros(tensor.shape, at::TensorOptions().device(device));
      continue;
    }
    parameters_.push_back(&parameters.add(tensor.name, tensor.shape));
    unsaved.insert(tensor.name);
  }
}

void Encoder::start(const Rng& rng) {
  for (nn::Parameter* const parameter : parameters_) {
    const Rng own = rng.child(parameter->name);
    if (parameter->name.ends_with("embedding.weight")) {
      fill_normal(parameter->value, 1, own);
      continue;
    }
    // A linear layer's bound is 1 / sqrt(its inputs), for the bias too; an LSTM's 1 / sqrt(its width).
    const bool is_lstm = parameter->name.find("lstm_head.") != std::string::npos;
    const std::string layer = parameter->name.substr(0, parameter->name.rfind('.'));
    std::int64_t fan = is_lstm ? parameter->shape[0] / 4 : 0;
    for (const nn::Parameter* const other : parameters_)
      if (!is_lstm && other->name == layer + ".weight") fan = other->shape[1];
    fill_uniform(parameter->value, 1 / std::sqrt(static_cast<double>(fan)), own);
  }
}

at::Tensor Encoder::of(const std::string& name) const {
  for (const nn::Parameter* const parameter : parameters_)
    if (parameter->name == methods::kEncoderPrefix + name) return ops::widened(nn::in_use(*parameter));
  throw Error(Fault::bug, "no such tensor in an encoder: " + name);
}

std::vector<at::Tensor> Encoder::all(const std::string& begin) const {
  std::vector<at::Tensor> tensors;
  for (const nn::Parameter* const parameter : parameters_)
    if (parameter->name.starts_with(methods::kEncoderPrefix + begin))
      tensors.push_back(ops::widened(nn::in_use(*parameter)));
  return tensors;
}

at::Tensor Encoder::linear(const std::string& name, const at::Tensor& x) const {
  return at::linear(x, of(name + ".weight"), of(name + ".bias"));
}

at::Tensor Encoder::values(const std::function<at::Tensor()>& compute) const {
  return (uses_made_ ? made_ : compute()).to(compute_);
}

void Encoder::make(const std::function<at::Tensor()>& compute) const {
  if (uses_made_) return;
  at::NoGradGuard no_gradients;
  made_.copy_(compute());
}

}  // namespace pst::peft
