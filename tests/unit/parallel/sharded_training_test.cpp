// A whole llama over shares: hidden states and adapter gradients have the bits of the replicated model.
#include <ATen/ops/zeros.h>

#include "comm/local_communicator.hpp"
#include "model/llama.hpp"
#include "nn/parameter.hpp"
#include "parallel/sharded_storage.hpp"
#include "peft/lora_adapter.hpp"
#include "support/temporary_directory.hpp"
#include "support/tensors.hpp"
#include "support/tiny_model.hpp"

namespace pst::parallel {
namespace {

struct Outcome {
  at::Tensor hidden, gradient;
};

Outcome pass(nn::CausalLm& model, const nn::Batch& batch, nn::Recompute recompute) {
  recipe::Adapter options;
  options.r = 4;
  peft::LoraAdapter adapter(model, options, at::kFloat);
  adapter.initialise(7);
  adapter.parameters().flat().add_(0.01);  // so that B is not zero and A gets gradients
  Outcome outcome;
  outcome.gradient = adapter.parameters().new_gradient();
  adapter.parameters().accumulate_into(outcome.gradient);
  const nn::Pass training{.training = true, .random = Rng(1)};
  const at::Tensor hidden = model.forward(batch, training, recompute);
  hidden.backward(fixture::random({hidden.size(0), hidden.size(1)}, 3));
  outcome.hidden = hidden.detach();
  return outcome;
}

TEST(ShardedTraining, SameBitsAsReplicated) {
  const fixture::TemporaryDirectory dir;
  const fixture::TinyModel shape{.hidden = 36,
                                 .layers = 3,
                                 .heads = 6,
                                 .kv_heads = 2,
                                 .intermediate = 50,
                                 .head_dim = 10,
                                 .attention_bias = true,
                                 .mlp_bias = true,
                                 .tied = false};
  fixture::write_tiny_model(dir.path(), shape);
  const auto config = weights::read_model_config(dir.path());
  const auto store = weights::TensorStore::open(dir.path());
  const fixture::Tokens tokens({7, 19, 1, 30}, 260, 1);
  const nn::Batch batch = nn::make_batch(tokens.spans(), 320);
  const auto whole = model::load_llama(config, store, at::kFloat, 64);
  const Outcome expected = pass(*whole, batch, nn::Recompute::nothing);

  for (const int ranks : {2, 3, 4})
    for (const auto recompute : {nn::Recompute::nothing, nn::Recompute::layers}) {
      SCOPED_TRACE(ranks);
      comm::run_ranks(ranks, [&](comm::Communicator& group) {
        const auto model = model::load_llama(
            config, store, at::kFloat, nn::dense_format(Dtype::f32),
            [&](const nn::FrozenLayout& layout) { return sharded_storage(layout, group); }, 64);
        const Outcome outcome = pass(*model, batch, recompute);
        EXPECT_THAT(outcome.hidden, fixture::bitwise_equal(expected.hidden));
        EXPECT_THAT(outcome.gradient, fixture::bitwise_equal(expected.gradient));
      });
    }
}

}  // namespace
}  // namespace pst::parallel
