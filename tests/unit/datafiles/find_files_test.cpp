// SPDX-License-Identifier: Apache-2.0
#include "datafiles/find_files.hpp"

#include <gmock/gmock.h>

#include "core/file.hpp"
#include "core/strings.hpp"
#include "datafiles/split_name.hpp"
#include "support/errors.hpp"
#include "support/temporary_directory.hpp"

namespace pst::datafiles {
namespace {

using pst::fixture::error_of;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;

class Layout : public ::testing::Test {
 protected:
  void have(const std::vector<std::string>& names, const std::string& content = "x") {
    for (const auto& name : names) {
      fs::create_directories((folder_ / name).parent_path());
      write_durably(folder_ / name, content);
    }
  }
  std::vector<std::string> without_folder(std::vector<std::string> names) const {
    for (auto& name : names) name = fs::path(name).lexically_relative(folder_.path()).string();
    return names;
  }
  std::vector<std::string> found(const std::string& path, const std::string& split = "",
                                 const std::string& usual = "train", const std::string& subset = "") const {
    return without_folder(find_files({(folder_ / path).string(), split, usual, subset}).files);
  }
  std::string wrong(const std::string& path, const std::string& split = "", const std::string& subset = "") const {
    return error_of(Fault::data, [&] { find_files({(folder_ / path).string(), split, "train", subset}); });
  }
  pst::fixture::TemporaryDirectory folder_;
};

TEST_F(Layout, Patterns) {
  have({"a1.jsonl", "a2.jsonl", "b1.jsonl", ".a3.jsonl", "in/a4.jsonl", "in/deep/a5.jsonl", "in/a6.csv"});

  EXPECT_THAT(found("a*.jsonl"), ElementsAre("a1.jsonl", "a2.jsonl"));
  EXPECT_THAT(found("[ab]1.jsonl"), ElementsAre("a1.jsonl", "b1.jsonl"));
  EXPECT_THAT(found("**/a?.jsonl"), ElementsAre("a1.jsonl", "a2.jsonl", "in/a4.jsonl", "in/deep/a5.jsonl"));
  EXPECT_THAT(found("i*/*/*.jsonl"), ElementsAre("in/deep/a5.jsonl"));
  EXPECT_THAT(wrong("c*.jsonl"), HasSubstr("names no file"));
  have({"odd[1].jsonl"});
  EXPECT_THAT(found("odd[1].jsonl"), ElementsAre("odd[1].jsonl")) << "a name that is there is meant";
}

TEST_F(Layout, AFolderIsReadByTheNamesOfItsFiles) {
  have({"data/train-00000-of-00002.jsonl", "data/train-00001-of-00002.jsonl.gz", "data/test.jsonl", "README.md",
        "LICENSE"});

  EXPECT_THAT(found("."), ElementsAre("data/train-00000-of-00002.jsonl", "data/train-00001-of-00002.jsonl.gz"));
  EXPECT_THAT(found(".", "test"), ElementsAre("data/test.jsonl"));
  EXPECT_THAT(wrong(".", "dev"), HasSubstr("has no split \"dev\"; by their names its files are: test, train"));
  EXPECT_THAT(error_of(Fault::data,
                       [&] {
                         find_files({folder_.path().string(), "", "validation", ""});
                       }),
              HasSubstr("has no split \"validation\""));
}

TEST_F(Layout, AFolderWithoutSplitsIsOne) {
  have({"b.jsonl", "a.jsonl", "notes.pdf"});

  EXPECT_THAT(found("."), ElementsAre("a.jsonl", "b.jsonl"));
  EXPECT_EQ(find_files({folder_.path().string(), "", "train", ""}).told, "2 files of the folder");
  EXPECT_THAT(wrong(".", "test"), HasSubstr("has no split \"test\""));
  have({"a.csv"});
  EXPECT_THAT(wrong("."), HasSubstr("files of several forms (1 .csv, 2 .jsonl), which may be the same data twice"));
  have({"empty/x.pdf"});
  EXPECT_THAT(wrong("empty"), HasSubstr("is a folder without data files"));
}

TEST_F(Layout, ACardNamesSubsetsAndSplits) {
  have({"README.md"},
       "---\nlicense: mit\nconfigs:\n- config_name: main\n  default: true\n  data_files:\n  - split: train\n    path: "
       "data/tr-*\n"
       "  - split: test\n    path: [data/te.csv, more/*.csv]\n- config_name: small\n  data_dir: little\n  data_files: "
       "s.jsonl\n---\n"
       "# A dataset\n");
  have({"data/tr-1.csv", "data/tr-2.csv", "data/te.csv", "more/x.csv", "little/s.jsonl"});

  EXPECT_THAT(found("."), ElementsAre("data/tr-1.csv", "data/tr-2.csv"));
  EXPECT_THAT(found(".", "test"), ElementsAre("data/te.csv", "more/x.csv"));
  EXPECT_THAT(found(".", "", "train", "small"), ElementsAre("little/s.jsonl"));
  EXPECT_THAT(wrong(".", "", "large"), HasSubstr("has no subset \"large\"; it has main, small"));
  EXPECT_THAT(wrong(".", "validation"), HasSubstr("its README.md names: train, test"));
  fs::remove(folder_ / "data/te.csv");
  EXPECT_THAT(wrong(".", "test"), HasSubstr("lacks \"data/te.csv\", which its README.md names"));
}

TEST_F(Layout, ACardThatLeavesItsFolderIsRefused) {
  for (const char* const path : {"../x.csv", "/etc/passwd", "https://example.com/x.csv"}) {
    have({"README.md"}, cat("---\nconfigs:\n- config_name: a\n  data_files: ", path, "\n---\n"));
    EXPECT_THAT(wrong("."), HasSubstr("is outside of the folder")) << path;
  }
  have({"README.md"},
       "---\nconfigs:\n- config_name: a\n  data_files: x.csv\n- config_name: b\n  data_files: x.csv\n---\n");
  EXPECT_THAT(wrong("."), HasSubstr("has several subsets and none is its default: a, b"));
  have({"README.md", "train.csv"}, "---\nlicense: mit\n---\n");
  EXPECT_THAT(found("."), ElementsAre("train.csv")) << "a card without `configs` says nothing of files";
}

/// Through `**` a folder is come to in as many ways as there are places for it: hours for a few bytes of a card.
TEST_F(Layout, PatternsOfACardLookALimitedNumberOfTimes) {
  std::string deep = "d";
  for (int i = 0; i < 12; ++i) deep += "/d";
  have({cat(deep, "/a.jsonl"), "b.jsonl"});
  const auto card = [&](const std::string& patterns) {
    have({"README.md"}, cat("---\nconfigs:\n- config_name: a\n  data_files: [", patterns, "]\n---\n"));
  };
  const auto repeated = [](const std::string& text, int times) {
    std::string all;
    for (int i = 0; i < times; ++i) all += text;
    return all;
  };
  card(cat("\"", repeated("**/*/", 20), "a.jsonl\""));
  EXPECT_THAT(wrong("."), HasSubstr("lacks")) << "no file lies so deep";
  card(cat("\"", repeated("**/", 1000), "a.jsonl\""));
  EXPECT_THAT(found("."), ElementsAre(cat(deep, "/a.jsonl")));
  card(cat("\"", repeated("**/*/", 6), "**/a.jsonl\""));
  EXPECT_THAT(found("."), ElementsAre(cat(deep, "/a.jsonl")));
  card(cat("\"", repeated("*", 5000), "\""));
  EXPECT_THAT(wrong("."), HasSubstr("is a pattern of 5"));
  std::vector<std::string> many;
  for (int i = 0; i < 300; ++i) many.push_back(cat("many/", i, ".csv"));
  have(many);
  card(repeated("\"many/*\", ", 400));
  EXPECT_THAT(wrong("."), HasSubstr("names more than 100000 files"));
  card(repeated("\"many/0*\", ", 20'000));
  EXPECT_THAT(wrong("."), HasSubstr("looked through for patterns again and again"));
}

/// A message is for a reader: a card has room for thousands of names.
TEST_F(Layout, ManyNamesAreToldInPart) {
  std::string configs, splits;
  for (int i = 0; i < 2000; ++i) configs += cat("- {config_name: name", i, ", data_files: x.csv}\n");
  for (int i = 0; i < 2000; ++i) splits += cat("{split: name", i, ", path: x.csv}, ");
  have({"README.md"}, cat("---\nconfigs:\n", configs, "---\n"));
  EXPECT_LT(wrong(".").size(), 2000u);
  EXPECT_LT(wrong(".", "", "other").size(), 2000u);
  have({"README.md"}, cat("---\nconfigs:\n- config_name: a\n  data_files: [", splits, "]\n---\n"));
  EXPECT_LT(wrong(".", "other").size(), 2000u);
}

TEST_F(Layout, OneFileHasNoSplits) {
  have({"a.jsonl"});
  EXPECT_THAT(wrong("a.jsonl", "test"), HasSubstr("is one file, and has no splits"));
  EXPECT_THAT(wrong("a.jsonl", "", "x"), HasSubstr("is one file, and has no subsets"));
  EXPECT_THAT(found("missing.jsonl"), ElementsAre("missing.jsonl")) << "who opens it says that it is missing";
}

TEST(SplitName, AWordThatStandsAlone) {
  EXPECT_EQ(split_of("data/train-00000-of-00005.parquet"), "train");
  EXPECT_EQ(split_of("x_dev.jsonl"), "validation");
  EXPECT_EQ(split_of("val/a.jsonl"), "validation");
  EXPECT_EQ(split_of("my-eval2.csv"), "test");
  EXPECT_EQ(split_of("Training.csv"), "train");
  EXPECT_EQ(split_of("trains.csv"), "");
  EXPECT_EQ(split_of("contest.csv"), "");
  EXPECT_EQ(split_of("train/test.csv"), "test");
}

}  // namespace
}  // namespace pst::datafiles
