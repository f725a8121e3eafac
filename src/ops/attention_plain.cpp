// SPDX-License-Identifier: Apache-2.0
#include <ATen/TensorOperators.h>
#include <ATen/ops/arange.h>
#include <ATen/ops/empty.h>
#include <ATen/ops/empty_like.h>
#include <ATen/ops/logsumexp.h>
#include <ATen/ops/matmul.h>
#include <ATen/ops/ones.h>
#include <ATen/ops/sub.h>

#include <limits>

#include "ops/attention_forms.hpp"

// Shape letters: k key/value heads, g query heads of one key/value head, t rows of one document, d head width.
namespace pst::ops {
namespace {

/// [t, k*g*d] -> f32 [k, g, t, d]
at::Tensor queries(const at::Tensor& rows, const Heads& heads) {
  return rows.view({rows.size(0), heads.key_value, heads.query / heads.key_value, heads.dim})
      .permute({1, 2, 0, 3})
      .to(at::kFloat);
}
/// [t, k*d] -> f32 [k, 1, t, d]
at::Tensor keys(const at::Tensor& rows, const Heads& heads) {
  return rows.view({rows.size(0), heads.key_value, 1, heads.dim}).permute({1, 2, 0, 3}).to(at::kFloat);
}
/// [k, g, t, d] -> [t, k*g*d]
at::Tensor rows_of(const at::Tensor& heads_kgtd) {
  return heads_kgtd.permute({2, 0, 1, 3})
      .reshape({heads_kgtd.size(2), heads_kgtd.size(0) * heads_kgtd.size(1) * heads_kgtd.size(3)});
}

/// Causal scores of one document, in the heads' window, f32 [k, g, t, t].
at::Tensor scores(const at::Tensor& q_kgtd, const at::Tensor& k_k1td, const Heads& heads) {
  at::Tensor s = at::matmul(q_kgtd, k_k1td.transpose(2, 3));
  s.mul_(heads.factor());
  if (heads.cap > 0) s.div_(heads.cap).tanh_().mul_(heads.cap);
  if (heads.slopes.defined())
    s.add_(heads.slopes.view({heads.key_value, -1, 1, 1}) * at::arange(s.size(3), s.options()));
  const at::Tensor future = at::ones({s.size(2), s.size(3)}, s.options().dtype(at::kBool)).triu(1);
  s.masked_fill_(future, -std::numeric_limits<double>::infinity());
  if (heads.window && *heads.window < s.size(3))
    s.masked_fill_(at::ones({s.size(2), s.size(3)}, future.options()).tril(-*heads.window),
                   -std::numeric_limits<double>::infinity());
  return s;
}

template <class Body>
void for_documents(const Documents& documents, Body&& body) {
  for (std::size_t i = 1; i < documents.starts.size(); ++i)
    if (documents.starts[i] > documents.starts[i - 1]) body(documents.starts[i - 1], documents.starts[i]);
}

}  // namespace

Attended plain_attention(const at::Tensor& q, const at::Tensor& k, const at::Tensor& v, const Heads& heads,
                         const Documents& documents) {
  Attended result{at::empty_like(q), at::empty({heads.query, q.size(0)}, q.options().dtype(at::kFloat)), {}, {}};
  for_documents(documents, [&](std::int64_t begin, std::int64_t end) {
    at::Tensor s = scores(queries(q.slice(0, begin, end), heads), keys(k.slice(0, begin, end), heads), heads);
    const at::Tensor lse_kgt = at::logsumexp(s, -1);
    const at::Tensor p = s.sub_(lse_kgt.unsqueeze(-1)).exp_();
    result.out.slice(0, begin, end).copy_(rows_of(at::matmul(p, keys(v.slice(0, begin, end), heads))));
    result.log_sum_exp.slice(1, begin, end).copy_(lse_kgt.reshape({heads.query, end - begin}));
  });
  return result;
}

AttentionGradients plain_attention_backward(const at::Tensor& dout, const at::Tensor& q, const at::Tensor& k,
                                            const at::Tensor& v, const Attended& kept, const Heads& heads,
                                            const Documents& documents) {
  AttentionGradients gradients{at::empty_like(q), at::empty_like(k), at::empty_like(v)};
  const double factor = heads.factor();
  for_documents(documents, [&](std::int64_t begin, std::int64_t end) {
    const auto part = [&](const at::Tensor& rows) { return rows.slice(0, begin, end); };
    const at::Tensor q_kgtd = queries(part(q), heads), k_k1td = keys(part(k), heads), v_k1td = keys(part(v), heads);
    const at::Tensor do_kgtd = queries(part(dout), heads), o_kgtd = queries(part(kept.out), heads);
    const at::Tensor lse =
        kept.log_sum_exp.slice(1, begin, end).reshape({heads.key_value, heads.query / heads.key_value, end - begin, 1});
    const at::Tensor s = scores(q_kgtd, k_k1td, heads), p = at::sub(s, lse).exp_();
    at::Tensor ds = at::matmul(do_kgtd, v_k1td.transpose(2, 3));
    ds.sub_(do_kgtd.mul(o_kgtd).sum(-1, /*keepdim=*/true)).mul_(p).mul_(factor);
    if (heads.cap > 0) ds.mul_(s.masked_fill(p == 0, 0).div_(heads.cap).square_().neg_().add_(1));  // of the tanh
    part(gradients.q).copy_(rows_of(at::matmul(ds, k_k1td)));
    part(gradients.k).copy_(rows_of(at::matmul(ds.transpose(2, 3), q_kgtd).sum(1, /*keepdim=*/true)));
    part(gradients.v).copy_(rows_of(at::matmul(p.transpose(2, 3), do_kgtd).sum(1, /*keepdim=*/true)));
  });
  return gradients;
}

}  // namespace pst::ops
