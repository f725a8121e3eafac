// SPDX-License-Identifier: Apache-2.0
#include <ATen/ops/empty.h>
#include <ATen/ops/empty_like.h>

#include <optional>

#include "core/strings.hpp"
#include "kernels/cuda/table.hpp"
#include "ops/attention_forms.hpp"
#include "ops/torch_exec.hpp"

namespace pst::ops {
namespace {

struct Needs {
  std::int64_t forward_bytes = 0, backward_bytes = 0;
};

cuda::OneDocument shape_of(const at::Tensor& q, const Heads& heads) {
  return {q.size(0), heads.query, heads.key_value, heads.dim};
}

void require(const Exec& on, int error) {
  if (error == 0) return;
  throw Error(Fault::unfit, cat("attention by cuDNN failed on GPU ", on.device.index, ": ", on.cuda->error_text(error)),
              "`nvidia-smi` and the kernel's log (Xid) tell whether the GPU is at fault");
}

/// What cuDNN works in for q's shape, on the GPU that is then the thread's current one; nothing where it does not take
/// it.
std::optional<Needs> needs_of(const Exec& on, const at::Tensor& q, const Heads& heads) {
  if (on.cuda->document_attention_needs == nullptr) return {};
  Needs needs;
  int error = on.cuda->select(on.device.index);
  if (error == 0)
    error = on.cuda->document_attention_needs(shape_of(q, heads), &needs.forward_bytes, &needs.backward_bytes);
  if (error == cuda::kNotHere) return {};
  require(on, error);
  return needs;
}

at::Tensor workspace(const at::Tensor& beside, std::int64_t bytes) {
  return at::empty({bytes}, beside.options().dtype(at::kByte));
}

}  // namespace

bool cudnn_takes(const at::Tensor& q, const Heads& heads, const Documents& documents) {
  return q.is_cuda() && q.scalar_type() == at::kBFloat16 && documents.starts.size() == 2 && heads.is_plain() &&
         (!heads.window || *heads.window >= q.size(0)) && needs_of(exec_of(q), q, heads).has_value();
}

Attended cudnn_attention(const at::Tensor& q, const at::Tensor& k, const at::Tensor& v, const Heads& heads) {
  const Exec on = exec_of(q);
  const std::int64_t bytes = needs_of(on, q, heads).value().forward_bytes;
  Attended result{at::empty_like(q), at::empty({q.size(0), heads.query}, q.options().dtype(at::kFloat)), {}, {}};
  require(on,
          on.cuda->document_attention(on.stream, shape_of(q, heads), view_of(q), view_of(k), view_of(v),
                                      view_of(result.out), view_of(result.log_sum_exp), view_of(workspace(q, bytes))));
  return result;
}

AttentionGradients cudnn_attention_backward(const at::Tensor& dout, const at::Tensor& q, const at::Tensor& k,
                                            const at::Tensor& v, const Attended& kept, const Heads& heads) {
  const Exec on = exec_of(q);
  const std::int64_t bytes = needs_of(on, q, heads).value().backward_bytes;
  AttentionGradients gradients{at::empty_like(q), at::empty_like(k), at::empty_like(v)};
  require(on, on.cuda->document_attention_backward(on.stream, shape_of(q, heads), view_of(dout), view_of(q), view_of(k),
                                                   view_of(v), view_of(kept.out), view_of(kept.log_sum_exp),
                                                   view_of(gradients.q), view_of(gradients.k), view_of(gradients.v),
                                                   view_of(workspace(q, bytes))));
  return gradients;
}

}  // namespace pst::ops
