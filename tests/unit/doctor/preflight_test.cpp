// SPDX-License-Identifier: Apache-2.0
#include "doctor/preflight.hpp"

#include <gmock/gmock.h>
#include <unistd.h>

#include <fstream>

#include "support/errors.hpp"
#include "support/temporary_directory.hpp"

namespace pst::doctor {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;

std::vector<RankFacts> four_ranks_on_two_nodes() {
  std::vector<RankFacts> ranks;
  for (int rank = 0; rank < 4; ++rank)
    ranks.push_back({.rank = rank,
                     .ranks_here = 2,
                     .host = rank < 2 ? "n1" : "n2",
                     .version = "1.0",
                     .cpu = "a CPU",
                     .wall_s = 1e9 + 0.01 * rank,
                     .scratch_free = 1u << 30,
                     .scratch = "/tmp"});
  return ranks;
}

TEST(Preflight, AllWell) {
  const auto found = judge(four_ranks_on_two_nodes(), 4);

  EXPECT_FALSE(found.objection);
  EXPECT_THAT(found.warnings, IsEmpty());
}

TEST(Preflight, AWrongLaunchIsNobodysNode) {
  auto versions = four_ranks_on_two_nodes();
  versions[2].version = versions[3].version = "0.9";
  auto shared_gpu = four_ranks_on_two_nodes();
  for (auto& rank : shared_gpu) rank.gpus_of_step = 1;

  const std::vector<std::pair<Preflight, std::string>> cases = {
      {judge(four_ranks_on_two_nodes(), 2), "4 ranks were started, and this run was to start with 2"},
      {judge(versions, 4), "the worker on n2 is version 0.9, that on n1 1.0"},
      {judge(shared_gpu, 4), "2 ranks on n1 would share 1 GPU,"},
  };
  for (const auto& [found, text] : cases) {
    SCOPED_TRACE(text);
    ASSERT_TRUE(found.objection);
    EXPECT_EQ(found.objection->fault, Fault::usage);
    EXPECT_THAT(found.objection->text, HasSubstr(text));
    EXPECT_THAT(found.objection->hosts, IsEmpty());
  }
}

TEST(Preflight, AnUnfitNodeIsNamed) {
  const std::vector<std::pair<std::function<void(RankFacts&)>, std::string>> cases = {
      {[](RankFacts& r) { r.wall_s += 3600; }, "the clock of n2 is 1 h 00 min ahead of the others'"},
      {[](RankFacts& r) { r.wall_s -= 90; }, "behind the others'"},
      {[](RankFacts& r) { r.scratch_failure = "No space left on device"; }, "/tmp on n2: No space left on device"},
      {[](RankFacts& r) { r.scratch_free = 1000; }, "/tmp on n2: 1000 B free, 16.0 MiB needed"},
      {[](RankFacts& r) { r.run_failure = "Read-only file system"; }, "cannot be used on n2: Read-only file system"},
  };
  for (const auto& [spoil, text] : cases) {
    SCOPED_TRACE(text);
    auto ranks = four_ranks_on_two_nodes();
    spoil(ranks[2]);
    spoil(ranks[3]);
    const auto found = judge(ranks, 4);
    ASSERT_TRUE(found.objection);
    EXPECT_EQ(found.objection->fault, Fault::unfit);
    EXPECT_THAT(found.objection->text, HasSubstr(text));
    EXPECT_THAT(found.objection->hosts, ElementsAre("n2"));
  }
}

TEST(Preflight, WhereMostContradictRankZeroItsClockIsTheWrongOne) {
  auto ranks = four_ranks_on_two_nodes();
  for (auto& rank : ranks) rank.host = "n" + std::to_string(rank.rank);
  ranks[0].wall_s += 3600;

  EXPECT_THAT(judge(ranks, 4).objection->hosts, ElementsAre("n0"));
}

TEST(Preflight, OtherCpusAndLateClocksAreWorthAWord) {
  auto ranks = four_ranks_on_two_nodes();
  ranks[3].cpu = "another CPU";
  ranks[2].wall_s += 5;

  const auto found = judge(ranks, 4);

  EXPECT_FALSE(found.objection);
  EXPECT_THAT(found.warnings, ElementsAre(HasSubstr("clock of n2"), HasSubstr("bits")));
}

TEST(Preflight, FactsGoThroughAThousandBytes) {
  RankFacts facts = four_ranks_on_two_nodes()[1];
  facts.scratch = std::string(5000, '\x01') + "\"\\\xff";
  facts.gpus_of_step = 8;

  const std::string text = encode(facts);

  EXPECT_LE(text.size(), kFactsBytes);
  const RankFacts back = decode(text + std::string(kFactsBytes - text.size(), ' '));
  EXPECT_EQ(back.host, "n1");
  EXPECT_EQ(back.gpus_of_step, 8);
  EXPECT_EQ(back.wall_s, facts.wall_s);
  EXPECT_THAT(fixture::error_of(Fault::usage, [] { decode("{\"rank\": 1}"); }), HasSubstr("same version"));
}

TEST(Preflight, LooksAtItsOwnMachine) {
  const fixture::TemporaryDirectory folder;
  std::ofstream(folder.path() / "recipe.yaml") << "name: x\n";
  std::filesystem::create_directory(folder.path() / "attempts");
  const Getenv environment = [](const char* name) -> const char* {
    const std::string_view asked(name);
    return asked == "SLURM_STEP_GPUS" ? "0,1,3" : asked == "SLURMD_NODENAME" ? "node7" : nullptr;
  };

  const auto facts = look_before_start(3, 2, "v", folder.path(), environment);

  EXPECT_EQ(facts.host, "node7");
  EXPECT_EQ(facts.gpus_of_step, 3);
  EXPECT_EQ(facts.scratch, "/tmp");
  EXPECT_THAT(facts.scratch_failure, IsEmpty());
  EXPECT_THAT(facts.run_failure, IsEmpty());
  EXPECT_THAT(look_before_start(0, 1, "v", folder.path() / "none", environment).run_failure, HasSubstr("not there"));
}

TEST(Preflight, WritesThroughNobodysLink) {
  static std::string scratch;  // a Getenv captures nothing
  const fixture::TemporaryDirectory folder;
  scratch = folder.path().string();
  std::ofstream(folder.path() / "thesis") << "precious";
  for (const char* name : {".peft-studio-node7-", ".peft-studio-node7"})
    std::filesystem::create_symlink(folder.path() / "thesis", folder.path() / (name + std::to_string(::getpid())));

  const auto facts = look_before_start(0, 1, "v", folder.path(), [](const char* name) -> const char* {
    const std::string_view asked(name);
    return asked == "TMPDIR" ? scratch.c_str() : asked == "SLURMD_NODENAME" ? "node7" : nullptr;
  });

  EXPECT_THAT(facts.scratch_failure, IsEmpty());
  EXPECT_EQ(std::filesystem::file_size(folder.path() / "thesis"), 8u);
}

}  // namespace
}  // namespace pst::doctor
