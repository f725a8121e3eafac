// SPDX-License-Identifier: Apache-2.0
#include "train/evaluate.hpp"

#include "support/tensors.hpp"
#include "train/micro_batch.hpp"
#include "unit/train/tiny_training.hpp"

namespace pst::train {
namespace {

using fixture::TinyTraining;
using fixture::TrainingOptions;

class Evaluation : public testing::Test {
 protected:
  double loss_of(comm::Communicator& group, const TrainingOptions& options, int micro_batch_size = 1) const {
    TinyTraining training(group, folder_, options);
    Settings settings = training.settings();
    settings.train.micro_batch_size = micro_batch_size;
    const EvalRecord record = evaluate(training.model(), training.goal(), at::kCPU, validation(), group, settings, 17);
    EXPECT_EQ(record.step, 17);
    EXPECT_GT(record.seconds, 0);
    return record.loss;
  }
  std::vector<double> losses(int ranks, const TrainingOptions& options, int micro_batch_size = 1) const {
    std::vector<double> of_ranks(static_cast<std::size_t>(ranks));
    comm::run_ranks(ranks, [&](comm::Communicator& group) {
      of_ranks[static_cast<std::size_t>(group.rank())] = loss_of(group, options, micro_batch_size);
    });
    return of_ranks;
  }
  data::PreparedSet validation() const { return folder_.split("validation"); }

  fixture::TrainingFolder folder_;
  std::unique_ptr<comm::Communicator> solo_ = comm::solo();
};

TEST_F(Evaluation, IsTheMeanOverLabelledTokens) {
  folder_.documents({9}, {2, 3, 30, 5});  // one label in the first, fifteen in the third
  const data::PreparedSet documents = validation();
  TinyTraining training(*solo_, folder_, {});
  double sum = 0;
  std::int64_t labelled = 0;
  for (std::uint32_t i = 0; i < documents.size(); ++i) {  // document by document
    const auto batch = micro_batch(documents, {{i}}, 0, 1, 300, at::kCPU);
    sum += training.goal().value({training.model(), {}, nn::Recompute::nothing}, *batch);
    labelled += documents.labelled_tokens(i);
  }

  for (const bool packing : {false, true})
    for (const int size : {1, 3}) {
      Settings settings = training.settings();
      settings.packing = packing;
      settings.train.micro_batch_size = size;
      const EvalRecord record = evaluate(training.model(), training.goal(), at::kCPU, documents, *solo_, settings, 0);
      EXPECT_EQ(record.labelled_tokens, labelled);
      EXPECT_NEAR(record.loss, sum / static_cast<double>(labelled), 1e-6);
    }
}

TEST_F(Evaluation, SameBitsOnAnyNumberOfRanks) {
  const double alone = loss_of(*solo_, {});

  for (const int ranks : {2, 3, 7})  // seven: some have nothing to do
    EXPECT_THAT(losses(ranks, {}), testing::Each(alone)) << ranks;
}

TEST_F(Evaluation, DropsNothingOut) { EXPECT_EQ(loss_of(*solo_, {.dropout = 0.9}), loss_of(*solo_, {.dropout = 0})); }

// Every pass gathers weights from all ranks, so those without a micro batch take part in the others'.
TEST_F(Evaluation, IdleRanksTakePartWhereWeightsAreInShares) {
  const double alone = loss_of(*solo_, {});

  for (const int ranks : {2, 3, 4, 7})
    EXPECT_THAT(losses(ranks, {.weights_in_shares = true}), testing::Each(alone)) << ranks;
}

TEST_F(Evaluation, ASingleMicroBatchForManyRanks) {
  folder_.documents({9}, {6});

  EXPECT_THAT(losses(3, {.weights_in_shares = true}, /*micro_batch_size=*/4),
              testing::Each(loss_of(*solo_, {}, /*micro_batch_size=*/4)));
}

TEST_F(Evaluation, LeavesTheAdapterWithoutGradients) {
  TinyTraining training(*solo_, folder_, {});
  const at::Tensor gradient = training.parameters().new_gradient();
  training.parameters().accumulate_into(gradient);

  evaluate(training.model(), training.goal(), at::kCPU, validation(), *solo_, training.settings(), 0);

  EXPECT_EQ(gradient.abs().max().item().toDouble(), 0);
}

}  // namespace
}  // namespace pst::train
