// SPDX-License-Identifier: Apache-2.0
// A whole llama over shares: hidden states and adapter gradients have the bits of the replicated model.
#include "comm/local_communicator.hpp"
#include "families/read_model.hpp"
#include "model/decoder.hpp"
#include "parallel/sharded_storage.hpp"
#include "support/adapter_pass.hpp"
#include "support/temporary_directory.hpp"

namespace pst::parallel {
namespace {

TEST(ShardedTraining, SameBitsAsReplicated) {
  const fixture::TemporaryDirectory dir;
  fixture::write_tiny_model(dir.path(), fixture::awkward_model(3));
  const auto config = families::read_model(dir.path());
  const auto store = weights::TensorStore::open(dir.path());
  const auto whole = model::load(config, store, at::kFloat, 64);
  const fixture::AdapterPass expected = fixture::adapter_pass(*whole);

  for (const int ranks : {2, 3, 4})
    for (const auto recompute : {nn::Recompute::nothing, nn::Recompute::layers}) {
      SCOPED_TRACE(ranks);
      comm::run_ranks(ranks, [&](comm::Communicator& group) {
        const auto model = model::load(
            config, store, at::kFloat, nn::dense_format(Dtype::f32),
            [&](const nn::FrozenLayout& layout) { return sharded_storage(layout, group); }, 64);
        const fixture::AdapterPass outcome = fixture::adapter_pass(*model, at::kFloat, recompute);
        EXPECT_THAT(outcome.hidden, fixture::bitwise_equal(expected.hidden));
        EXPECT_THAT(outcome.gradient, fixture::bitwise_equal(expected.gradient));
      });
    }
}

}  // namespace
}  // namespace pst::parallel
