// SPDX-License-Identifier: Apache-2.0
// The whole of `peft-studio-worker train`, with ranks that are threads.
#include "app/pipeline.hpp"

#include <gmock/gmock.h>

#include "app/this_machine.hpp"
#include "checkpoint/export_adapter.hpp"
#include "checkpoint/store.hpp"
#include "comm/local_communicator.hpp"
#include "core/digest.hpp"
#include "rundir/run_state.hpp"
#include "support/environment.hpp"
#include "support/errors.hpp"
#include "telemetry/line_tail.hpp"
#include "unit/app/tiny_run.hpp"

namespace pst::app {
namespace {

namespace fs = std::filesystem;
using testing::ElementsAre;

constexpr const char* kRecipe =
    "train: {max_steps: 6, global_batch_size: 4, micro_batch_size: 1, threads: 1, precision: fp32}\n"
    "adapter: {r: 4, dropout: 0.1}\n"
    "evaluate: {every_steps: 3}\n";

class Pipeline : public testing::Test {
 protected:
  static void train_on(int ranks, const fixture::TinyRun& run, int attempt = 1) {
    comm::run_ranks(ranks, [&](comm::Communicator& world) {
      VitalSigns signs(run.folder(), attempt);
      train(run.folder(), attempt, fixture::on_one_node(world), signs);
    });
  }
  /// The digest of the adapter that a run of this recipe ends with.
  static std::string digest_of(int ranks, const std::string& more = {}) {
    const fixture::TinyRun run(kRecipe + more);
    train_on(ranks, run);
    return run.dir().read_completed().value().adapter_digest;
  }
  fixture::Variable gpus_{"SLURM_STEP_GPUS", {}};
};

TEST_F(Pipeline, FromARunDirectoryToAnAdapter) {
  const fixture::TinyRun run(kRecipe);

  train_on(2, run);

  const auto completed = run.dir().read_completed();
  ASSERT_TRUE(completed);
  EXPECT_EQ(completed->steps, 6);
  EXPECT_EQ(completed->ranks, 2);
  EXPECT_GT(completed->train_loss, 0);
  EXPECT_NE(completed->validation_loss_after.value(), completed->validation_loss_before.value());
  EXPECT_TRUE(fs::exists(run.dir().adapter() / "adapter_config.json"));
  EXPECT_FALSE(checkpoint::list_folders(run.dir().checkpoints()).empty());
  std::vector<std::string> kinds;
  for (const auto& line : telemetry::read_lines(run.dir().node_log(1, host_name())))
    kinds.push_back(line.value("kind", "?"));
  EXPECT_THAT(kinds, ElementsAre(testing::_, "work", "eval", "step", "step", "step", "eval", "step", "step", "step",
                                 "eval", "end"));
}

TEST_F(Pipeline, SameBitsHoweverTheWorkIsShared) {
  const std::string alone = digest_of(1);

  EXPECT_EQ(digest_of(2), alone);
  EXPECT_EQ(digest_of(4), alone);
  EXPECT_EQ(digest_of(2, "parallel: {strategy: shard, optimizer: shard}\n"), alone);
}

// The second attempt finds the first one's checkpoint of step 3 alone, as after a crash.
TEST_F(Pipeline, ALaterAttemptGoesOnWhereTheFirstLeftOff) {
  const std::string uncut = digest_of(1);
  const fixture::TinyRun run(kRecipe + std::string("checkpoint: {every_steps: 3, keep: 10}\n"));
  train_on(2, run);
  fs::remove(run.folder() / "completed.json");
  fs::remove_all(run.dir().adapter());
  fs::remove_all(run.dir().checkpoints() / checkpoint::folder_name(6));

  train_on(1, run, run.dir().begin_attempt());

  EXPECT_EQ(run.last_event("restored")["step"], 3);
  EXPECT_EQ(run.dir().read_completed().value().adapter_digest, uncut);
  EXPECT_EQ(run.dir().read_completed().value().attempt, 2);
}

// The rate lets the loss rise. The result is the checkpoint of the best step, which stays though nothing else asks for
// it.
TEST_F(Pipeline, ARunThatStopsEarlySucceedsWithItsBestValues) {
  const fixture::TinyRun run(
      "train: {max_steps: 40, global_batch_size: 4, micro_batch_size: 1, threads: 1, precision: fp32,\n"
      "        early_stopping: {patience: 2}}\n"
      "optimizer: {lr: 1}\n"
      "evaluate: {every_steps: 1}\n"
      "guard: {spike: warn}\n"
      "checkpoint: {keep: 1, keep_best: false}\n");

  train_on(2, run);

  const auto completed = run.dir().read_completed().value();
  ASSERT_TRUE(completed.adapter_step);
  EXPECT_EQ(completed.steps, *completed.adapter_step + 2);
  EXPECT_LT(completed.steps, 40);
  const auto event = run.last_event("stopped-early");
  EXPECT_EQ(event["step"], completed.steps);
  EXPECT_EQ(event["best_step"], *completed.adapter_step);
  EXPECT_EQ(event["reason"], completed.ended_early);
  EXPECT_EQ(completed.validation_loss_after, event["validation_loss"].get<double>());
  const auto state = rundir::read_state(run.dir());
  EXPECT_EQ(state.state, rundir::State::completed);
  EXPECT_EQ(state.reason, "stopped early: " + completed.ended_early);

  const auto best = run.dir().checkpoints() / checkpoint::folder_name(*completed.adapter_step);
  const fixture::TemporaryDirectory dir;
  checkpoint::export_adapter(checkpoint::open_valid(best), dir / "adapter");
  EXPECT_EQ(digest_of_file(dir / "adapter" / "adapter_model.safetensors"), completed.adapter_digest);
}

TEST_F(Pipeline, TheAveragesAreWhatIsWritten) {
  const std::string start =
      "train:\n  {max_steps: 4, global_batch_size: 4, micro_batch_size: 1, threads: 1, precision: fp32";
  const auto run_of = [&](const std::string& more) {
    return fixture::TinyRun(start + more + "}\ncheckpoint: {every_steps: 4}\n");
  };
  const auto averaged = run_of(", ema: {decay: 0.7}"), plain = run_of("");
  train_on(2, averaged);
  train_on(1, plain);
  EXPECT_NE(averaged.dir().read_completed()->adapter_digest, plain.dir().read_completed()->adapter_digest);

  const fixture::TemporaryDirectory dir;
  checkpoint::export_adapter(checkpoint::open_valid(averaged.dir().checkpoints() / checkpoint::folder_name(4)),
                             dir / "adapter");
  EXPECT_EQ(digest_of_file(dir / "adapter" / "adapter_model.safetensors"),
            averaged.dir().read_completed()->adapter_digest);
}

TEST_F(Pipeline, WithoutSuccessThereIsNoProof) {
  const fixture::TinyRun run(kRecipe);
  fs::resize_file(run.model() / "model.safetensors", 1000);

  fixture::error_of(Fault::data, [&] { train_on(2, run); });

  EXPECT_FALSE(fs::exists(run.folder() / "completed.json"));
}

}  // namespace
}  // namespace pst::app
