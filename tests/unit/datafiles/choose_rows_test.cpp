// SPDX-License-Identifier: Apache-2.0
#include "datafiles/choose_rows.hpp"

#include <gmock/gmock.h>

#include <map>
#include <set>

#include "read_rows.hpp"
#include "support/errors.hpp"

namespace pst::datafiles {
namespace {

using pst::fixture::error_of;
using ::testing::HasSubstr;

class ChooseRows : public ::testing::Test {
 protected:
  ChooseRows() {
    std::string lines;
    for (int i = 0; i < 2000; ++i) lines += line(i);
    write_durably(folder_ / "a.jsonl", lines);
  }
  static std::string line(int i) { return cat("{\"i\": ", i, ", \"by\": {\"user\": \"u", i / 10, "\"}}\n"); }
  std::string path(const std::string& name) const { return (folder_ / name).string(); }
  RowSource source() const { return RowSource({path("a.jsonl")}, "", "", {}, {}, {}); }
  std::vector<int> numbers(const std::string& name) const {
    std::vector<int> all;
    const DataFile file = DataFile::open(path(name));
    const auto rows = file.rows();
    while (const auto row = rows->next()) all.push_back(row->values["i"].get<int>());
    return all;
  }
  std::size_t left() const {
    return static_cast<std::size_t>(std::distance(fs::directory_iterator(folder_.path()), fs::directory_iterator()));
  }
  pst::fixture::TemporaryDirectory folder_;
};

TEST_F(ChooseRows, ASampleIsInOrderAndTheSameForASeed) {
  RowSource rows = source();
  sample_rows(rows, Bad::refuse, {path("s1.jsonl")}, 100, 1);
  sample_rows(rows, Bad::refuse, {path("s2.jsonl")}, 100, 1);
  sample_rows(rows, Bad::refuse, {path("s3.jsonl")}, 100, 2);
  const auto first = numbers("s1.jsonl");
  EXPECT_EQ(first.size(), 100u);
  EXPECT_TRUE(std::is_sorted(first.begin(), first.end()));
  EXPECT_EQ(first, numbers("s2.jsonl"));
  EXPECT_NE(first, numbers("s3.jsonl"));
  double mean = 0;
  for (const int i : first) mean += i / 100.0;
  EXPECT_NEAR(mean, 1000, 250) << "four standard deviations";
  EXPECT_EQ(sample_rows(rows, Bad::refuse, {path("all.jsonl")}, 5000, 1).records, 2000);
}

TEST_F(ChooseRows, AShuffleHasEveryRecordOnceAndKeepsItsBytes) {
  RowSource rows = source();
  shuffle_rows(rows, Bad::refuse, {path("s1.jsonl")}, 1);
  shuffle_rows(rows, Bad::refuse, {path("s2.csv.gz")}, 1);
  const auto order = numbers("s1.jsonl");
  const std::set<int> distinct(order.begin(), order.end());
  EXPECT_EQ(distinct.size(), 2000u);
  EXPECT_FALSE(std::is_sorted(order.begin(), order.end()));
  EXPECT_EQ(read_file(folder_ / "s1.jsonl").substr(0, 9 + std::to_string(order[0]).size()),
            line(order[0]).substr(0, 9 + std::to_string(order[0]).size()));
  const auto table = fixture::rows_of(DataFile::open(path("s2.csv.gz")));
  ASSERT_EQ(table.size(), 2000u);
  EXPECT_THAT(table[0], HasSubstr(cat("{\"i\":\"", order[0], "\"")));
  EXPECT_EQ(left(), 3u) << "nothing else is left behind";
}

TEST_F(ChooseRows, ASplitByGroupKeepsGroupsTogether) {
  RowSource rows = source();
  const auto parts = parse_parts("train=0.8,dev=0.1,test=0.1");
  const auto written = split_rows(rows, Bad::refuse, {path("{}.jsonl")}, parts, "by.user", 3);
  std::map<int, std::set<std::string>> places;
  std::size_t count = 0;
  for (const auto& part : parts)
    for (const int i : numbers(part.name + ".jsonl")) {
      places[i / 10].insert(part.name);
      ++count;
    }
  EXPECT_EQ(count, 2000u);
  for (const auto& [group, in] : places) EXPECT_EQ(in.size(), 1u) << group;
  EXPECT_NEAR(static_cast<double>(written[0].records), 1600, 230) << "four standard deviations of 200 groups";
  split_rows(rows, Bad::refuse, {path("by-row-{}.jsonl")}, parts, "", 3);
  EXPECT_NEAR(static_cast<double>(numbers("by-row-train.jsonl").size()), 1600, 72);
  EXPECT_THAT(error_of(Fault::data, [&] { split_rows(rows, Bad::refuse, {path("{}.jsonl")}, parts, "by.team", 3); }),
              HasSubstr("the record has no \"by.team\""));
  EXPECT_THAT(error_of(Fault::usage, [&] { split_rows(rows, Bad::refuse, {path("x.jsonl")}, parts, "", 3); }),
              HasSubstr("no {}"));
}

TEST(Parts, AreNamesWithShares) {
  EXPECT_EQ(parse_parts("a=0.25,b=0.75").size(), 2u);
  for (const char* const wrong : {"a=0.5", "a=0.5,a=0.5", "a", "a=x,b=1", "a=0,b=1", "../a=0.5,b=0.5", "a=0.5,b=0.6"})
    EXPECT_FALSE(error_of(Fault::usage, [&] { parse_parts(wrong); }).empty()) << wrong;
}

}  // namespace
}  // namespace pst::datafiles
