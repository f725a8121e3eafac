// SPDX-License-Identifier: Apache-2.0
#include "ops/attention.hpp"

#include <ATen/TensorOperators.h>
#include <ATen/ops/logaddexp.h>
#include <ATen/ops/sigmoid.h>

#include <cmath>

#include "ops/attention_forms.hpp"
#include "ops/backward_node.hpp"
#include "ops/rotation.hpp"

// Shape letters: n rows, k key/value heads, g query heads of one key/value head, t rows of one document, d head width.
namespace pst::ops {
namespace {

enum class Form { blocked, cudnn, flash, plain };
Form form_for(const at::Tensor& q, const Heads& heads, const Documents& documents) {
  if (!q.is_cuda()) return Form::blocked;
  if (cudnn_takes(q, heads, documents)) return Form::cudnn;
  return flash_takes(q, heads) ? Form::flash : Form::plain;
}

Attended attend(Form form, const at::Tensor& q, const at::Tensor& k, const at::Tensor& v, const Heads& heads,
                const Documents& documents) {
  switch (form) {
    case Form::blocked: return blocked_attention(q, k, v, heads, documents);
    case Form::cudnn: return cudnn_attention(q, k, v, heads);
    case Form::flash: return flash_attention(q, k, v, heads, documents);
    case Form::plain: return plain_attention(q, k, v, heads, documents);
  }
  throw Error(Fault::bug, "an unknown form of attention");
}

/// The sink's score joins each row's softmax: everything else gets less. Afterwards the result is that of a softmax
/// with one more key, whose value is zero, so that backward needs to know nothing of it.
void join_sinks(Attended& result, const Heads& heads) {
  if (!heads.sinks.defined()) return;
  const at::Tensor sinks_h1 = heads.sinks.unsqueeze(1);
  const at::Tensor left_hn = at::sigmoid(result.log_sum_exp - sinks_h1);
  result.out.view({-1, heads.query, heads.dim}).mul_(left_hn.t().unsqueeze(-1));
  result.log_sum_exp = at::logaddexp(result.log_sum_exp, sinks_h1);
}

class AttentionNode final : public Node {
 public:
  Form form = Form::blocked;
  at::Tensor q, k, v;  // q and k turned
  Attended kept;
  Documents documents;
  std::optional<Turning> turning;
  Heads heads;

 protected:
  List backward(List& gradients) override {
    if (!gradients[0].defined()) return List(3);
    const AttentionGradients d = of_inputs(gradients[0].contiguous());
    if (turning) {
      turn_back(d.q, heads.query, turning->rows, turning->queries);
      turn_back(d.k, heads.key_value, turning->rows, turning->keys);
    }
    return {d.q, d.k, d.v};
  }
  void release() override {
    for (at::Tensor* const tensor : {&q, &k, &v}) tensor->reset();
    kept = {};
  }

 private:
  AttentionGradients of_inputs(const at::Tensor& dout) const {
    switch (form) {
      case Form::blocked: return blocked_attention_backward(dout, q, k, v, kept, heads, documents);
      case Form::cudnn: return cudnn_attention_backward(dout, q, k, v, kept, heads);
      case Form::flash: return flash_attention_backward(dout, q, k, v, kept, heads, documents);
      case Form::plain: return plain_attention_backward(dout, q, k, v, kept, heads, documents);
    }
    throw Error(Fault::bug, "an unknown form of attention");
  }
};

}  // namespace

double Heads::factor() const { return scale.value_or(1 / std::sqrt(static_cast<double>(dim))); }

at::Tensor attention(at::Tensor q, at::Tensor k, const at::Tensor& v, const Heads& heads, const Documents& documents,
                     const std::optional<Turning>& turning) {
  const trace::Scope span(trace::Kind::attention, "attention");
  const Form form = form_for(q, heads, documents);
  Attended result;
  {
    at::AutoDispatchBelowADInplaceOrView below;
    if (turning) {
      rotate(q, heads.query, turning->rows, turning->queries);
      rotate(k, heads.key_value, turning->rows, turning->keys);
    }
    result = attend(form, q, k, v, heads, documents);
    join_sinks(result, heads);
  }
  const at::Tensor out = result.out;
  if (records({q, k, v})) {
    const auto node = std::make_shared<AttentionNode>();
    node->form = form;
    node->q = q.detach();
    node->k = k.detach();
    node->v = v.detach();
    node->kept = std::move(result);
    node->kept.out = out.detach();
    node->documents = documents;
    node->turning = turning;
    node->heads = heads;
    connect(node, {q, k, v}, {out});
  }
  return out;
}

}  // namespace pst::ops
