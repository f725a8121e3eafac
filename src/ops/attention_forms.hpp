// SPDX-License-Identifier: Apache-2.0
#pragma once
#include "ops/attention.hpp"

// The three ways in which attention is computed, without rotation and without autograd. All take q [n, query heads *
// dim], k and v [n, key/value heads * dim], rotated, and give what their own backward needs.
namespace pst::ops {

struct Attended {
  at::Tensor out;           ///< like q
  at::Tensor log_sum_exp;   ///< f32 [query heads, n]
  at::Tensor seed, offset;  ///< flash only, which wants them back
};
struct AttentionGradients {
  at::Tensor q, k, v;
};

/// kernels/attention: on a CPU.
Attended blocked_attention(const at::Tensor& q, const at::Tensor& k, const at::Tensor& v, Heads heads,
                           const Documents& documents);
AttentionGradients blocked_attention_backward(const at::Tensor& dout, const at::Tensor& q, const at::Tensor& k,
                                              const at::Tensor& v, const Attended& kept, Heads heads,
                                              const Documents& documents);

/// libtorch's flash attention over documents end to end: on a GPU, for what flash_takes(). Backward repeats its bits
/// where at::globalContext() asks for deterministic algorithms. @see Dao 2023, arXiv:2307.08691
bool flash_takes(const at::Tensor& q, Heads heads);
Attended flash_attention(const at::Tensor& q, const at::Tensor& k, const at::Tensor& v, Heads heads,
                         const Documents& documents);
AttentionGradients flash_attention_backward(const at::Tensor& dout, const at::Tensor& q, const at::Tensor& k,
                                            const at::Tensor& v, const Attended& kept, Heads heads,
                                            const Documents& documents);

/// Products of libtorch, a document at a time with its scores in full: on a GPU in f32, and where flash does not take
/// the shape.
Attended plain_attention(const at::Tensor& q, const at::Tensor& k, const at::Tensor& v, Heads heads,
                         const Documents& documents);
AttentionGradients plain_attention_backward(const at::Tensor& dout, const at::Tensor& q, const at::Tensor& k,
                                            const at::Tensor& v, const Attended& kept, Heads heads,
                                            const Documents& documents);

}  // namespace pst::ops
