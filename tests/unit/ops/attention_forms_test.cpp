// SPDX-License-Identifier: Apache-2.0
#include "ops/attention_forms.hpp"

#include <ATen/TensorOperators.h>
#include <ATen/ops/cat.h>
#include <ATen/ops/empty.h>
#include <ATen/ops/matmul.h>
#include <ATen/ops/ones.h>
#include <ATen/ops/softmax.h>

#include <cmath>
#include <limits>

#include "support/tensors.hpp"

namespace pst::ops {
namespace {

using fixture::close_to;
using fixture::random;

// The plain form is what a GPU computes in f32 with; a CPU can do it as well, and the blocked kernel says whether it is
// right.
class AttentionForms : public testing::TestWithParam<Heads> {};

TEST_P(AttentionForms, PlainIsBlockedBothWays) {
  const Heads heads = GetParam();
  Documents documents;
  documents.starts = {0, 7, 8, 8, 40};  // one of them is empty
  const at::Tensor q = random({40, 60}, 1), k = random({40, 20}, 2), v = random({40, 20}, 3),
                   dout = random({40, 60}, 4);

  const Attended blocked = blocked_attention(q, k, v, heads, documents),
                 plain = plain_attention(q, k, v, heads, documents);
  const auto expected = blocked_attention_backward(dout, q, k, v, blocked, heads, documents);
  const auto found = plain_attention_backward(dout, q, k, v, plain, heads, documents);

  EXPECT_THAT(plain.out, close_to(blocked.out, 2e-6));
  EXPECT_THAT(plain.log_sum_exp, close_to(blocked.log_sum_exp, 4e-6));
  EXPECT_THAT(found.q, close_to(expected.q, 5e-6));
  EXPECT_THAT(found.k, close_to(expected.k, 5e-6));
  EXPECT_THAT(found.v, close_to(expected.v, 5e-6));
}

INSTANTIATE_TEST_SUITE_P(Heads, AttentionForms,
                         testing::Values(Heads{.query = 6, .key_value = 2, .dim = 10},
                                         Heads{.query = 6, .key_value = 2, .dim = 10, .window = 5, .scale = 0.2},
                                         Heads{.query = 6, .key_value = 2, .dim = 10, .cap = 0.6},
                                         Heads{.query = 6, .key_value = 2, .dim = 10, .slopes = random({6}, 9)}));

/// A sink is one more key, whose value is zero and whose score is the same for every row.
TEST(Attention, ASinkTakesItsShareOfEveryRow) {
  const at::Tensor sinks = random({4}, 7) * 2;
  Heads heads{.query = 4, .key_value = 2, .dim = 6};
  Documents documents;
  documents.starts = {0, 3, 12};
  const auto leaf = [](std::int64_t width, std::uint64_t seed) {
    return random({12, width}, seed).set_requires_grad(true);
  };
  const at::Tensor q = leaf(24, 1), k = leaf(12, 2), v = leaf(12, 3), dout = random({12, 24}, 4);
  const at::Tensor q2 = leaf(24, 1), k2 = leaf(12, 2), v2 = leaf(12, 3);

  heads.sinks = sinks;
  const at::Tensor out = attention(q, k, v, heads, documents, std::nullopt);
  out.backward(dout);

  std::vector<at::Tensor> pieces;
  for (std::size_t i = 0; i + 1 < documents.starts.size(); ++i) {
    const std::int64_t begin = documents.starts[i], rows = documents.starts[i + 1] - begin;
    const auto part = [&](const at::Tensor& x, std::int64_t of) {
      return x.narrow(0, begin, rows).view({rows, of, 6}).repeat_interleave(4 / of, 1).transpose(0, 1);
    };
    const at::Tensor future = at::ones({rows, rows}, at::kBool).triu(1);
    const at::Tensor scores = (at::matmul(part(q2, 4), part(k2, 2).transpose(1, 2)) / std::sqrt(6.0))
                                  .masked_fill(future, -std::numeric_limits<double>::infinity());
    const at::Tensor all = at::cat({scores, sinks.view({4, 1, 1}).expand({4, rows, 1})}, -1);
    const at::Tensor weights = at::softmax(all, -1).narrow(-1, 0, rows);
    pieces.push_back(at::matmul(weights, part(v2, 2)).transpose(0, 1).reshape({rows, 24}));
  }
  const at::Tensor expected = at::cat(pieces);
  expected.backward(dout);
  EXPECT_THAT(out.detach(), close_to(expected.detach(), 2e-6));
  EXPECT_THAT(q.grad(), close_to(q2.grad(), 5e-6));
  EXPECT_THAT(k.grad(), close_to(k2.grad(), 5e-6));
  EXPECT_THAT(v.grad(), close_to(v2.grad(), 5e-6));
}

TEST(FormsForGpus, FlashIsForGpusOnly) {
  EXPECT_FALSE(flash_takes(at::empty({4, 64}, at::kBFloat16), {.query = 1, .key_value = 1, .dim = 64}));
}

TEST(FormsForGpus, CudnnIsForGpusOnly) {
  Documents documents;
  documents.starts = {0, 512};
  EXPECT_FALSE(cudnn_takes(at::empty({512, 64}, at::kBFloat16), {.query = 1, .key_value = 1, .dim = 64}, documents));
}

}  // namespace
}  // namespace pst::ops
