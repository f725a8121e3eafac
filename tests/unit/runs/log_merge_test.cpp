// SPDX-License-Identifier: Apache-2.0
#include "runs/log_merge.hpp"

#include <gmock/gmock.h>
#include <sys/stat.h>

#include <fstream>

#include "core/file.hpp"
#include "core/strings.hpp"
#include "support/run_fixture.hpp"
#include "support/temporary_directory.hpp"

namespace pst::runs {
namespace {

using testing::AllOf;
using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;
using testing::StartsWith;
using testing::UnorderedElementsAre;

class Logs : public testing::Test {
 protected:
  void append(const std::string& file, const std::string& text) const {
    const auto path = run.root() / file;
    make_directories(path.parent_path());
    std::ofstream(path, std::ios::app) << text;
  }
  static std::vector<std::string> read(LogMerge& logs, bool rest = false) {
    std::vector<std::string> all;
    logs.poll([&](const std::string& name, std::string_view line) { all.push_back(cat(name, "|", line)); }, rest);
    return all;
  }
  std::vector<std::string> read_all(const LogChoice& choice) const {
    LogMerge logs(run, choice);
    return read(logs, true);
  }

  fixture::TemporaryDirectory dir;
  rundir::RunDir run = fixture::new_run(dir.path(), "x");
};

TEST_F(Logs, ComeInOrderWithTheirNames) {
  append("slurm-12.log", "job\n");
  append("attempts/0001/rank-0000.log", "a\n");
  append("attempts/0001/rank-0010.log", "b\n");
  append("attempts/0001/rank-0002.log", "c\n");
  append("attempts/0001/srun.log", "s\n");
  append("attempts/0001/attempt.json", "{}\n");
  append("attempts/0002/rank-0000.log", "again");

  EXPECT_THAT(read_all({}),
              ElementsAre("job 12|job", "srun|s", "rank 0|a", "rank 2|c", "rank 10|b", "2: rank 0|again"));
  EXPECT_THAT(read_all({.rank = 0}), ElementsAre("rank 0|a", "2: rank 0|again"));
  EXPECT_THAT(read_all({.rank = 0, .attempt = 2}), ElementsAre("2: rank 0|again"));
  EXPECT_THAT(read_all({.attempt = 1}), ElementsAre("srun|s", "rank 0|a", "rank 2|c", "rank 10|b"));
  EXPECT_THAT(read_all({.rank = 7}), IsEmpty());
}

TEST_F(Logs, OfSeveralRanksInterleaveAsTheyGrow) {
  append("attempts/0001/rank-0000.log", "a1\na2");
  LogMerge logs(run, {});
  EXPECT_THAT(read(logs), ElementsAre("rank 0|a1")) << "half a line waits for its end";
  append("attempts/0001/rank-0001.log", "b1\n");
  append("attempts/0001/rank-0000.log", "!\n");
  EXPECT_THAT(read(logs), ElementsAre("rank 0|a2!", "rank 1|b1"));
  EXPECT_THAT(read(logs), IsEmpty());
  append("attempts/0001/rank-0001.log", "rest");
  EXPECT_THAT(read(logs), IsEmpty());
  EXPECT_THAT(read(logs, true), ElementsAre("rank 1|rest"));
}

TEST_F(Logs, TheLastLinesAreFoundFromTheEnd) {
  std::string text;
  for (int i = 0; i < 50'000; ++i) text += cat("line ", i, "\n");
  append("attempts/0001/rank-0000.log", text);
  EXPECT_THAT(read_all({.last = 2}), ElementsAre("rank 0|line 49998", "rank 0|line 49999"));
  append("attempts/0001/rank-0000.log", "torn");
  EXPECT_THAT(read_all({.last = 2}), ElementsAre("rank 0|line 49999", "rank 0|torn"));
  EXPECT_EQ(read_all({.last = 100'000}).size(), 50'001u);
}

TEST_F(Logs, AnEndlessLineComesInPieces) {
  append("attempts/0001/rank-0000.log", std::string(200'000, 'x') + "\ny\n");
  const auto all = read_all({});
  ASSERT_EQ(all.size(), 5u);
  EXPECT_EQ(all.back(), "rank 0|y");
  for (const auto& line : all) EXPECT_LE(line.size(), (64u << 10) + 10);
}

TEST_F(Logs, ANamedPipeIsNotWaitedForAndToldOfOnce) {
  append("attempts/0001/rank-0000.log", "a\n");
  ASSERT_EQ(::mkfifo((run.root() / "attempts/0001/srun.log").c_str(), 0600), 0);
  make_directories(run.root() / "attempts/0001/folder.log");

  for (const auto& choice : {LogChoice{}, LogChoice{.last = 3}}) {
    LogMerge logs(run, choice);
    EXPECT_THAT(read(logs),
                UnorderedElementsAre("rank 0|a", AllOf(StartsWith("srun|("), HasSubstr("is not a regular file")),
                                     StartsWith("folder|(")));
    EXPECT_THAT(read(logs), IsEmpty());
  }
}

}  // namespace
}  // namespace pst::runs
