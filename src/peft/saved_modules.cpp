// SPDX-License-Identifier: Apache-2.0
#include "peft/saved_modules.hpp"

#include <ATen/TensorOperators.h>
#include <ATen/ops/arange.h>
#include <ATen/ops/index_select.h>
#include <ATen/ops/linear.h>
#include <ATen/ops/zeros.h>

#include <algorithm>

#include "nn/in_use.hpp"
#include "ops/add_rows.hpp"
#include "ops/backward_node.hpp"
#include "ops/gemm.hpp"
#include "ops/wide.hpp"

// Shape letters: n rows (tokens), i features in, o features out, v vocabulary, d hidden.
namespace pst::peft {
namespace {

/// y = x W^T + b, all of it trained.
class TrainedLinear final : public nn::Linear {
 public:
  TrainedLinear(std::unique_ptr<nn::Linear> base, const nn::Parameter& weight, const nn::Parameter* bias)
      : base_(std::move(base)), weight_(weight), bias_(bias) {}
  std::int64_t in_features() const override { return weight_.shape[1]; }
  std::int64_t out_features() const override { return weight_.shape[0]; }
  at::Tensor weight(at::ScalarType dtype) const override { return weight_.value.detach().to(dtype); }
  at::Tensor apply(const at::Tensor& x_ni) const override {
    return ops::matmul_nt(x_ni, weight_.compute, bias_ ? std::optional(bias_->compute) : std::nullopt);
  }
  at::Tensor apply_transposed(const at::Tensor& dy_no) const override { return ops::matmul_nn(dy_no, weight_.compute); }
  at::Tensor forward(const at::Tensor& x_ni, const nn::Pass& pass) const override;

  const nn::Linear& base() const { return *base_; }
  const nn::Parameter& weight_parameter() const { return weight_; }

 private:
  std::unique_ptr<nn::Linear> base_;
  const nn::Parameter& weight_;
  const nn::Parameter* bias_;
};

class TrainedLinearNode final : public ops::Node {
 public:
  TrainedLinearNode(const TrainedLinear& layer, at::Tensor x_ni) : layer_(layer), x_ni_(std::move(x_ni)) {}

 protected:
  List backward(List& gradients) override {
    List out(3);
    if (!gradients[0].defined()) return out;
    const at::Tensor dy_no = gradients[0].contiguous();
    if (wanted(0)) out[0] = layer_.apply_transposed(dy_no);
    if (wanted(1)) {
      // Added where it belongs: a matrix of the head's size need not be made twice.
      const at::Tensor& sum_oi = layer_.weight_parameter().value.grad();
      if (sum_oi.defined())
        ops::add_wide_matmul_tn(sum_oi, dy_no, x_ni_);
      else
        out[1] = ops::wide_matmul_tn(dy_no, x_ni_);
    }
    if (wanted(2)) out[2] = ops::widened(dy_no).sum(0);
    return out;
  }
  void release() override { x_ni_.reset(); }

 private:
  const TrainedLinear& layer_;
  at::Tensor x_ni_;
};

at::Tensor TrainedLinear::forward(const at::Tensor& x_ni, const nn::Pass&) const {
  const trace::Scope span(trace::Kind::adapter, "trained");
  at::Tensor y_no;
  {
    at::AutoDispatchBelowADInplaceOrView below;
    y_no = apply(x_ni);
  }
  const at::Tensor bias = bias_ ? bias_->value : at::Tensor();
  if (ops::records({x_ni, weight_.value}))
    ops::connect(std::make_shared<TrainedLinearNode>(*this, x_ni.detach()), {x_ni, weight_.value, bias}, {y_no});
  return y_no;
}

/// Rows of a matrix that is trained.
class TrainedEmbedding final : public nn::Embedding {
 public:
  TrainedEmbedding(std::unique_ptr<nn::Embedding> base, const nn::Parameter& weight)
      : base_(std::move(base)), weight_vd_(weight) {}
  at::Tensor rows(const at::Tensor& ids) const override;
  const nn::Embedding& base() const { return *base_; }
  const nn::Parameter& weight() const { return weight_vd_; }

 private:
  std::unique_ptr<nn::Embedding> base_;
  const nn::Parameter& weight_vd_;
};

class TrainedEmbeddingNode final : public ops::Node {
 public:
  TrainedEmbeddingNode(const TrainedEmbedding& of, at::Tensor ids) : of_(of), ids_(std::move(ids)) {}

 protected:
  List backward(List& gradients) override {
    if (!gradients[0].defined() || !wanted(0)) return List(1);
    const at::Tensor dy_nd = ops::widened(gradients[0]);
    // Into the parameter's own gradient where it has one: no second matrix of the vocabulary is made.
    const at::Tensor& sum_vd = of_.weight().value.grad();
    const at::Tensor into_vd = sum_vd.defined() ? sum_vd : at::zeros(of_.weight().shape, dy_nd.options());
    ops::add_rows(into_vd, ids_, dy_nd);
    return {sum_vd.defined() ? at::Tensor() : into_vd};
  }
  void release() override { ids_.reset(); }

 private:
  const TrainedEmbedding& of_;
  at::Tensor ids_;
};

at::Tensor TrainedEmbedding::rows(const at::Tensor& ids) const {
  at::Tensor rows_nd;
  {
    at::AutoDispatchBelowADInplaceOrView below;
    rows_nd = at::index_select(weight_vd_.compute, 0, ids);
  }
  if (ops::records({weight_vd_.value}))
    ops::connect(std::make_shared<TrainedEmbeddingNode>(*this, ids), {weight_vd_.value}, {rows_nd});
  return rows_nd;
}

}  // namespace

void train_norm(ops::Norm& norm, double offset, const nn::Parameter& weight, const nn::Parameter* bias) {
  norm.trained = [&weight, bias, offset] {
    const auto floats = [](const nn::Parameter& parameter) { return ops::widened(nn::in_use(parameter)); };
    return ops::NormValues{.weight = offset != 0 ? floats(weight) + offset : floats(weight),
                           .bias = bias ? floats(*bias) : at::Tensor()};
  };
}

void start_norm(const ops::Norm& norm, double offset, nn::Parameter& weight, nn::Parameter* bias) {
  weight.value.copy_(norm.weight - offset);
  if (bias) bias->value.copy_(norm.bias);
}

SavedModules::SavedModules(nn::CausalLm& model, std::vector<methods::Saved> modules, nn::ParameterSet& parameters)
    : model_(model) {
  for (methods::Saved& of : modules) {
    Module& module = modules_.emplace_back(Module{.of = std::move(of), .start = {}});
    for (const methods::AdapterTensor& tensor : module.of.tensors)
      (tensor.name == "weight" ? module.weight : module.bias) =
          &parameters.add(module.of.name + "." + tensor.name, tensor.shape);
  }
}

void SavedModules::attach() {
  for (Module& module : modules_) switch (module.of.kind) {
      case methods::Saved::Kind::linear: attach_linear(module); break;
      case methods::Saved::Kind::embedding: attach_embedding(module); break;
      case methods::Saved::Kind::norm: attach_norm(module); break;
    }
}

void SavedModules::start() {
  for (const Module& module : modules_) module.start();
}

void SavedModules::attach_linear(Module& module) {
  std::unique_ptr<nn::Linear>& slot = *model_.linears()[module.of.place].linear;
  auto trained = std::make_unique<TrainedLinear>(std::move(slot), *module.weight, module.bias);
  module.start = [this, &module, base = &trained->base()] {
    model_.make_readable(module.of.place);
    const at::Tensor weight_oi = base->weight(at::kFloat);
    module.weight->value.copy_(weight_oi);
    if (module.bias)
      module.bias->value.copy_(
          base->apply(at::zeros({1, weight_oi.size(1)}, module.weight->compute.options())).view({-1}));
  };
  slot = std::move(trained);
}

void SavedModules::attach_embedding(Module& module) {
  std::unique_ptr<nn::Embedding>& slot = *model_.embedding().embedding;
  auto trained = std::make_unique<TrainedEmbedding>(std::move(slot), *module.weight);
  module.start = [this, &module, base = &trained->base()] {
    model_.make_embedding_readable();
    const std::int64_t rows = module.weight->shape[0], step = 4096;
    for (std::int64_t from = 0; from < rows; from += step) {
      const std::int64_t to = std::min(rows, from + step);
      const auto ids = at::arange(from, to, module.weight->value.options().dtype(at::kLong).requires_grad(false));
      module.weight->value.narrow(0, from, to - from).copy_(base->rows(ids));
    }
  };
  slot = std::move(trained);
}

void SavedModules::attach_norm(Module& module) {
  const nn::NormSlot slot = model_.norms()[module.of.place];
  train_norm(*slot.norm, slot.offset, *module.weight, module.bias);
  module.start = [&module, slot] { start_norm(*slot.norm, slot.offset, *module.weight, module.bias); };
}

}  // namespace pst::peft
