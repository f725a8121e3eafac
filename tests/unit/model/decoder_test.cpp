// SPDX-License-Identifier: Apache-2.0
#include "model/decoder.hpp"

#include "families/read_model.hpp"
#include "support/temporary_directory.hpp"
#include "support/tensors.hpp"
#include "support/tiny_model.hpp"

// What must hold by itself; agreement with transformers is tested from recorded values (parity_test.cpp).
namespace pst::model {
namespace {

std::unique_ptr<nn::CausalLm> load(const fixture::TinyModel& what, at::ScalarType dtype = at::kFloat) {
  const fixture::TemporaryDirectory dir;
  fixture::write_tiny_model(dir.path(), what);
  return model::load(families::read_model(dir.path()), weights::TensorStore::open(dir.path()), dtype, 64);
}

const fixture::TinyModel kAwkward{.hidden = 36,
                                  .layers = 3,
                                  .heads = 6,
                                  .kv_heads = 2,
                                  .intermediate = 50,
                                  .head_dim = 10,
                                  .attention_bias = true,
                                  .mlp_bias = true,
                                  .tied = false,
                                  .llama3_rope = true};

TEST(Decoder, APackedRowEqualsItsDocumentsAlone) {
  const auto model = load(kAwkward);
  const fixture::Tokens tokens({7, 19, 1, 30}, 260, 1);

  const at::Tensor together = model->forward(nn::make_batch(tokens.spans(), 320), {}, nn::Recompute::nothing);

  std::int64_t begin = 0;
  for (const auto& span : tokens.spans()) {
    const at::Tensor alone = model->forward(nn::make_batch({span}, 320), {}, nn::Recompute::nothing);
    const auto rows = static_cast<std::int64_t>(span.ids.size());
    EXPECT_THAT(together.slice(0, begin, begin + rows), fixture::close_to(alone, 1e-5));
    begin += rows;
  }
}

TEST(Decoder, ContinuingTokenByTokenEqualsTheWhole) {
  const auto model = load(kAwkward);
  const fixture::Tokens tokens({12}, 260, 1);
  const nn::Batch batch = nn::make_batch(tokens.spans(), 320);
  const at::Tensor whole = model->forward(batch, {}, nn::Recompute::nothing);

  nn::KvPages pages(model->key_values(), 1, model->rows_like());
  nn::Sequence sequence;
  const auto next = [&](std::int64_t begin, std::int64_t end) {
    return model->continue_sequences(batch.ids.slice(0, begin, end),
                                     std::vector<nn::Continued>{{&sequence, end - begin}}, pages);
  };
  at::Tensor last = next(0, 8);
  EXPECT_THAT(last, fixture::close_to(whole.slice(0, 0, 8), 1e-5));
  for (std::int64_t i = 8; i < 12; ++i) {
    last = next(i, i + 1);
    EXPECT_THAT(last, fixture::close_to(whole.slice(0, i, i + 1), 1e-5)) << i;
  }
}

TEST(Decoder, Bf16StaysNearF32) {
  const fixture::Tokens tokens({20, 11}, 260, 1);
  const nn::Batch batch = nn::make_batch(tokens.spans(), 320);
  const at::Tensor wide = load(kAwkward)->forward(batch, {}, nn::Recompute::nothing);
  const at::Tensor narrow = load(kAwkward, at::kBFloat16)->forward(batch, {}, nn::Recompute::nothing);
  EXPECT_THAT(narrow.to(at::kFloat), fixture::close_to(wide, 0.1));  // outputs of a norm: values up to 3, eight bits
}

TEST(Decoder, SlotsCarryHuggingFaceNames) {
  const auto model = load(kAwkward);
  const auto slots = model->linears();
  ASSERT_EQ(slots.size(), 3u * 7u + 1u);
  EXPECT_EQ(slots[8].name, "model.layers.1.self_attn.k_proj");
  EXPECT_EQ((*slots[8].linear)->out_features(), 20);
  EXPECT_TRUE(slots.back().is_output_head);
}

TEST(Decoder, RefusesDocumentsBeyondItsPositions) {
  const fixture::TemporaryDirectory dir;
  fixture::write_tiny_model(dir.path());
  EXPECT_THROW(model::load(families::read_model(dir.path()), weights::TensorStore::open(dir.path()), at::kFloat, 1000),
               Error);
}

TEST(Batch, RefusesAnIdOutsideTheVocabulary) {
  const fixture::Tokens tokens({5}, 260, 1);
  EXPECT_THROW(nn::make_batch(tokens.spans(), 100), Error);
}

}  // namespace
}  // namespace pst::model
