// SPDX-License-Identifier: Apache-2.0
#include "peft/lora_forward.hpp"

#include <ATen/ops/empty.h>
#include <ATen/ops/zeros.h>

#include <algorithm>

#include "core/trace.hpp"
#include "ops/backward_node.hpp"
#include "ops/gemm.hpp"

// Shape letters: n rows (tokens), i features in, o features out, r rank of a layer, R of all A's together: neighbours
// may have the same A.
namespace pst::peft {
namespace {

using Layers = std::vector<const LoraLinear*>;

/// Matrices of one width as one, when each begins in memory where the one before it ends; else undefined.
at::Tensor stacked(const std::vector<at::Tensor>& matrices) {
  const void* next = nullptr;
  std::int64_t rows = 0;
  for (const at::Tensor& matrix : matrices) {
    if (!matrix.defined() || !matrix.is_contiguous() || !matrix.is_alias_of(matrices.front())) return {};
    if (next != nullptr && matrix.const_data_ptr() != next) return {};
    next = static_cast<const std::byte*>(matrix.const_data_ptr()) + matrix.nbytes();
    rows += matrix.size(0);
  }
  const std::int64_t width = matrices.front().size(1);
  return matrices.front().as_strided({rows, width}, {width, 1});
}

template <class Get>
std::vector<at::Tensor> of_each(const Layers& layers, const Get& get) {
  std::vector<at::Tensor> tensors;
  for (const LoraLinear* const layer : layers) tensors.push_back(get(*layer));
  return tensors;
}
/// Whether layer i has the A of the one before it.
bool has_neighbours_a(const Layers& layers, std::size_t i) { return i > 0 && &layers[i]->a() == &layers[i - 1]->a(); }
/// Those with an A of their own.
Layers by_a(const Layers& layers) {
  Layers all;
  for (std::size_t i = 0; i < layers.size(); ++i)
    if (!has_neighbours_a(layers, i)) all.push_back(layers[i]);
  return all;
}
/// Where the columns of each layer begin in [n, R].
std::vector<std::int64_t> begins(const Layers& layers) {
  std::vector<std::int64_t> all;
  std::int64_t end = 0;
  for (std::size_t i = 0; i < layers.size(); ++i) {
    const std::int64_t r = layers[i]->options().r;
    if (!has_neighbours_a(layers, i)) end += r;
    all.push_back(end - r);
  }
  return all;
}
at::Tensor all_a(const Layers& layers) {
  return stacked(of_each(by_a(layers), [](const LoraLinear& layer) { return layer.a().compute; }));
}

/// Columns of a layer in [n, R]. On a CPU by themselves: the library would copy them with each product.
at::Tensor columns(const at::Tensor& all_nR, std::int64_t begin, std::int64_t r) {
  const at::Tensor part_nr = all_nR.narrow(1, begin, r);
  return all_nR.is_cpu() ? part_nr.contiguous() : part_nr;
}

/// All gradients in the fewest products. With s = scale, A all A's, h = s A dropout(x) (kept) and g = s dy B, side by
/// side for all layers:
///   dB = dy^T h      dA = g^T dropout(x)      dx = dropout'(g A) + the sum of dy W
/// Rows that are not active have zeros in h and g.
class BackwardNode final : public ops::Node {
 public:
  BackwardNode(Layers layers, const nn::Pass& pass, at::Tensor x_ni, at::Tensor h_nR)
      : layers_(std::move(layers)), pass_(pass), x_ni_(std::move(x_ni)), h_nR_(std::move(h_nR)) {}

 protected:
  List backward(List& gradients) override {
    List out(1 + 2 * layers_.size());
    const std::vector<at::Tensor> dy_no = defined(gradients);
    if (dy_no.empty()) return out;

    const at::Tensor g_nR = at::empty(h_nR_.sizes(), h_nR_.options());
    const std::vector<std::int64_t> begin = begins(layers_);
    for (std::size_t i = 0; i < layers_.size(); ++i) {
      const LoraLinear& layer = *layers_[i];
      const std::int64_t r = layer.options().r;
      const at::Tensor g_nr = g_nR.narrow(1, begin[i], r);
      if (has_neighbours_a(layers_, i))
        g_nr.add_(ops::scaled_matmul_nn(dy_no[i], layer.b().compute, layer.options().scale));
      else
        ops::scaled_matmul_nn_into(g_nr, dy_no[i], layer.b().compute, layer.options().scale);
      if (wanted(2 + 2 * i)) out[2 + 2 * i] = of_b(layer, dy_no[i], columns(h_nR_, begin[i], r));
    }
    if (pass_.active.defined()) g_nR.mul_(pass_.active);
    gradients_of_a(g_nR, out);
    if (wanted(0)) {
      at::Tensor dx_ni = layers_.front()->dropped(ops::matmul_nn(g_nR, all_a(layers_)), pass_);
      const trace::Scope span(trace::Kind::linear, nullptr);
      for (std::size_t i = 0; i < layers_.size(); ++i)
        dx_ni = layers_[i]->base().add_applied_transposed(std::move(dx_ni), dy_no[i]);
      out[0] = std::move(dx_ni);
    }
    return out;
  }
  void release() override {
    x_ni_.reset();
    h_nR_.reset();
  }

 private:
  /// Zeros where nothing arrived; empty if nothing has at all.
  std::vector<at::Tensor> defined(const List& gradients) const {
    std::vector<at::Tensor> all;
    if (std::none_of(gradients.begin(), gradients.end(), [](const at::Tensor& dy) { return dy.defined(); })) return all;
    for (std::size_t i = 0; i < layers_.size(); ++i)
      all.push_back(gradients[i].defined() ? gradients[i].contiguous()
                                           : at::zeros({x_ni_.size(0), layers_[i]->out_features()}, x_ni_.options()));
    return all;
  }

  /// dy^T h. On a GPU the product itself adds to what the parameter has already, and there is nothing to hand on.
  static at::Tensor of_b(const LoraLinear& layer, const at::Tensor& dy_no, const at::Tensor& h_nr) {
    const at::Tensor& sum = layer.b().value.grad();
    if (!dy_no.is_cuda() || !sum.defined()) return ops::wide_matmul_tn(dy_no, h_nr);
    ops::add_wide_matmul_tn(sum, dy_no, h_nr);
    return {};
  }

  /// g^T x of all layers, likewise.
  void gradients_of_a(const at::Tensor& g_nR, List& out) const {
    const auto wants = [&](std::size_t i) { return !has_neighbours_a(layers_, i) && wanted(1 + 2 * i); };
    bool all = true, any = false;
    for (std::size_t i = 0; i < layers_.size(); ++i) {
      all = all && (wants(i) || has_neighbours_a(layers_, i));
      any = any || wants(i);
    }
    if (!any) return;
    const at::Tensor seen_ni = layers_.front()->dropped(x_ni_, pass_);
    if (g_nR.is_cuda() && all)
      if (const at::Tensor sum_Ri =
              stacked(of_each(by_a(layers_), [](const auto& layer) { return layer.a().value.grad(); }));
          sum_Ri.defined())
        return ops::add_wide_matmul_tn(sum_Ri, g_nR, seen_ni);
    const at::Tensor da_Ri = ops::wide_matmul_tn(g_nR, seen_ni);
    const std::vector<std::int64_t> begin = begins(layers_);
    for (std::size_t i = 0; i < layers_.size(); ++i)
      if (wants(i)) out[1 + 2 * i] = da_Ri.narrow(0, begin[i], layers_[i]->options().r);
  }

  const Layers layers_;
  nn::Pass pass_;
  at::Tensor x_ni_, h_nR_;
};

}  // namespace

bool go_together(const Layers& layers, const nn::Pass& pass) {
  if (layers.size() == 1) return true;
  for (const LoraLinear* const layer : layers)
    if (layer->options().scale != layers.front()->options().scale || (pass.training && layer->options().dropout > 0))
      return false;
  return all_a(layers).defined();
}

std::vector<at::Tensor> lora_forward(const Layers& layers, const char* name, const at::Tensor& x_ni,
                                     const nn::Pass& pass) {
  const trace::Scope span(trace::Kind::adapter, name);
  std::vector<at::Tensor> y_no;
  at::Tensor h_nR;
  {
    at::AutoDispatchBelowADInplaceOrView below;
    const LoraLinear& first = *layers.front();
    h_nR = ops::scaled_matmul_nt(first.dropped(x_ni, pass), all_a(layers), first.options().scale);
    if (pass.active.defined()) h_nR.mul_(pass.active);
    nn::Rows rows{x_ni};
    const std::vector<std::int64_t> begin = begins(layers);
    for (std::size_t i = 0; i < layers.size(); ++i) {
      const LoraLinear& layer = *layers[i];
      at::Tensor update_no = ops::matmul_nt(columns(h_nR, begin[i], layer.options().r), layer.b().compute);
      const trace::Scope frozen(trace::Kind::linear, nullptr);
      y_no.push_back(layer.base().add_applied(std::move(update_no), rows));
    }
  }
  std::vector<at::Tensor> inputs{x_ni};
  for (const LoraLinear* const layer : layers) inputs.insert(inputs.end(), {layer->a().value, layer->b().value});
  if (ops::records(inputs))
    ops::connect(std::make_shared<BackwardNode>(layers, pass, x_ni.detach(), h_nR), inputs, y_no);
  return y_no;
}

}  // namespace pst::peft
