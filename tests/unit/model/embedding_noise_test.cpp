// SPDX-License-Identifier: Apache-2.0
#include "model/embedding_noise.hpp"

#include "families/read_model.hpp"
#include "model/decoder.hpp"
#include "support/temporary_directory.hpp"
#include "support/tensors.hpp"
#include "support/tiny_model.hpp"

namespace pst::model {
namespace {

// alpha / sqrt(tokens * width), as transformers' hook has it for a batch of that document alone.
TEST(EmbeddingNoise, IsBoundedByEachDocumentsOwnLength) {
  const at::Tensor x = fixture::random({104, 64}, 1).to(at::kBFloat16);

  const at::Tensor noise = embedding_noise(x, {0, 4, 104}, 5, Rng(3)).to(at::kFloat);

  const double wide = 5 / std::sqrt(4.0 * 64), narrow = 5 / std::sqrt(100.0 * 64);
  const double first = noise.slice(0, 0, 4).abs().max().item().toDouble(),
               second = noise.slice(0, 4, 104).abs().max().item().toDouble();
  EXPECT_LE(first, wide * (1 + 0x1p-8));  // rounded to bf16
  EXPECT_GT(first, 0.9 * wide);           // 256 draws
  EXPECT_LE(second, narrow * (1 + 0x1p-8));
  EXPECT_GT(second, 0.99 * narrow);
}

TEST(EmbeddingNoise, APassWithNoiseIsAPassOverNoisyEmbeddings) {
  const fixture::TemporaryDirectory dir;
  fixture::write_tiny_model(dir.path(), {});
  const auto spec = families::read_model(dir.path());
  const auto tensors = weights::TensorStore::open(dir.path());
  const auto model = model::load(
      spec, tensors, at::kFloat, nn::dense_format(Dtype::f32),
      [](const nn::FrozenLayout& layout) { return nn::replicated_storage(layout); }, 64, /*noise=*/5);
  const fixture::Tokens tokens({7, 12}, 260, 1);
  const nn::Batch batch = nn::make_batch(tokens.spans(), model->vocabulary());
  const nn::Pass noisy{.training = true, .random = Rng(9)}, other{.training = true, .random = Rng(8)};
  const auto hidden = [&](const nn::Pass& pass) { return model->forward(batch, pass, nn::Recompute::nothing); };
  const at::Tensor plain = hidden({}), with_noise = hidden(noisy);

  EXPECT_THAT(hidden(noisy), fixture::bitwise_equal(with_noise));
  EXPECT_GT(fixture::largest_difference(with_noise, plain), 1e-3);
  EXPECT_GT(fixture::largest_difference(with_noise, hidden(other)), 1e-3);
  EXPECT_THAT(hidden({.training = false, .random = Rng(9)}), fixture::bitwise_equal(plain));

  // The same noise, added by an embedding that has it.
  class Noisy final : public nn::Embedding {
   public:
    Noisy(std::unique_ptr<nn::Embedding> base, at::Tensor noise) : base_(std::move(base)), noise_(std::move(noise)) {}
    at::Tensor rows(const at::Tensor& ids) const override { return base_->rows(ids) + noise_; }

   private:
    std::unique_ptr<nn::Embedding> base_;
    at::Tensor noise_;
  };
  const nn::EmbeddingSlot slot = model->embedding();
  const at::Tensor noise =
      embedding_noise(at::empty({19, slot.width}, at::kFloat), {0, 7, 19}, 5, Rng(9).child("neftune"));
  *slot.embedding = std::make_unique<Noisy>(std::move(*slot.embedding), noise);
  EXPECT_THAT(hidden({}), fixture::bitwise_equal(with_noise));
}

}  // namespace
}  // namespace pst::model
