// SPDX-License-Identifier: Apache-2.0
#include "ops/attention.hpp"

#include <ATen/TensorOperators.h>
#include <ATen/ops/arange.h>
#include <ATen/ops/cat.h>
#include <ATen/ops/logaddexp.h>
#include <ATen/ops/matmul.h>
#include <ATen/ops/ones.h>
#include <ATen/ops/sigmoid.h>
#include <ATen/ops/softmax.h>

#include <cmath>
#include <limits>

#include "ops/attention_forms.hpp"
#include "ops/backward_node.hpp"
#include "ops/rotation.hpp"

// Shape letters: n rows, k key/value heads, g query heads of one key/value head, t rows of one document, d head width.
namespace pst::ops {
namespace {

/// [t, k*g*d] -> [k, g, t, d], a view: each key/value head is a batch of its query heads.
at::Tensor queries(const at::Tensor& rows, const Heads& heads) {
  return rows.view({rows.size(0), heads.key_value, heads.query / heads.key_value, heads.dim}).permute({1, 2, 0, 3});
}
/// [t, k*d] -> [k, g, t, d], a view with stride 0 over g.
at::Tensor keys(const at::Tensor& rows, const Heads& heads) {
  return rows.view({rows.size(0), heads.key_value, 1, heads.dim})
      .permute({1, 2, 0, 3})
      .expand({heads.key_value, heads.query / heads.key_value, rows.size(0), heads.dim});
}

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

at::Tensor cached_attention(const at::Tensor& q, const at::Tensor& k, const at::Tensor& v, const Heads& heads) {
  const std::int64_t fresh = q.size(0), all = k.size(0), groups = heads.query / heads.key_value;
  at::Tensor scores_kgta = at::matmul(queries(q, heads), keys(k, heads).transpose(2, 3)).to(at::kFloat);
  scores_kgta.mul_(heads.factor());
  if (heads.cap > 0) scores_kgta.div_(heads.cap).tanh_().mul_(heads.cap);
  const auto by_head = [&](const at::Tensor& of_head) { return of_head.view({heads.key_value, groups, 1, 1}); };
  if (heads.slopes.defined()) scores_kgta.add_(by_head(heads.slopes) * at::arange(all, scores_kgta.options()));
  if (fresh > 1 || (heads.window && *heads.window < all)) {
    const std::int64_t last = all - fresh;  // that the first of the new rows sees, itself
    at::Tensor hidden = at::ones({fresh, all}, q.options().dtype(at::kBool)).triu(last + 1);
    if (heads.window) hidden.logical_or_(at::ones({fresh, all}, hidden.options()).tril(last - *heads.window));
    scores_kgta = scores_kgta.masked_fill(hidden, -std::numeric_limits<double>::infinity());
  }
  if (heads.sinks.defined())
    scores_kgta = at::cat({scores_kgta, by_head(heads.sinks).expand({heads.key_value, groups, fresh, 1})}, -1);
  const at::Tensor weights_kgta = at::softmax(scores_kgta, -1).narrow(-1, 0, all).to(v.scalar_type());
  const at::Tensor mixed = at::matmul(weights_kgta, keys(v, heads));
  return mixed.permute({2, 0, 1, 3}).reshape({fresh, heads.query * heads.dim});
}

}  // namespace pst::ops
