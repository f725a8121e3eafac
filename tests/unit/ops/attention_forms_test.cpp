// SPDX-License-Identifier: Apache-2.0
#include "ops/attention_forms.hpp"

#include <ATen/ops/empty.h>

#include "support/tensors.hpp"

namespace pst::ops {
namespace {

using fixture::close_to;
using fixture::random;

// The plain form is what a GPU computes in f32 with; a CPU can do it as well, and the blocked kernel says whether it is
// right.
TEST(AttentionForms, PlainIsBlockedBothWays) {
  const Heads heads{.query = 6, .key_value = 2, .dim = 10};
  Documents documents;
  documents.starts = {0, 7, 8, 8, 40};  // one of them is empty
  const at::Tensor q = random({40, 60}, 1), k = random({40, 20}, 2), v = random({40, 20}, 3),
                   dout = random({40, 60}, 4);

  const Attended blocked = blocked_attention(q, k, v, heads, documents),
                 plain = plain_attention(q, k, v, heads, documents);
  const auto expected = blocked_attention_backward(dout, q, k, v, blocked, heads, documents);
  const auto found = plain_attention_backward(dout, q, k, v, plain, heads, documents);

  EXPECT_THAT(plain.out, close_to(blocked.out, 2e-6));
  EXPECT_THAT(plain.log_sum_exp, close_to(blocked.log_sum_exp, 2e-6));
  EXPECT_THAT(found.q, close_to(expected.q, 5e-6));
  EXPECT_THAT(found.k, close_to(expected.k, 5e-6));
  EXPECT_THAT(found.v, close_to(expected.v, 5e-6));
}

TEST(AttentionForms, FlashIsForGpusOnly) {
  EXPECT_FALSE(flash_takes(at::empty({4, 64}, at::kBFloat16), {.query = 1, .key_value = 1, .dim = 64}));
}

TEST(AttentionForms, CudnnIsForGpusOnly) {
  Documents documents;
  documents.starts = {0, 512};
  EXPECT_FALSE(cudnn_takes(at::empty({512, 64}, at::kBFloat16), {.query = 1, .key_value = 1, .dim = 64}, documents));
}

}  // namespace
}  // namespace pst::ops
