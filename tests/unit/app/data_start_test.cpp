// SPDX-License-Identifier: Apache-2.0
// Starts that are found in the training's data: once, the same on any number of ranks, and kept with the run.
#include "app/data_start.hpp"

#include <gmock/gmock.h>

#include <map>
#include <span>

#include "app/loaded_model.hpp"
#include "app/pipeline.hpp"
#include "checkpoint/store.hpp"
#include "comm/local_communicator.hpp"
#include "core/strings.hpp"
#include "methods/data_starts.hpp"
#include "methods/lora.hpp"
#include "methods/peft_config.hpp"
#include "support/environment.hpp"
#include "support/errors.hpp"
#include "support/tensors.hpp"
#include "unit/app/tiny_run.hpp"
#include "weights/safetensors.hpp"
#include "weights/tensor_writer.hpp"

namespace pst::app {
namespace {

namespace fs = std::filesystem;

constexpr const char* kTraining =
    "train: {max_steps: 4, global_batch_size: 4, micro_batch_size: 1, threads: 1, precision: fp32}\n"
    "evaluate: {every_steps: 4}\n";

class DataStart : public testing::TestWithParam<const char*> {
 protected:
  static std::string recipe(const std::string& more = {}) {
    const std::string init = GetParam();
    const std::string keys = init == "eva"     ? "eva_config: {tau: 0.9, use_label_mask: false}"
                             : init == "corda" ? "corda_config: {samples: 6}"
                                               : "lora_ga_config: {batches: 3}";
    return cat(kTraining, "adapter: {r: 2, init_lora_weights: ", init, ", ", keys, "}\n", more);
  }
  static void train_on(int ranks, const fixture::TinyRun& run, int attempt = 1) {
    comm::run_ranks(ranks, [&](comm::Communicator& world) {
      VitalSigns signs(run.folder(), attempt);
      train(run.folder(), attempt, fixture::on_one_node(world), signs);
    });
  }
  static std::string digest_of(const fixture::TinyRun& run) {
    return run.dir().read_completed().value().adapter_digest;
  }
  static std::string digest_on(int ranks, const std::string& more = {}) {
    const fixture::TinyRun run(recipe(more));
    train_on(ranks, run);
    return digest_of(run);
  }
  fixture::Variable gpus_{"SLURM_STEP_GPUS", {}};
};

TEST_P(DataStart, SameBitsHoweverTheWorkIsShared) {
  const std::string alone = digest_on(1);

  EXPECT_EQ(digest_on(2), alone);
  EXPECT_EQ(digest_on(4, "parallel: {strategy: shard, optimizer: shard}\n"), alone);
}

TEST_P(DataStart, IsFoundOnceAndReadByLaterAttempts) {
  const std::string uncut = digest_on(1);
  const fixture::TinyRun run(recipe("checkpoint: {every_steps: 2, keep: 10}\n"));
  train_on(1, run);
  ASSERT_EQ(run.events("start-found"), 1u);
  fs::remove(run.folder() / "completed.json");
  fs::remove_all(run.dir().checkpoints() / checkpoint::folder_name(4));

  train_on(2, run, run.dir().begin_attempt());

  EXPECT_EQ(run.last_event("restored")["step"], 2);
  EXPECT_EQ(run.events("start-found"), 1u) << "the start was looked for again";
  EXPECT_EQ(digest_of(run), uncut);
}

TEST_P(DataStart, EndedInTheMiddleItBeginsAnewWithTheSameBits) {
  const std::string uncut = digest_on(1);
  const fixture::TinyRun run(recipe());
  comm::run_ranks(1, [&](comm::Communicator& world) {
    const app::Ranks ranks = fixture::on_one_node(world);
    const app::Run read = read_run(run.folder(), 1, world);
    int passes = 0;
    fixture::error_of(Fault::stopped, [&] {
      LoadedModel(read, open_hardware(read, ranks), ranks, [&] {
        if (++passes == 2) throw Error(Fault::stopped, "the job ends here");
      });
    });
  });
  ASSERT_FALSE(fs::exists(run.folder() / "start.safetensors"));

  train_on(1, run);

  EXPECT_EQ(digest_of(run), uncut);
}

TEST_P(DataStart, ACheckpointFromElsewhereBringsItsStart) {
  const fixture::TinyRun run(recipe("checkpoint: {every_steps: 2, keep: 10}\n"));
  train_on(1, run);
  const std::string uncut = digest_of(run);
  const fs::path elsewhere = run.folder().parent_path() / checkpoint::folder_name(2);
  fs::copy(run.dir().checkpoints() / checkpoint::folder_name(2), elsewhere, fs::copy_options::recursive);
  for (const char* const gone : {"completed.json", "adapter", "checkpoints", "start.safetensors"})
    fs::remove_all(run.folder() / gone);
  fs::create_directory(run.dir().checkpoints());
  run.write_recipe(recipe(cat("checkpoint: {resume: ", elsewhere.string(), "}\n")));

  train_on(2, run, run.dir().begin_attempt());

  EXPECT_EQ(run.events("start-found"), 1u) << "the start was looked for again";
  EXPECT_EQ(digest_of(run), uncut);
}

TEST_P(DataStart, AStartThatHasNoRowsIsRefused) {
  const fixture::TinyRun run(recipe());
  train_on(1, run);
  const fs::path file = run.folder() / "start.safetensors";
  const float value = 0;
  std::map<std::string, std::string> metadata;
  std::vector<weights::NewTensor> scalars;
  {
    const auto store = weights::TensorStore::open(file);
    metadata = store.metadata();
    for (const auto& tensor : store.tensors())
      scalars.push_back({tensor.name, "F32", {}, std::as_bytes(std::span(&value, 1))});
  }
  weights::save_tensors(file, scalars, metadata);
  for (const char* const gone : {"completed.json", "checkpoints"}) fs::remove_all(run.folder() / gone);
  fs::create_directory(run.dir().checkpoints());

  EXPECT_THAT(fixture::error_of(Fault::data, [&] { train_on(1, run, run.dir().begin_attempt()); }),
              testing::HasSubstr("has no rows, and so no rank"));
}

TEST_P(DataStart, WhatIsWrittenIsAPlainLora) {
  const fixture::TinyRun run(recipe());
  train_on(1, run);

  const methods::Adapter written = methods::read_peft_config(run.dir().adapter());
  const auto& keys = written.as<methods::Lora>();
  EXPECT_FALSE(methods::reads_data(written));
  if (std::string(GetParam()) == "eva") {
    EXPECT_FALSE(keys.rank_pattern.empty()) << "no rank was shared out";
    EXPECT_FALSE(keys.alpha_pattern.empty());
    EXPECT_EQ(keys.r, 2);
  } else {
    EXPECT_EQ(keys.r, 4) << "the part of the base is in it";
  }
}

INSTANTIATE_TEST_SUITE_P(Starts, DataStart, testing::Values("eva", "corda", "lora_ga"),
                         [](const auto& of) { return std::string(of.param); });

}  // namespace
}  // namespace pst::app
