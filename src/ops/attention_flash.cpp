// SPDX-License-Identifier: Apache-2.0
#include <ATen/ops/_flash_attention_backward.h>
#include <ATen/ops/_flash_attention_forward.h>

#include <algorithm>

#include "core/error.hpp"
#include "ops/attention_forms.hpp"

// Shape letters: n rows, h heads, d head width.
namespace pst::ops {
namespace {

at::Tensor by_heads(const at::Tensor& rows, std::int64_t heads, std::int64_t dim) {
  return rows.view({rows.size(0), heads, dim});
}

std::int64_t longest(const Documents& documents) {
  std::int64_t rows = 0;
  for (std::size_t i = 1; i < documents.starts.size(); ++i)
    rows = std::max(rows, documents.starts[i] - documents.starts[i - 1]);
  return rows;
}

/// How many rows before itself a row sees: libtorch's window_size_left.
std::optional<std::int64_t> rows_before(const Heads& heads) {
  return heads.window ? std::optional(*heads.window - 1) : std::nullopt;
}

}  // namespace

bool flash_takes(const at::Tensor& q, const Heads& heads) {
  const bool half = q.scalar_type() == at::kBFloat16 || q.scalar_type() == at::kHalf;
  return q.is_cuda() && half && heads.dim % 8 == 0 && heads.dim <= 256 && q.size(0) > 0 && heads.cap == 0 &&
         !heads.slopes.defined();
}

Attended flash_attention(const at::Tensor& q, const at::Tensor& k, const at::Tensor& v, const Heads& heads,
                         const Documents& documents) {
  PST_ASSERT(documents.borders.defined(), "a batch on a GPU has its documents' borders there");
  const std::int64_t rows = longest(documents);
  auto [out_nhd, log_sum_exp, seed, offset, unused] =
      at::_flash_attention_forward(by_heads(q, heads.query, heads.dim), by_heads(k, heads.key_value, heads.dim),
                                   by_heads(v, heads.key_value, heads.dim), documents.borders, documents.borders, rows,
                                   rows, /*dropout_p=*/0, /*is_causal=*/true, /*return_debug_mask=*/false,
                                   /*scale=*/heads.scale, rows_before(heads));
  return {out_nhd.reshape(q.sizes()), log_sum_exp, seed, offset};
}

AttentionGradients flash_attention_backward(const at::Tensor& dout, const at::Tensor& q, const at::Tensor& k,
                                            const at::Tensor& v, const Attended& kept, const Heads& heads,
                                            const Documents& documents) {
  const std::int64_t rows = longest(documents);
  auto [dq, dk, dv] = at::_flash_attention_backward(
      by_heads(dout, heads.query, heads.dim), by_heads(q, heads.query, heads.dim),
      by_heads(k, heads.key_value, heads.dim), by_heads(v, heads.key_value, heads.dim),
      by_heads(kept.out, heads.query, heads.dim), kept.log_sum_exp, documents.borders, documents.borders, rows, rows,
      /*dropout_p=*/0, /*is_causal=*/true, kept.seed, kept.offset, /*scale=*/heads.scale, rows_before(heads));
  // Rotation works on contiguous rows; where these are so already nothing is copied.
  return {dq.reshape(q.sizes()).contiguous(), dk.reshape(k.sizes()).contiguous(), dv.reshape(v.sizes()).contiguous()};
}

}  // namespace pst::ops
