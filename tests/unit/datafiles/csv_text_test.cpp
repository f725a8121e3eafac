// SPDX-License-Identifier: Apache-2.0
#include "datafiles/csv_text.hpp"

#include <gmock/gmock.h>

#include "core/rng.hpp"
#include "read_rows.hpp"

namespace pst::datafiles {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;

class Csv : public ::testing::Test {
 protected:
  fixture::Files files_;
};

TEST_F(Csv, CellsAreTextsAndEmptyOnesHaveNoValue) {
  EXPECT_THAT(files_.read("a.csv", "\xef\xbb\xbfq,a,n\r\n\"x, \"\"y\"\"\",\"1\n2\",007\n\n,\"\",z"),
              ElementsAre("2: {\"q\":\"x, \\\"y\\\"\",\"a\":\"1\\n2\",\"n\":\"007\"}",
                          "5: {\"q\":null,\"a\":\"\",\"n\":\"z\"}"));
  EXPECT_THAT(files_.read("a.csv", "a,b\rc,d\re,f\r"),
              ElementsAre("2: {\"a\":\"c\",\"b\":\"d\"}", "3: {\"a\":\"e\",\"b\":\"f\"}"));
  EXPECT_THAT(files_.read("a.csv", "a\nx\"y\n \"z\n"), ElementsAre("2: {\"a\":\"x\\\"y\"}", "3: {\"a\":\" \\\"z\"}"))
      << "a quote within a cell is a character";
  EXPECT_THAT(files_.read("a.tsv", "a\tb\n1\t\"2\t3\"\n"), ElementsAre("2: {\"a\":\"1\",\"b\":\"2\\t3\"}"));
  EXPECT_THAT(files_.read("a.csv", ",q\n0,x\n"), ElementsAre("2: {\"Unnamed: 0\":\"0\",\"q\":\"x\"}"));
}

TEST_F(Csv, TheDelimiterIsFoundAndTold) {
  EXPECT_THAT(files_.read("a.csv", "q;a\n\"x;1\";y, z\n"), ElementsAre("2: {\"q\":\"x;1\",\"a\":\"y, z\"}"));
  EXPECT_EQ(files_.told("a.csv", "q;a\nx;y\n"), "\";\" between the cells");
  EXPECT_EQ(files_.told("a.csv", "q|a\nx|y\n"), "\"|\" between the cells");
  EXPECT_EQ(files_.told("a.csv", "q\ta\nx\ty\n"), "\"\\x09\" between the cells");
  EXPECT_EQ(files_.told("a.csv", "q,a\nx;1,y;2\n"), "");
  EXPECT_EQ(files_.told("a.csv", "text\nalone\n"), "");
  EXPECT_THAT(files_.read("a.csv", "sep=;\nq;a\nx;y\n"), ElementsAre("3: {\"q\":\"x\",\"a\":\"y\"}"))
      << "as Excel says it";
  EXPECT_THAT(files_.read("a.csv", "sep=\nq,a\nx,y\n"), ElementsAre("3: {\"q\":\"x\",\"a\":\"y\"}"))
      << "no line end is one";
  EXPECT_THAT(files_.read("a.csv", "q#a\nx#y\n", {.delimiter = "#"}), ElementsAre("2: {\"q\":\"x\",\"a\":\"y\"}"));
}

TEST_F(Csv, AllThatIsWrongHasItsLine) {
  EXPECT_THAT(files_.read("a.csv", "a,b\n1\n1,2,3\n\"x\"y,2\n3,4\n5,\xff\n6,7\n"),
              ElementsAre("2! the row has 1 cell, and the header 2; every row has as many cells as the header",
                          "3! the row has 3 cells, and the header 2; a cell with a delimiter in it stands in quotes",
                          "4! cell 1 goes on behind its closing quote; a quote inside a cell is written \"\"",
                          "5: {\"a\":\"3\",\"b\":\"4\"}", HasSubstr("6! the line is not UTF-8"),
                          "7: {\"a\":\"6\",\"b\":\"7\"}"));
  EXPECT_THAT(files_.read("a.csv", "a,b\n1,2\n3,\"4\n5,6\n7,8\n"),
              ElementsAre("2: {\"a\":\"1\",\"b\":\"2\"}", "3! the quote that opens in line 3 does not end"));
  EXPECT_THAT(files_.read("a.csv", "a,a\n1,2\n"), ElementsAre("1! the header names the column \"a\" twice"));
  EXPECT_THAT(
      files_.read("a.csv", std::string("a,b\n1,\0\n3,4\n", 12)),
      ElementsAre("2! the row has a NUL byte; the file is damaged or not text", "3: {\"a\":\"3\",\"b\":\"4\"}"));
  EXPECT_THAT(files_.read("a.csv", "a,b\n"), ElementsAre());
}

/// A delimiter is a byte, and a cell forty.
TEST_F(Csv, ARowHasALimitedNumberOfCells) {
  const std::string commas(5000, ',');
  EXPECT_THAT(files_.read("a.csv", cat("a,b\n", commas, "\n1,2\n")),
              ElementsAre("2! the row has more than 4096 cells", "3: {\"a\":\"1\",\"b\":\"2\"}"));
  EXPECT_THAT(files_.read("a.csv", cat(commas, "\n1,2\n")), ElementsAre("1! the row has more than 4096 cells"));
}

TEST_F(Csv, WhatIsWrittenIsReadWhateverIsInIt) {
  const Rng rng(3);
  const std::string kPieces[] = {",", ";", "\"", "\n", "\r", "\r\n", " ", "x", "é", "\t", "=1", "'", ""};
  std::uint64_t drawn = 0;
  for (int round = 0; round < 300; ++round) {
    std::string text = "a,b\n";
    std::vector<std::string> wanted;
    for (int row = 0; row < 5; ++row) {
      std::string cells[2];
      for (auto& cell : cells)
        for (std::uint64_t n = rng.below(5, drawn++); n > 0; --n)
          cell += kPieces[rng.below(std::size(kPieces), drawn++)];
      text += csv_cell(cells[0], ',') + "," + csv_cell(cells[1], ',') + "\n";
      wanted.push_back(Json({{"a", cells[0]}, {"b", cells[1]}}).dump());
    }
    std::vector<std::string> found;
    for (const auto& line : files_.read("a.csv", text, {.delimiter = ","}))
      found.push_back(line.substr(line.find(' ') + 1));
    EXPECT_EQ(found, wanted) << text;
  }
}

}  // namespace
}  // namespace pst::datafiles
