// SPDX-License-Identifier: Apache-2.0
#include "rundir/run_dir.hpp"

#include <gmock/gmock.h>
#include <sys/mount.h>

#include <fstream>

#include "core/error.hpp"
#include "support/run_fixture.hpp"
#include "support/temporary_directory.hpp"

namespace pst::rundir {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;
using testing::MatchesRegex;

std::string complaint(const std::string& what, const fs::path& output_dir) {
  try {
    RunDir::find(what, output_dir);
  } catch (const Error& error) {
    EXPECT_EQ(error.fault(), Fault::usage);
    return error.what();
  }
  return "something was found";
}

fs::path make_run(const fs::path& folder) {
  make_directories(folder);
  write_durably(folder / "run.json", "{}");
  return folder;
}

TEST(RunDir, CreateMakesAFreshFolderEachTime) {
  const fixture::TemporaryDirectory dir;

  const RunDir one = RunDir::create(dir / "runs", "support-lora");
  const RunDir two = RunDir::create(dir / "runs", "support-lora");

  EXPECT_THAT(one.root().filename().string(), MatchesRegex("support-lora-[0-9a-f]{4}"));
  EXPECT_TRUE(one.root().is_absolute());
  EXPECT_NE(one.root(), two.root());
}

TEST(RunDir, CreateRefusesNamesThatAreNoFolderName) {
  const fixture::TemporaryDirectory dir;
  for (const std::string name : {"", "..", "a/b", "-x", "a\nb"}) {
    SCOPED_TRACE(name);
    EXPECT_THROW(RunDir::create(dir.path(), name), Error);
  }
  EXPECT_TRUE(fs::is_empty(dir.path()));
}

TEST(RunDir, CreateBelowAFileNamesIt) {
  const fixture::TemporaryDirectory dir;
  write_durably(dir / "runs", "a file");
  try {
    RunDir::create(dir / "runs", "x");
    FAIL() << "nothing was thrown";
  } catch (const Error& error) {
    EXPECT_EQ(error.fault(), Fault::io);
    EXPECT_THAT(error.what(), HasSubstr((dir / "runs").string()));
  }
}

TEST(RunDir, FindTakesFolderNameIdOrItsBeginning) {
  const fixture::TemporaryDirectory dir;
  const fs::path one = make_run(dir / "alpha-12ab"), two = make_run(dir / "beta-12cd"),
                 three = make_run(dir / "beta-beef");
  make_directories(dir / "beta-9999");  // no run.json: not a run

  EXPECT_EQ(RunDir::find(one.string() + "/", "elsewhere").root(), one);
  EXPECT_EQ(RunDir::find("beta-12cd", dir.path()).root(), two);
  EXPECT_EQ(RunDir::find("12ab", dir.path()).root(), one);
  EXPECT_EQ(RunDir::find("alpha", dir.path()).root(), one);
  EXPECT_EQ(RunDir::find("bee", dir / ".").root(), three) << "an id's beginning";
}

TEST(RunDir, FindNamesTheCandidatesWhenSeveralOrNoneFit) {
  const fixture::TemporaryDirectory dir;
  EXPECT_THAT(complaint("x", dir / "none"), HasSubstr("no run in"));
  make_run(dir / "alpha-12ab");
  make_run(dir / "beta-12cd");
  make_run(dir / "beta-0000");

  EXPECT_THAT(complaint("12", dir.path()), testing::AllOf(HasSubstr("alpha-12ab"), HasSubstr("beta-12cd")));
  EXPECT_THAT(complaint("beta", dir.path()), testing::AllOf(HasSubstr("beta-0000"), HasSubstr("beta-12cd")));
  EXPECT_THAT(complaint("beta-12ce", dir.path()), HasSubstr("did you mean 'beta-12cd'?"));
  EXPECT_THAT(complaint("", dir.path()), HasSubstr("the newest there"));
}

TEST(RunDir, AttemptsCountUpAndForeignNamesDoNotMatter) {
  const fixture::TemporaryDirectory dir;
  const RunDir run = RunDir::create(dir.path(), "x");

  EXPECT_EQ(run.last_attempt(), 0);
  EXPECT_EQ(run.begin_attempt(), 1);
  make_directories(run.root() / "attempts/notes");
  EXPECT_EQ(run.begin_attempt(), 2);

  EXPECT_TRUE(fs::is_directory(run.root() / "attempts/0002/nodes"));
  EXPECT_EQ(run.node_log(2, "../n1").filename(), ".._n1.jsonl");
}

TEST(RunDir, ATornEventCostsOnlyItself) {
  const fixture::TemporaryDirectory dir;
  const RunDir run = RunDir::create(dir.path(), "x");
  run.event("submitted", {{"job_id", "1"}});
  std::ofstream(run.events_file(), std::ios::app) << "{\"t\":\"20";

  EXPECT_EQ(run.read_events().size(), 1u);
  run.event("started");

  const auto events = run.read_events();
  ASSERT_EQ(events.size(), 2u);
  EXPECT_EQ(events[0]["job_id"], "1");
  EXPECT_EQ(events[1]["event"], "started");
}

TEST(RunDir, ListsOldestFirst) {
  const fixture::TemporaryDirectory dir;
  make_run(dir / "b-0001");
  make_run(dir / "a-0002");
  fs::last_write_time(dir / "a-0002/run.json", fs::file_time_type::clock::now() + std::chrono::seconds(5));

  std::vector<std::string> names;
  for (const auto& run : list_runs(dir.path())) names.push_back(run.root().filename().string());

  EXPECT_THAT(names, ElementsAre("b-0001", "a-0002"));
  EXPECT_TRUE(list_runs(dir / "none").empty());
}

}  // namespace
}  // namespace pst::rundir
