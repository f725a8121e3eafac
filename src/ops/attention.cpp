// SPDX-License-Identifier: Apache-2.0
#include "ops/attention.hpp"

#include <ATen/ops/matmul.h>
#include <ATen/ops/ones.h>
#include <ATen/ops/softmax.h>

#include <cmath>
#include <limits>

#include "kernels/rope/rope.hpp"
#include "ops/attention_forms.hpp"
#include "ops/backward_node.hpp"

// Shape letters: n rows, k key/value heads, g query heads of one key/value head, t rows of one document, d head width.
namespace pst::ops {
namespace {

void turn(const at::Tensor& x, std::int64_t heads, const at::Tensor& positions, const RopeTable& table,
          kernels::Turn direction) {
  kernels::rope(exec_of(x), view_of(x), heads, view_of(positions), view_of(table.cosines), view_of(table.sines),
                direction);
}

/// [t, k*g*d] -> [k, g, t, d], a view: each key/value head is a batch of its query heads.
at::Tensor queries(const at::Tensor& rows, Heads heads) {
  return rows.view({rows.size(0), heads.key_value, heads.query / heads.key_value, heads.dim}).permute({1, 2, 0, 3});
}
/// [t, k*d] -> [k, g, t, d], a view with stride 0 over g.
at::Tensor keys(const at::Tensor& rows, Heads heads) {
  return rows.view({rows.size(0), heads.key_value, 1, heads.dim})
      .permute({1, 2, 0, 3})
      .expand({heads.key_value, heads.query / heads.key_value, rows.size(0), heads.dim});
}

enum class Form { blocked, cudnn, flash, plain };
Form form_for(const at::Tensor& q, Heads heads, const Documents& documents) {
  if (!q.is_cuda()) return Form::blocked;
  if (cudnn_takes(q, heads, documents)) return Form::cudnn;
  return flash_takes(q, heads) ? Form::flash : Form::plain;
}

Attended attend(Form form, const at::Tensor& q, const at::Tensor& k, const at::Tensor& v, Heads heads,
                const Documents& documents) {
  switch (form) {
    case Form::blocked: return blocked_attention(q, k, v, heads, documents);
    case Form::cudnn: return cudnn_attention(q, k, v, heads);
    case Form::flash: return flash_attention(q, k, v, heads, documents);
    case Form::plain: return plain_attention(q, k, v, heads, documents);
  }
  throw Error(Fault::bug, "an unknown form of attention");
}

class AttentionNode final : public Node {
 public:
  Form form = Form::blocked;
  at::Tensor q, k, v;  // q and k rotated
  Attended kept;
  Documents documents;
  RopeTable table;
  Heads heads;

 protected:
  List backward(List& gradients) override {
    if (!gradients[0].defined()) return List(3);
    const AttentionGradients d = of_inputs(gradients[0].contiguous());
    turn(d.q, heads.query, documents.positions, table, kernels::Turn::back);
    turn(d.k, heads.key_value, documents.positions, table, kernels::Turn::back);
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

void rotate(const at::Tensor& x, std::int64_t heads, const at::Tensor& positions, const RopeTable& table) {
  turn(x, heads, positions, table, kernels::Turn::forward);
}

at::Tensor rope_attention(at::Tensor q, at::Tensor k, const at::Tensor& v, Heads heads, const Documents& documents,
                          const RopeTable& table) {
  const trace::Scope span(trace::Kind::attention, "attention");
  const Form form = form_for(q, heads, documents);
  Attended result;
  {
    at::AutoDispatchBelowADInplaceOrView below;
    rotate(q, heads.query, documents.positions, table);
    rotate(k, heads.key_value, documents.positions, table);
    result = attend(form, q, k, v, heads, documents);
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
    node->table = table;
    node->heads = heads;
    connect(node, {q, k, v}, {out});
  }
  return out;
}

at::Tensor cached_attention(const at::Tensor& q, const at::Tensor& k, const at::Tensor& v, Heads heads) {
  const std::int64_t fresh = q.size(0), all = k.size(0);
  at::Tensor scores = at::matmul(queries(q, heads), keys(k, heads).transpose(2, 3)).to(at::kFloat);
  scores.mul_(1 / std::sqrt(static_cast<double>(heads.dim)));
  if (fresh > 1 || (heads.window && *heads.window < all)) {
    const std::int64_t last = all - fresh;  // that the first of the new rows sees, itself
    at::Tensor hidden = at::ones({fresh, all}, q.options().dtype(at::kBool)).triu(last + 1);
    if (heads.window) hidden.logical_or_(at::ones({fresh, all}, hidden.options()).tril(last - *heads.window));
    scores = scores.masked_fill(hidden, -std::numeric_limits<double>::infinity());
  }
  const at::Tensor mixed = at::matmul(at::softmax(scores, -1).to(v.scalar_type()), keys(v, heads));
  return mixed.permute({2, 0, 1, 3}).reshape({fresh, heads.query * heads.dim});
}

}  // namespace pst::ops
