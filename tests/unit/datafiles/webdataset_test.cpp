// SPDX-License-Identifier: Apache-2.0
#include <gmock/gmock.h>

#include "datafiles/record_container.hpp"
#include "read_rows.hpp"
#include "tar_archive.hpp"

namespace pst::datafiles {
namespace {

using fixture::tar_archive;
using fixture::tar_member;
using ::testing::ElementsAre;
using ::testing::HasSubstr;

TEST(WebDataset, MembersOfOneNameAreASample) {
  fixture::Files files;
  const std::string archive = tar_archive({{"d/001.txt", "hi"},
                                           {"d/001.cls", "3\n"},
                                           {"d/001.Meta.JSON", "{\"a\": [1]}"},
                                           {"d/002.txt", ""},
                                           {"README", "not of a sample"},
                                           {"d/002.jpg", "\xff\xd8"}});
  EXPECT_THAT(files.read("a.tar", archive),
              ElementsAre(R"(1: {"__key__":"d/001","txt":"hi","cls":3,"meta.json":{"a":[1]}})",
                          R"(2: {"__key__":"d/002","txt":"","jpg":null})"));
  EXPECT_EQ(files.read("b.tar.gz", compressions()[0]->pack(archive)), files.read("a.tar", archive));
  EXPECT_EQ(files.read("c.bin", archive), files.read("a.tar", archive)) << "known by its content";
}

TEST(WebDataset, LongNamesAndWhatIsNoFile) {
  fixture::Files files;
  const std::string folder(150, 'd');
  const std::string gnu =
      tar_member("././@LongLink", folder + "/1.txt" + std::string(1, '\0'), 'L') + tar_member("cut.txt", "a");
  const std::string line = " path=" + folder + "/2.txt\n";
  const std::string pax = tar_member("x", cat(line.size() + 3, line), 'x') + tar_member("cut.txt", "b");
  EXPECT_THAT(files.read("a.tar", gnu + tar_member("folder", "", '5') + pax),
              ElementsAre(cat(R"(1: {"__key__":")", folder, R"(/1","txt":"a"})"),
                          cat(R"(2: {"__key__":")", folder, R"(/2","txt":"b"})")));
}

TEST(WebDataset, WhatIsWrongHasItsSample) {
  fixture::Files files;
  EXPECT_THAT(
      files.read(
          "a.tar",
          tar_archive(
              {{"1.json", "{"}, {"1.txt", "\xff"}, {"2.cls", "x"}, {"3.txt", "a"}, {"3.txt", "b"}, {"4.txt", "c"}})),
      ElementsAre("1! sample \"1\", member \"json\": it is no JSON",
                  "2! sample \"2\", member \"cls\": it is no integer",
                  "3! sample \"3\", member \"txt\": the sample has it twice", R"(4: {"__key__":"4","txt":"c"})"));
  const std::string whole = tar_archive({{"1.txt", "a"}, {"2.txt", std::string(600, 'b')}});
  EXPECT_THAT(files.read("a.tar", whole.substr(0, 1024 + 512 + 300)),
              ElementsAre("1! the archive ends within a member: it is torn"));
  std::string damaged = whole;
  damaged[1024 + 3] = 'X';
  EXPECT_THAT(files.read("a.tar", damaged), ElementsAre("1! the header of a member is damaged: its checksum is wrong"));
}

/// A record is in memory: an archive that is packed small may hold one of any size.
TEST(WebDataset, ASampleHasItsLimits) {
  fixture::Files files;
  std::string members;
  for (int i = 0; i < 300; ++i) members += tar_member(cat("1.", i), "");
  const std::string large(33u << 20, 'a');
  const std::string archive =
      members + tar_member("2.txt", large) + tar_member("2.text", large) + tar_member("3.txt", "c");
  EXPECT_THAT(files.read("a.tar.gz", compressions()[0]->pack(archive)),
              ElementsAre(HasSubstr("1! sample \"1\" has more than 256 members"),
                          HasSubstr("2! sample \"2\" has more than 256 members, or more than 64 MiB in them"),
                          R"(3: {"__key__":"3","txt":"c"})"));
}

}  // namespace
}  // namespace pst::datafiles
