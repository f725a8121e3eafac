// SPDX-License-Identifier: Apache-2.0
#pragma once
#include "ops/attention.hpp"

// The four ways in which attention is computed, without rotation and without autograd. All take q [n, query heads *
// dim], k and v [n, key/value heads * dim], rotated, and give what their own backward needs.
namespace pst::ops {

struct Attended {
  at::Tensor out;           ///< like q
  at::Tensor log_sum_exp;   ///< f32 [query heads, n]; by cuDNN [n, query heads]
  at::Tensor seed, offset;  ///< flash only, which wants them back
};
struct AttentionGradients {
  at::Tensor q, k, v;
};

/// kernels/attention: on a CPU.
Attended blocked_attention(const at::Tensor& q, const at::Tensor& k, const at::Tensor& v, const Heads& heads,
                           const Documents& documents);
AttentionGradients blocked_attention_backward(const at::Tensor& dout, const at::Tensor& q, const at::Tensor& k,
                                              const at::Tensor& v, const Attended& kept, const Heads& heads,
                                              const Documents& documents);

/// libtorch's flash attention over documents end to end: on a GPU, for what flash_takes(). Backward repeats its bits
/// where at::globalContext() asks for deterministic algorithms. @see Dao 2023, arXiv:2307.08691
bool flash_takes(const at::Tensor& q, const Heads& heads);
Attended flash_attention(const at::Tensor& q, const at::Tensor& k, const at::Tensor& v, const Heads& heads,
                         const Documents& documents);
AttentionGradients flash_attention_backward(const at::Tensor& dout, const at::Tensor& q, const at::Tensor& k,
                                            const at::Tensor& v, const Attended& kept, const Heads& heads,
                                            const Documents& documents);

/// cuDNN: on a GPU of compute capability 9, for one document of 512 rows or more in bf16, where the module and the
/// library have it. With several documents in a call its backward pass was seen not to repeat its bits. Whether it
/// takes a shape is a matter of the shape, the GPU and the library, so every start computes the same.
bool cudnn_takes(const at::Tensor& q, const Heads& heads, const Documents& documents);
Attended cudnn_attention(const at::Tensor& q, const at::Tensor& k, const at::Tensor& v, const Heads& heads);
AttentionGradients cudnn_attention_backward(const at::Tensor& dout, const at::Tensor& q, const at::Tensor& k,
                                            const at::Tensor& v, const Attended& kept, const Heads& heads);

/// Products of libtorch, a document at a time with its scores in full: on a GPU in f32, and where flash does not take
/// the shape.
Attended plain_attention(const at::Tensor& q, const at::Tensor& k, const at::Tensor& v, const Heads& heads,
                         const Documents& documents);
AttentionGradients plain_attention_backward(const at::Tensor& dout, const at::Tensor& q, const at::Tensor& k,
                                            const at::Tensor& v, const Attended& kept, const Heads& heads,
                                            const Documents& documents);

/// Attention over pages in plain operations, sequence by sequence: on a GPU.
void plain_write_pages(const at::Tensor& k, const at::Tensor& v, const Heads& heads, std::span<const PagedRows> rows,
                       const at::Tensor& keys, const at::Tensor& values);
at::Tensor plain_paged_attention(const at::Tensor& q, const at::Tensor& keys, const at::Tensor& values,
                                 const Heads& heads, std::span<const PagedRows> rows);

}  // namespace pst::ops
