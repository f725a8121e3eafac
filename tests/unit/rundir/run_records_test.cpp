// SPDX-License-Identifier: Apache-2.0
#include <gmock/gmock.h>

#include <cmath>

#include "core/error.hpp"
#include "core/file.hpp"
#include "rundir/attempt.hpp"
#include "support/run_fixture.hpp"
#include "support/temporary_directory.hpp"

namespace pst::rundir {
namespace {

using testing::HasSubstr;

std::string complaint(const std::function<void()>& body) {
  try {
    body();
  } catch (const Error& error) {
    EXPECT_EQ(error.fault(), Fault::data);
    return error.what();
  }
  return "nothing was thrown";
}

TEST(Records, RunRecordReadsBack) {
  const fixture::TemporaryDirectory dir;
  const RunDir run = RunDir::create(dir.path(), "lora");
  run.write_record({.id = "00ff",
                    .name = "lora",
                    .version = "0.1.0",
                    .created = "now",
                    .recipe_file = "a b.yaml",
                    .recipe_digest = "r",
                    .model_digest = "m",
                    .data_digest = "d",
                    .model_path = "/m",
                    .store = "/s"});

  const RunRecord back = run.read_record();

  EXPECT_EQ(back.id, "00ff");
  EXPECT_EQ(back.recipe_file, "a b.yaml");
  EXPECT_EQ(back.model_path, "/m");
  EXPECT_EQ(back.store, "/s");
}

TEST(Records, CompletedReadsBackWithAndWithoutValidation) {
  const fixture::TemporaryDirectory dir;
  const RunDir run = RunDir::create(dir.path(), "lora");
  Completed completed = fixture::finish(run);

  EXPECT_EQ(run.read_completed()->validation_loss_after, 0.5);
  EXPECT_FALSE(run.read_completed()->adapter_step);
  EXPECT_EQ(run.read_completed()->ended_early, "");
  completed.validation_loss_before = completed.validation_loss_after = std::nullopt;
  completed.train_loss = std::nan("");
  completed.adapter_step = 40;
  completed.ended_early = "3 evaluations";
  run.write_completed(completed);
  const auto back = run.read_completed();

  EXPECT_FALSE(back->validation_loss_before);
  EXPECT_TRUE(std::isnan(back->train_loss));
  EXPECT_EQ(back->adapter_step, 40);
  EXPECT_EQ(back->ended_early, "3 evaluations");
  EXPECT_EQ(back->tokens, 4096);
}

TEST(Records, NothingIsCompletedWithoutTheFile) {
  const fixture::TemporaryDirectory dir;
  EXPECT_FALSE(RunDir::create(dir.path(), "lora").read_completed());
}

TEST(Records, CompletedNeedsItsAdapter) {
  const fixture::TemporaryDirectory dir;
  const RunDir run = RunDir::create(dir.path(), "lora");
  fixture::finish(run);

  write_durably(run.adapter() / "adapter_model.safetensors", "other");
  EXPECT_THAT(complaint([&] { run.read_completed(); }), HasSubstr("its digest differs"));
  fs::remove_all(run.adapter());
  EXPECT_THAT(complaint([&] { run.read_completed(); }), HasSubstr("adapter_model.safetensors does not exist"));
}

TEST(Records, DamagedFilesNameFileAndKey) {
  const fixture::TemporaryDirectory dir;
  const RunDir run = RunDir::create(dir.path(), "lora");
  const auto with = [&](const char* text) {
    write_durably(run.root() / "completed.json", text);
    return complaint([&] { run.read_completed(); });
  };

  EXPECT_THAT(with(""), HasSubstr("completed.json:1:1: not valid JSON"));
  EXPECT_THAT(with("{\"format\": 1, \"steps\""), HasSubstr("completed.json:1:22: not valid JSON"));
  EXPECT_THAT(with("[1]"), HasSubstr("does not hold a JSON object"));
  EXPECT_THAT(with("{}"), HasSubstr("completed.json: 'format' is missing"));
  EXPECT_THAT(with("{\"format\": 99}"), HasSubstr("has format 99"));
  EXPECT_THAT(with("{\"format\": 1, \"steps\": \"many\"}"),
              HasSubstr("completed.json:1: 'steps' is \"many\"; it must be a whole number"));
}

TEST(Records, AttemptReadsBack) {
  const fixture::TemporaryDirectory dir;
  const RunDir run = RunDir::create(dir.path(), "lora");
  const int number = run.begin_attempt();
  write_attempt(run, {.number = number,
                      .launcher = "srun",
                      .job_id = "12",
                      .hosts = "n[1-2]",
                      .ranks = 2,
                      .started = "now",
                      .supervisor = {.host = "n1", .boot_id = "b", .pid = 7, .start_ticks = 99}});

  const AttemptRecord back = read_attempt(run, number);

  EXPECT_EQ(back.job_id, "12");
  EXPECT_EQ(back.supervisor.start_ticks, 99);
  EXPECT_THROW(read_attempt(run, 5), Error);
}

}  // namespace
}  // namespace pst::rundir
