#include "ops/attention.hpp"

#include <ATen/ops/_scaled_dot_product_flash_attention_for_cpu.h>
#include <ATen/ops/_scaled_dot_product_flash_attention_for_cpu_backward.h>
#include <ATen/ops/empty_like.h>
#include <ATen/ops/matmul.h>
#include <ATen/ops/ones.h>
#include <ATen/ops/softmax.h>
#include <ATen/ops/sum.h>

#include <cmath>
#include <limits>

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

/// Runs body(document) for every document: side by side on one thread each where there are enough of them, since short
/// documents make poor use of several threads; else one after the other on all threads. A document's bits are the same
/// either way.
template <class Body>
void for_documents(const Documents& documents, const Body& body) {
  const auto count = static_cast<std::int64_t>(documents.starts.size()) - 1;
  const bool side_by_side = count >= 2 * threads() || (count >= threads() && count % threads() == 0);
  const auto range = [&](std::int64_t begin, std::int64_t end) {
    const at::NoGradGuard no_gradients;  // both are thread-local, and these may be threads of the pool
    const at::AutoDispatchBelowADInplaceOrView below;
    for (std::int64_t i = begin; i < end; ++i) body(static_cast<std::size_t>(i));
  };
  if (!side_by_side) return range(0, count);
  cpu_exec().parallel_for(count, 1, range);
}

class AttentionNode final : public Node {
 public:
  at::Tensor q, k, v, out;              // q and k rotated
  std::vector<at::Tensor> log_sum_exp;  // of each document
  Documents documents;
  RopeTable table;
  Heads heads;

 protected:
  List backward(List& gradients) override {
    if (!gradients[0].defined()) return List(3);
    const at::Tensor dout = gradients[0].contiguous();
    const at::Tensor dq = at::empty_like(q), dk = at::empty_like(k), dv = at::empty_like(v);
    for_documents(documents, [&](std::size_t i) {
      const std::int64_t begin = documents.starts[i], end = documents.starts[i + 1];
      const auto rows = [&](const at::Tensor& all) { return all.slice(0, begin, end); };
      const auto [dqi, dki, dvi] = at::_scaled_dot_product_flash_attention_for_cpu_backward(
          queries(rows(dout), heads), queries(rows(q), heads), keys(rows(k), heads), keys(rows(v), heads),
          queries(rows(out), heads), log_sum_exp[i], 0.0, true);
      queries(rows(dq), heads).copy_(dqi);
      const auto add_groups = [&](const at::Tensor& to, const at::Tensor& per_query_head) {
        rows(to).view({end - begin, heads.key_value, heads.dim}).copy_(per_query_head.sum(1).permute({1, 0, 2}));
      };
      add_groups(dk, dki);
      add_groups(dv, dvi);
    });
    turn(dq, heads.query, documents.positions, table, kernels::Turn::back);
    turn(dk, heads.key_value, documents.positions, table, kernels::Turn::back);
    return {dq, dk, dv};
  }
  void release() override {
    for (at::Tensor* const kept : {&q, &k, &v, &out}) kept->reset();
    log_sum_exp.clear();
  }
};

}  // namespace

void rotate(const at::Tensor& x, std::int64_t heads, const at::Tensor& positions, const RopeTable& table) {
  turn(x, heads, positions, table, kernels::Turn::forward);
}

at::Tensor rope_attention(at::Tensor q, at::Tensor k, const at::Tensor& v, Heads heads, const Documents& documents,
                          const RopeTable& table) {
  at::Tensor out;
  std::vector<at::Tensor> log_sum_exp;
  {
    at::AutoDispatchBelowADInplaceOrView below;
    rotate(q, heads.query, documents.positions, table);
    rotate(k, heads.key_value, documents.positions, table);
    out = at::empty_like(q);
    log_sum_exp.resize(documents.starts.size() - 1);
    for_documents(documents, [&](std::size_t i) {
      const auto rows = [&](const at::Tensor& all) {
        return all.slice(0, documents.starts[i], documents.starts[i + 1]);
      };
      auto [outi, lse] = at::_scaled_dot_product_flash_attention_for_cpu(queries(rows(q), heads), keys(rows(k), heads),
                                                                         keys(rows(v), heads), 0.0, true);
      queries(rows(out), heads).copy_(outi);
      log_sum_exp[i] = std::move(lse);
    });
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
