// SPDX-License-Identifier: Apache-2.0
#include <ATen/ops/empty.h>
#include <ATen/ops/empty_like.h>

#include "kernels/attention/attention.hpp"
#include "ops/attention_forms.hpp"
#include "ops/torch_exec.hpp"

namespace pst::ops {
namespace {

kernels::AttentionShape shape_of(const Documents& documents, const Heads& heads) {
  std::span<const float> slopes;
  if (heads.slopes.defined()) slopes = view_of(heads.slopes).as<float>();
  return {heads.query, heads.key_value, heads.dim, documents.starts, heads.window.value_or(0), heads.scale.value_or(0),
          heads.cap,   slopes};
}

}  // namespace

Attended blocked_attention(const at::Tensor& q, const at::Tensor& k, const at::Tensor& v, const Heads& heads,
                           const Documents& documents) {
  Attended result{at::empty_like(q), at::empty({heads.query, q.size(0)}, q.options().dtype(at::kFloat)), {}, {}};
  kernels::attention(exec_of(q), view_of(q), view_of(k), view_of(v), shape_of(documents, heads), view_of(result.out),
                     view_of(result.log_sum_exp));
  return result;
}

AttentionGradients blocked_attention_backward(const at::Tensor& dout, const at::Tensor& q, const at::Tensor& k,
                                              const at::Tensor& v, const Attended& kept, const Heads& heads,
                                              const Documents& documents) {
  AttentionGradients gradients{at::empty_like(q), at::empty_like(k), at::empty_like(v)};
  kernels::attention_backward(exec_of(q), view_of(dout), view_of(q), view_of(k), view_of(v), view_of(kept.out),
                              view_of(kept.log_sum_exp), shape_of(documents, heads), view_of(gradients.q),
                              view_of(gradients.k), view_of(gradients.v));
  return gradients;
}

}  // namespace pst::ops
