// SPDX-License-Identifier: Apache-2.0
#include "ops/attention.hpp"

#include <ATen/ops/full.h>

#include "ops/attention_forms.hpp"

#include <ATen/ops/cat.h>
#include <ATen/ops/matmul.h>
#include <ATen/ops/ones.h>
#include <ATen/ops/softmax.h>
#include <ATen/ops/zeros.h>

#include <cmath>
#include <limits>

#include "support/tensors.hpp"

namespace pst::ops {
namespace {

using fixture::close_to;
using fixture::random;

const Heads kHeads{.query = 6, .key_value = 2, .dim = 8};

RopeTable table() {
  const at::Tensor angles = random({64, 4}, 9).mul(3);
  return {angles.cos().contiguous(), angles.sin().contiguous()};
}

Documents documents(const std::vector<int>& lengths) {
  std::vector<std::int32_t> positions;
  Documents out;
  for (const int length : lengths) {
    out.starts.push_back(static_cast<std::int64_t>(positions.size()));
    for (int i = 0; i < length; ++i) positions.push_back(i);
  }
  out.starts.push_back(static_cast<std::int64_t>(positions.size()));
  out.positions = at::empty({static_cast<std::int64_t>(positions.size())}, at::kInt);
  std::copy(positions.begin(), positions.end(), out.positions.mutable_data_ptr<std::int32_t>());
  return out;
}

at::Tensor plain_rope(const at::Tensor& x_thd, const RopeTable& t) {
  const std::int64_t rows = x_thd.size(0), half = x_thd.size(2) / 2;
  const at::Tensor c = t.cosines.slice(0, 0, rows).unsqueeze(1), s = t.sines.slice(0, 0, rows).unsqueeze(1);
  const at::Tensor a = x_thd.slice(2, 0, half), b = x_thd.slice(2, half);
  return at::cat({a * c - b * s, b * c + a * s}, 2);
}

/// One document with a whole score matrix per head: obviously right, quadratic.
at::Tensor plain_attention(const at::Tensor& q, const at::Tensor& k, const at::Tensor& v, const RopeTable& t) {
  const std::int64_t rows = q.size(0);
  const at::Tensor qh = plain_rope(q.view({rows, kHeads.query, kHeads.dim}), t).transpose(0, 1);
  const auto spread = [&](const at::Tensor& x) {
    return x.repeat_interleave(kHeads.query / kHeads.key_value, 1).transpose(0, 1);
  };
  const at::Tensor kh = spread(plain_rope(k.view({rows, kHeads.key_value, kHeads.dim}), t));
  const at::Tensor vh = spread(v.view({rows, kHeads.key_value, kHeads.dim}));
  const at::Tensor future = at::ones({rows, rows}, at::kBool).triu(1);
  const at::Tensor scores = (at::matmul(qh, kh.transpose(1, 2)) * (1 / std::sqrt(8.0)))
                                .masked_fill(future, -std::numeric_limits<double>::infinity());
  return at::matmul(at::softmax(scores, -1), vh).transpose(0, 1).reshape({rows, kHeads.query * kHeads.dim});
}

TEST(RopeAttention, EachDocumentMatchesThePlainFormBothWays) {
  const Documents docs = documents({5, 1, 33});
  const at::Tensor q = random({39, 48}, 1).set_requires_grad(true), k = random({39, 16}, 2).set_requires_grad(true),
                   v = random({39, 16}, 3).set_requires_grad(true);
  const auto twin = [](const at::Tensor& t) { return t.detach().clone().set_requires_grad(true); };
  const at::Tensor q2 = twin(q), k2 = twin(k), v2 = twin(v), dout = random({39, 48}, 4);

  const at::Tensor out =
      attention(q * 1, k * 1, v, kHeads, docs,
                Turning{table(), table(), docs.positions});  // * 1: handed over, as a layer's output is
  out.backward(dout);
  std::vector<at::Tensor> pieces;
  for (std::size_t i = 0; i + 1 < docs.starts.size(); ++i) {
    const auto rows = [&](const at::Tensor& t) { return t.slice(0, docs.starts[i], docs.starts[i + 1]); };
    pieces.push_back(plain_attention(rows(q2), rows(k2), rows(v2), table()));
  }
  const at::Tensor expected = at::cat(pieces);
  expected.backward(dout);

  EXPECT_THAT(out.detach(), close_to(expected.detach(), 2e-6));
  EXPECT_THAT(q.grad(), close_to(q2.grad(), 5e-6));
  EXPECT_THAT(k.grad(), close_to(k2.grad(), 5e-6));
  EXPECT_THAT(v.grad(), close_to(v2.grad(), 5e-6));
}

TEST(PagedAttention, ContinuesADocumentAsIfItHadBeenWhole) {
  const at::Tensor q = random({37, 48}, 1), k = random({37, 16}, 2), v = random({37, 16}, 3);
  const RopeTable t = table();
  const at::Tensor whole =
      attention(q.clone(), k.clone(), v, kHeads, documents({37}), Turning{t, t, documents({37}).positions});
  const at::Tensor turned_q = q.clone(), turned_k = k.clone();
  rotate(turned_q, kHeads.query, documents({37}).positions, t);
  rotate(turned_k, kHeads.key_value, documents({37}).positions, t);

  // What a CPU does, and what a GPU does: plain operations.
  for (const bool is_plain : {false, true}) {
    SCOPED_TRACE(is_plain);
    const at::Tensor keys = at::full({5, 16 * 16}, NAN), values = at::full({5, 16 * 16}, NAN);
    const std::vector<std::int32_t> pages{3, 0, 4};
    const auto next = [&](std::int64_t begin, std::int64_t end) {
      const std::vector<PagedRows> rows{{.count = end - begin, .position = begin, .pages = pages}};
      const auto part = [&](const at::Tensor& x) { return x.slice(0, begin, end).contiguous(); };
      (is_plain ? plain_write_pages : write_pages)(part(turned_k), part(v), kHeads, rows, keys, values);
      return (is_plain ? plain_paged_attention : paged_attention)(part(turned_q), keys, values, kHeads, rows);
    };
    EXPECT_THAT(next(0, 30), close_to(whole.slice(0, 0, 30), 2e-6));
    EXPECT_THAT(next(30, 37), close_to(whole.slice(0, 30), 2e-6));
  }
}

}  // namespace
}  // namespace pst::ops
