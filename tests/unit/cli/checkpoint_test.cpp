// SPDX-License-Identifier: Apache-2.0
#include <gmock/gmock.h>

#include <cstring>
#include <fstream>

#include "cli/program.hpp"
#include "core/file.hpp"
#include "rundir/run_dir.hpp"
#include "unit/checkpoint/a_run.hpp"
#include "weights/safetensors.hpp"

namespace pst::cli {
namespace {

using testing::AllOf;
using testing::HasSubstr;

struct Outcome {
  int status;
  std::string out, err;
};

class Checkpoints : public testing::Test {
 protected:
  void SetUp() override {
    run_.write_record({.id = "1234", .name = "demo"});
    save({10, 20, 30}, "{\"peft_type\": \"LORA\"}");
  }
  void save(const std::vector<int>& steps, const std::string& adapter_config) {
    checkpoint::Writer::Options options;
    options.keep.newest = 9;
    fixture::Ranks ranks(folder_, 2, state_, options);
    for (const int step : steps) {
      checkpoint::Manifest manifest;
      manifest.adapter_config = adapter_config;
      manifest.validation_loss = step == 10 ? 1.25 : 2.5;
      ASSERT_EQ(ranks.save(step, manifest).phase, checkpoint::Writer::Phase::committed);
    }
  }
  void damage(int step) const {
    std::ofstream(folder_ / checkpoint::folder_name(step) / "rank-1.h5", std::ios::in | std::ios::out).seekp(900)
        << "damage";
  }
  Outcome command(std::vector<std::string> words) const {
    words.insert(words.begin(), {"peft-studio", "checkpoint"});
    words.push_back("--output-dir");
    words.push_back(dir_.path().string());
    std::vector<char*> argv;
    for (auto& word : words) argv.push_back(word.data());
    testing::internal::CaptureStdout();
    testing::internal::CaptureStderr();
    const int status = run_program(static_cast<int>(argv.size()), argv.data());
    return {status, testing::internal::GetCapturedStdout(), testing::internal::GetCapturedStderr()};
  }

  fixture::TemporaryDirectory dir_;
  rundir::RunDir run_ = rundir::RunDir::create(dir_.path(), "demo");
  fixture::fs::path folder_ = run_.root() / "checkpoints";
  fixture::RunState state_ = fixture::small_state();
};

TEST_F(Checkpoints, ListSaysWhatThereIs) {
  const auto listed = command({"list", "demo"});

  EXPECT_EQ(listed.status, 0) << listed.err;
  EXPECT_THAT(listed.out, AllOf(HasSubstr("STEP"), HasSubstr("1.2500"), HasSubstr("30  ")));
  EXPECT_THAT(command({"list", "demo", "--json"}).out, HasSubstr("\"step\": 20"));
}

TEST_F(Checkpoints, VerifyNamesTheDamagedFileAndExits65) {
  EXPECT_EQ(command({"verify", "demo"}).status, 0);

  damage(20);
  const auto all = command({"verify", "demo"});

  EXPECT_EQ(all.status, 65);
  EXPECT_THAT(all.out, AllOf(HasSubstr("step-00000010: good"), HasSubstr("step-00000020: DAMAGED"),
                             HasSubstr("rank-1.h5 is damaged")));
  EXPECT_THAT(all.err, HasSubstr("1 of 3 checkpoints"));
  EXPECT_EQ(command({"verify", "demo", "10"}).status, 0);
  EXPECT_EQ(command({"verify", "demo", "20"}).status, 65);
  EXPECT_THAT(command({"verify", "demo", "40"}).err, HasSubstr("there are 10, 20, 30"));
}

TEST_F(Checkpoints, PruneKeepsTheBestAndLeavesDamageAlone) {
  damage(20);

  const auto pruned = command({"prune", "demo", "--keep", "1"});

  EXPECT_EQ(pruned.status, 0) << pruned.err;
  EXPECT_THAT(pruned.out, AllOf(HasSubstr("kept    step-00000010"), HasSubstr("left    step-00000020"),
                                HasSubstr("kept    step-00000030")));
}

TEST_F(Checkpoints, ExportWritesWhatPeftReads) {
  damage(30);
  const auto target = (dir_ / "exported").string();

  const auto exported = command({"export", "demo", target});

  EXPECT_EQ(exported.status, 0) << exported.err;
  EXPECT_THAT(exported.err, HasSubstr("passed over step-00000030"));
  EXPECT_THAT(exported.out, HasSubstr("adapter of step 20"));
  EXPECT_EQ(read_file(target + "/adapter_config.json"), "{\"peft_type\": \"LORA\"}");
  const auto store = weights::TensorStore::open(target + "/adapter_model.safetensors");
  ASSERT_EQ(store.tensors().size(), 1u);  // no optimizer state
  const auto& tensor = store.get("base_model.model.a");
  EXPECT_EQ(std::memcmp(tensor.bytes.data(), state_.values[0].data(), tensor.bytes.size()), 0);
  EXPECT_EQ(command({"export", "demo", target}).status, 64);  // never over an adapter that is there
  EXPECT_EQ(command({"export", "demo", target + "2", "--step", "30"}).status, 65);
}

TEST_F(Checkpoints, ExportLeavesProjectionsToTheirKey) {
  save({40}, R"({"peft_type": "VERA", "projection_prng_key": 3, "save_projection": true})");
  const auto target = (dir_ / "exported").string();

  EXPECT_EQ(command({"export", "demo", target}).status, 0);

  EXPECT_THAT(read_file(target + "/adapter_config.json"),
              AllOf(HasSubstr("\"save_projection\": false"), HasSubstr("\"projection_prng_key\": 3")));
}

TEST_F(Checkpoints, ExportRefusesWhatANetworkMakes) {
  state_.specs.front().name = "adapter/prompt_encoder.embedding.weight";
  save({40}, R"({"peft_type": "P_TUNING"})");
  const auto target = (dir_ / "exported").string();

  const auto refused = command({"export", "demo", target});

  EXPECT_EQ(refused.status, 65);
  EXPECT_THAT(refused.err, HasSubstr("is made by a network"));
  EXPECT_FALSE(fixture::fs::exists(target));
}

}  // namespace
}  // namespace pst::cli
