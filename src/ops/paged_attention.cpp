// SPDX-License-Identifier: Apache-2.0
#include <ATen/TensorOperators.h>
#include <ATen/ops/arange.h>
#include <ATen/ops/cat.h>
#include <ATen/ops/empty_like.h>
#include <ATen/ops/index_select.h>
#include <ATen/ops/matmul.h>
#include <ATen/ops/ones.h>
#include <ATen/ops/softmax.h>
#include <ATen/ops/tensor.h>

#include <limits>

#include "core/trace.hpp"
#include "ops/attention_forms.hpp"
#include "ops/torch_exec.hpp"

// On a CPU kernels/paged_attention. On a GPU plain operations, sequence by sequence, over pages that are gathered.
// Shape letters: k key/value heads, g query heads of one key/value head, t rows of one sequence, d head width, p pages.
namespace pst::ops {
namespace {

constexpr std::int64_t kTokens = kernels::kPageTokens;

kernels::PagedShape shape_of(const Heads& heads) {
  const auto floats = [](const at::Tensor& of_heads) {
    return of_heads.defined() && of_heads.is_cpu()
               ? std::span<const float>(of_heads.const_data_ptr<float>(), static_cast<std::size_t>(of_heads.numel()))
               : std::span<const float>();
  };
  return {.query_heads = heads.query,
          .key_value_heads = heads.key_value,
          .dim = heads.dim,
          .window = heads.window.value_or(0),
          .scale = heads.factor(),
          .cap = heads.cap,
          .slopes = floats(heads.slopes),
          .sinks = floats(heads.sinks)};
}

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

/// The last rows of a sequence against all of it. @param k, v  [all rows, key_value heads * dim]
at::Tensor plain_rows(const at::Tensor& q, const at::Tensor& k, const at::Tensor& v, const Heads& heads) {
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

at::Tensor page_ids(const PagedRows& of, std::int64_t rows, at::Device device) {
  const std::int64_t pages = (rows + kTokens - 1) / kTokens;
  const at::Tensor ids = at::empty({pages}, at::kLong);
  for (std::int64_t i = 0; i < pages; ++i)
    ids.mutable_data_ptr<std::int64_t>()[i] = of.pages[static_cast<std::size_t>(i)];
  return ids.to(device);
}

/// The first rows of a sequence, as they were written: [rows, k * d] each.
struct Gathered {
  at::Tensor k, v;
};
Gathered gathered(const at::Tensor& keys, const at::Tensor& values, const Heads& heads, const PagedRows& of) {
  const std::int64_t rows = of.position + of.count;
  const at::Tensor ids = page_ids(of, rows, keys.device());
  const at::Tensor k_pkdt = at::index_select(keys, 0, ids).view({-1, heads.key_value, heads.dim, kTokens});
  const at::Tensor v_pktd = at::index_select(values, 0, ids).view({-1, heads.key_value, kTokens, heads.dim});
  const auto by_rows = [&](const at::Tensor& x_ptkd) {
    return x_ptkd.reshape({-1, heads.key_value * heads.dim}).narrow(0, 0, rows);
  };
  return {by_rows(k_pkdt.permute({0, 3, 1, 2})), by_rows(v_pktd.permute({0, 2, 1, 3}))};
}

}  // namespace

void plain_write_pages(const at::Tensor& k, const at::Tensor& v, const Heads& heads, std::span<const PagedRows> rows,
                       const at::Tensor& keys, const at::Tensor& values) {
  const at::Tensor keys_pkdt = keys.view({-1, heads.key_value, heads.dim, kTokens});
  const at::Tensor values_pktd = values.view({-1, heads.key_value, kTokens, heads.dim});
  for (const PagedRows& of : rows)
    for (std::int64_t begin = 0; begin < of.count;) {  // what falls into one page
      const std::int64_t at = of.position + begin, slot = at % kTokens,
                         count = std::min(of.count - begin, kTokens - slot);
      const std::int64_t page = of.pages[static_cast<std::size_t>(at / kTokens)];
      const auto part = [&](const at::Tensor& x) {
        return x.narrow(0, of.first + begin, count).view({count, heads.key_value, heads.dim});
      };
      keys_pkdt.select(0, page).narrow(2, slot, count).copy_(part(k).permute({1, 2, 0}));
      values_pktd.select(0, page).narrow(1, slot, count).copy_(part(v).permute({1, 0, 2}));
      begin += count;
    }
}

at::Tensor plain_paged_attention(const at::Tensor& q, const at::Tensor& keys, const at::Tensor& values,
                                 const Heads& heads, std::span<const PagedRows> rows) {
  std::vector<at::Tensor> parts;
  for (const PagedRows& of : rows) {
    const Gathered all = gathered(keys, values, heads, of);
    parts.push_back(plain_rows(q.narrow(0, of.first, of.count), all.k, all.v, heads));
  }
  return at::cat(parts);
}

void write_pages(const at::Tensor& k, const at::Tensor& v, const Heads& heads, std::span<const PagedRows> rows,
                 const at::Tensor& keys, const at::Tensor& values) {
  const at::Tensor k_all = k.contiguous(), v_all = v.contiguous();
  if (!k.is_cpu()) return plain_write_pages(k_all, v_all, heads, rows, keys, values);
  kernels::write_pages(exec_of(k), view_of(k_all), view_of(v_all), shape_of(heads), rows, view_of(keys),
                       view_of(values));
}

at::Tensor paged_attention(const at::Tensor& q, const at::Tensor& keys, const at::Tensor& values, const Heads& heads,
                           std::span<const PagedRows> rows) {
  const trace::Scope span(trace::Kind::attention, "paged_attention");
  const at::Tensor in = q.contiguous();
  if (!q.is_cpu()) return plain_paged_attention(in, keys, values, heads, rows);
  const at::Tensor out = at::empty_like(in);
  kernels::paged_attention(exec_of(q), view_of(in), view_of(keys), view_of(values), shape_of(heads), rows,
                           view_of(out));
  return out;
}

}  // namespace pst::ops
