#include "ops/attention.hpp"

#include <ATen/ops/empty.h>
#include <ATen/ops/empty_like.h>
#include <ATen/ops/matmul.h>
#include <ATen/ops/ones.h>
#include <ATen/ops/softmax.h>

#include <cmath>
#include <limits>

#include "kernels/attention/attention.hpp"
#include "kernels/rope/rope.hpp"
#include "ops/node.hpp"

// Shape letters: n rows, k key/value heads, g query heads of one key/value head, t rows of one document, d head width.
namespace pst::ops {
namespace {

void turn(const at::Tensor& x, std::int64_t heads, const at::Tensor& positions, const RopeTable& table,
          kernels::Turn direction) {
  kernels::rope(cpu_exec(), view_of(x), heads, view_of(positions), view_of(table.cosines), view_of(table.sines),
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

kernels::AttentionShape shape_of(const Documents& documents, Heads heads) {
  return {heads.query, heads.key_value, heads.dim, documents.starts};
}

class AttentionNode final : public Node {
 public:
  at::Tensor q, k, v, out;  // q and k rotated
  at::Tensor log_sum_exp;   // f32 [query heads, n]
  Documents documents;
  RopeTable table;
  Heads heads;

 protected:
  List backward(List& gradients) override {
    if (!gradients[0].defined()) return List(3);
    const at::Tensor dout = gradients[0].contiguous();
    const at::Tensor dq = at::empty_like(q), dk = at::empty_like(k), dv = at::empty_like(v);
    kernels::attention_backward(cpu_exec(), view_of(dout), view_of(q), view_of(k), view_of(v), view_of(out),
                                view_of(log_sum_exp), shape_of(documents, heads), view_of(dq), view_of(dk),
                                view_of(dv));
    turn(dq, heads.query, documents.positions, table, kernels::Turn::back);
    turn(dk, heads.key_value, documents.positions, table, kernels::Turn::back);
    return {dq, dk, dv};
  }
  void release() override {
    for (at::Tensor* const kept : {&q, &k, &v, &out, &log_sum_exp}) kept->reset();
  }
};

}  // namespace

void rotate(const at::Tensor& x, std::int64_t heads, const at::Tensor& positions, const RopeTable& table) {
  turn(x, heads, positions, table, kernels::Turn::forward);
}

at::Tensor rope_attention(at::Tensor q, at::Tensor k, const at::Tensor& v, Heads heads, const Documents& documents,
                          const RopeTable& table) {
  const trace::Scope span(trace::Kind::attention, "attention");
  at::Tensor out, log_sum_exp;
  {
    at::AutoDispatchBelowADInplaceOrView below;
    rotate(q, heads.query, documents.positions, table);
    rotate(k, heads.key_value, documents.positions, table);
    out = at::empty_like(q);
    log_sum_exp = at::empty({heads.query, q.size(0)}, q.options().dtype(at::kFloat));
    kernels::attention(cpu_exec(), view_of(q), view_of(k), view_of(v), shape_of(documents, heads), view_of(out),
                       view_of(log_sum_exp));
  }
  if (records({q, k, v})) {
    const auto node = std::make_shared<AttentionNode>();
    node->q = q.detach();
    node->k = k.detach();
    node->v = v.detach();
    node->out = out.detach();
    node->log_sum_exp = std::move(log_sum_exp);
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
  if (fresh > 1) {
    const at::Tensor future = at::ones({fresh, all}, q.options().dtype(at::kBool)).triu(all - fresh + 1);
    scores = scores.masked_fill(future, -std::numeric_limits<double>::infinity());
  }
  const at::Tensor mixed = at::matmul(at::softmax(scores, -1).to(v.scalar_type()), keys(v, heads));
  return mixed.permute({2, 0, 1, 3}).reshape({fresh, heads.query * heads.dim});
}

}  // namespace pst::ops
