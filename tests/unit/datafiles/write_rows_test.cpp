// SPDX-License-Identifier: Apache-2.0
#include "datafiles/write_rows.hpp"

#include <gmock/gmock.h>

#include "core/rng.hpp"
#include "read_rows.hpp"
#include "support/errors.hpp"

namespace pst::datafiles {
namespace {

using pst::fixture::error_of;
using ::testing::ElementsAre;
using ::testing::HasSubstr;

class WriteRows : public ::testing::Test {
 protected:
  std::string path(const std::string& name) const { return (folder_ / name).string(); }
  std::string content(const std::string& name) const { return read_file(folder_ / name); }
  void write(const std::string& name, const std::string& content) { write_durably(folder_ / name, content); }
  RowSource source(const std::vector<std::string>& names, std::optional<Schema> types = {}) const {
    std::vector<std::string> paths;
    for (const auto& name : names) paths.push_back(path(name));
    return RowSource(paths, "", "", {}, {}, std::move(types));
  }
  /// @return the schema, which reads a CSV file back
  Schema convert(const std::string& from, const std::string& to, std::optional<Schema> types = {}) {
    RowSource rows = source({from}, std::move(types));
    return *write_rows(rows, Bad::refuse, {path(to)}, {}, WantSchema::yes).schema;
  }
  pst::fixture::TemporaryDirectory folder_;
};

TEST_F(WriteRows, WhatDoesNotChangeStaysByteForByte) {
  const std::string lines = "{\"b\":  1.50, \"a\": \"\\u00e9\"}\n{\"a\":123456789012345678901234567890}\n";
  write("a.jsonl", lines);

  convert("a.jsonl", "b.jsonl");
  convert("a.jsonl", "c.json.zst");
  convert("c.json.zst", "d.jsonl.gz");
  convert("d.jsonl.gz", "e.jsonl");

  EXPECT_EQ(content("b.jsonl"), lines);
  EXPECT_EQ(content("e.jsonl"), lines);
}

TEST_F(WriteRows, ATableKeepsTextsApartFromNullsAndNumbers) {
  write("a.jsonl", R"({"t": "007", "n": 1, "r": 1.5, "b": true, "m": 1, "o": {"x": [1, null]}})"
                   "\n"
                   R"({"t": "", "n": null, "r": 2, "b": false, "m": "a,b", "o": null, "late": "=1+1"})"
                   "\n");

  const Schema schema = convert("a.jsonl", "a.csv");

  EXPECT_EQ(content("a.csv"),
            "t,n,r,b,m,o,late\n"
            "007,1,1.5,true,1,\"{\"\"x\"\": [1, null]}\",\n"
            "\"\",,2,false,\"\"\"a,b\"\"\",,=1+1\n");
  const Json report = schema.report();
  EXPECT_EQ(report["records"], 2);
  EXPECT_EQ(report["columns"][1].dump(), R"({"name":"n","kind":"integer","values":2,"nulls":1,"missing":0})");
  EXPECT_EQ(report["columns"][4]["kind"], "json") << "several kinds";
  EXPECT_EQ(report["columns"][6]["missing"], 1);

  convert("a.csv", "b.jsonl", Schema::of_report(report));

  EXPECT_EQ(content("b.jsonl"),
            R"({"t": "007", "n": 1, "r": 1.5, "b": true, "m": 1, "o": {"x": [1, null]}, "late": null})"
            "\n"
            R"({"t": "", "n": null, "r": 2, "b": false, "m": "a,b", "o": null, "late": "=1+1"})"
            "\n");
}

TEST_F(WriteRows, RandomRecordsComeBackThroughTables) {
  const Rng rng(11);
  std::uint64_t drawn = 0;
  const auto below = [&](std::uint64_t bound) { return rng.below(bound, drawn++); };
  const std::vector<std::string> texts = {"",           " ",          "a",  "é\u00a0😀", "1",  "true", "null",
                                          "{\"a\": 1}", "x,y\n\"z\"", "=1", "'",        "\t", "\r\n"};
  const auto value = [&]() -> Json {
    switch (below(7)) {
      case 0: return nullptr;
      case 1: return below(2) == 1;
      case 2: return static_cast<std::int64_t>(below(1u << 30)) - (1 << 29);
      case 3: return static_cast<double>(below(1000)) / 8 + 0.1;
      case 4: return Json{{"k", {1, nullptr, "v"}}};
      case 5: return std::int64_t{9'007'199'254'740'993};
      default: return texts[below(texts.size())];
    }
  };
  for (int table = 0; table < 100; ++table) {
    std::string lines;
    for (std::uint64_t rows = 1 + below(6); rows > 0; --rows) {
      Json record;
      for (const char* const key : {"a", "b", "ü,\"", "d"}) record[key] = value();
      lines += json_text(record) + "\n";
    }
    write("a.jsonl", lines);
    const char* const to = table % 2 == 0 ? "a.csv" : "a.tsv.bz2";

    convert(to, "b.jsonl", convert("a.jsonl", to));

    const auto wanted = fixture::rows_of(DataFile::open(path("a.jsonl"))),
               found = fixture::rows_of(DataFile::open(path("b.jsonl")));
    ASSERT_EQ(found, wanted) << lines;
  }
}

TEST_F(WriteRows, ForExcel) {
  write("a.jsonl", "{\"=x\": \"=1+1\", \"n\": -1, \"t\": \"-1\"}\n{\"=x\": \"é\", \"n\": 2, \"t\": \"@a\"}\n");
  RowSource rows = source({"a.jsonl"});

  write_rows(rows, Bad::refuse, {path("a.csv"), ForExcel::yes});

  EXPECT_EQ(content("a.csv"), "\xef\xbb\xbf'=x,n,t\r\n'=1+1,-1,'-1\r\né,2,'@a\r\n");
}

TEST_F(WriteRows, Shards) {
  std::string lines;
  for (int i = 0; i < 10; ++i) lines += cat("{\"i\":", i, "}\n");  // 8 bytes each
  write("a.jsonl", lines);
  RowSource rows = source({"a.jsonl"});

  const Written written = write_rows(rows, Bad::refuse, {path("s.jsonl"), ForExcel::no, 30});

  EXPECT_EQ(written.records, 10);
  ASSERT_EQ(written.files.size(), 3u);
  EXPECT_EQ(fs::path(written.files[1]).filename(), "s-00001.jsonl");
  EXPECT_EQ(content("s-00000.jsonl") + content("s-00001.jsonl") + content("s-00002.jsonl"), lines);
  EXPECT_EQ(content("s-00000.jsonl").size(), 32u);
}

TEST_F(WriteRows, BadRecordsAreAllToldAndNothingIsWritten) {
  write("a.jsonl", "{\"a\": 1}\n{\n{\"a\": 2}\n]\n");
  write("b.csv", "a\n1,2\n");
  write("out.jsonl", "before");
  RowSource rows = source({"a.jsonl", "b.csv"});

  const std::string told = error_of(Fault::data, [&] { write_rows(rows, Bad::refuse, {path("out.jsonl")}); });

  EXPECT_THAT(told, HasSubstr("a.jsonl:2: "));
  EXPECT_THAT(told, HasSubstr("a.jsonl:4: "));
  EXPECT_THAT(told, HasSubstr("b.csv:2: "));
  EXPECT_THAT(told, HasSubstr("--skip-bad"));
  EXPECT_EQ(content("out.jsonl"), "before");

  EXPECT_EQ(write_rows(rows, Bad::leave_out, {path("out.jsonl")}).records, 2);
  EXPECT_EQ(content("out.jsonl"), "{\"a\": 1}\n{\"a\": 2}\n");
  EXPECT_EQ(rows.count_left_out(), 3);
  EXPECT_THAT(rows.left_out(), ElementsAre(HasSubstr("a.jsonl:2: "), HasSubstr("a.jsonl:4: "), HasSubstr("b.csv:2: ")));
}

TEST_F(WriteRows, NamesThatSayNothingAndFilesThatAreReadAreRefused) {
  write("a.jsonl", "{\"a\": 1}\n");
  RowSource rows = source({"a.jsonl"});
  EXPECT_THAT(error_of(Fault::usage, [&] { write_rows(rows, Bad::refuse, {path("b.bin")}); }),
              HasSubstr(".jsonl .ndjson .json .csv"));
  EXPECT_THAT(error_of(Fault::usage, [&] { write_rows(rows, Bad::refuse, {path("a.jsonl")}); }),
              HasSubstr("is read and cannot be written"));
  write("s-00001.jsonl", "{\"a\": 1}\n{\"a\": 2}\n");
  RowSource shard = source({"s-00001.jsonl"});
  EXPECT_THAT(error_of(Fault::usage,
                       [&] {
                         write_rows(shard, Bad::refuse, {path("s.jsonl"), ForExcel::no, 1});
                       }),
              HasSubstr("s-00001.jsonl is read and cannot be written"));
  EXPECT_FALSE(fs::exists(folder_ / "s-00000.jsonl"));
  write("b.csv", "a\nx\n");
  RowSource typed =
      source({"b.csv"}, Schema::of_report(Json::parse(R"({"columns": [{"name": "a", "kind": "integer"}]})")));
  EXPECT_THAT(error_of(Fault::data, [&] { write_rows(typed, Bad::refuse, {path("b.jsonl")}); }),
              HasSubstr("b.csv:2: \"a\" is \"x\"; it must be of the kind integer"));
}

}  // namespace
}  // namespace pst::datafiles
