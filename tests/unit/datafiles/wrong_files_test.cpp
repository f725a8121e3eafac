// SPDX-License-Identifier: Apache-2.0
// One small file for each way to be wrong, and the place and words that tell of it. What others read is read as pyarrow
// 26 and pandas 3 read it, which tools/parity/datafiles_check.py compares.
#include <gmock/gmock.h>

#include "read_rows.hpp"
#include "tar_archive.hpp"

namespace pst::datafiles {
namespace {

using namespace std::string_literals;
using fixture::tar_archive;
using ::testing::HasSubstr;

struct Wrong {
  const char* name;
  std::string content;
  std::vector<std::string> told;  ///< of each record, or of the whole file where it is not opened
  Reading reading = {};
};

const std::string kGood = "{\"a\": 1}\n";

std::vector<Wrong> json_files() {
  return {
      {"torn.jsonl", kGood + "{\"a\": 1", {"1: {", "2! not JSON at column 8: unexpected end of input"}},
      {"single quotes.jsonl", "{'a': 1}\n" + kGood, {"1! not JSON at column 2", "2: {"}},
      {"trailing comma.jsonl", "{\"a\": 1,}\n" + kGood, {"1! not JSON at column 9", "2: {"}},
      {"comment.jsonl", "// x\n" + kGood, {"1! not JSON at column 1", "2: {"}},
      {"NaN.jsonl", "{\"a\": NaN}\n", {"1! not JSON at column 7"}},
      {"Infinity.jsonl", "{\"a\": -Infinity}\n", {"1! not JSON at column 8"}},
      {"None.jsonl", "{\"a\": None}\n", {"1! not JSON at column 7"}},
      {"True.jsonl", "{\"a\": True}\n", {"1! not JSON at column 7"}},
      {"leading zero.jsonl", "{\"a\": 007}\n", {"1! not JSON at column 8"}},
      {"plus.jsonl", "{\"a\": +1}\n", {"1! not JSON at column 7"}},
      {"hexadecimal.jsonl", "{\"a\": 0x1}\n", {"1! not JSON at column 8"}},
      {"no digit.jsonl", "{\"a\": 1.}\n", {"1! not JSON at column 9"}},
      {"raw line end.jsonl", "{\"a\": \"x\ny\"}\n", {"1! not JSON", "2! not JSON at column 1"}},
      {"raw tab.jsonl", "{\"a\": \"x\ty\"}\n", {"1! not JSON at column 9"}},
      {"bad escape.jsonl", "{\"a\": \"\\x41\"}\n", {"1! not JSON at column 9"}},
      {"lone surrogate.jsonl", "{\"a\": \"\\ud800\"}\n", {"1! not JSON"}},
      {"two on a line.jsonl", "{\"a\": 1}{\"a\": 2}\n", {"1! not JSON at column 9"}},
      {"comma between.jsonl", "{\"a\": 1},\n{\"a\": 2}\n", {"1! not JSON at column 9", "2: {"}},
      {"key twice.jsonl", "{\"a\": 1, \"a\": 2}\n", {"1! key \"a\" occurs twice in one object"}},
      {"key twice inside.jsonl", "{\"b\": {\"a\": 1, \"a\": 2}}\n", {"1! key \"a\" occurs twice in one object"}},
      {"list.jsonl",
       "[1]\n[2]\n",
       {"1! the line is a JSON number", "2! there is more behind the end of the JSON list"}},
      {"text.jsonl", "\"x\"\n", {"1! the line is a JSON string; an example is an object {...}"}},
      {"null.jsonl", "null\n", {"1! the line is a JSON null; an example is an object {...}"}},
      {"huge number.jsonl", "{\"a\": 1e999}\n", {"1! not JSON at column 11: a number is too large"}},
      {"long integer.jsonl", "{\"a\": 123456789012345678901234567890}\n", {"1: {"}},
      {"NUL.jsonl", "{\"a\": 1}\0\n"s + kGood, {"1! the line has a NUL byte", "2: {"}},
      {"NUL escape.jsonl", "{\"a\": \"\\u0000\"}\n", {"1! a text has the character \\u0000"}},
      {"latin.jsonl",
       "{\"a\": \"\xe9\"}\n",
       {"1! the line is not UTF-8; convert the file, for instance with iconv, or name its encoding (it may be "
        "ISO-8859-1)"}},
      {"windows.jsonl", "{\"a\": \"\x80\xe9\"}\n", {"(it may be WINDOWS-1252)"}},
      {"overlong.jsonl", "{\"a\": \"\xc0\xaf\"}\n", {"1! the line is not UTF-8"}},
      {"surrogate bytes.jsonl", "{\"a\": \"\xed\xa0\x80\"}\n", {"1! the line is not UTF-8"}},
      {"mark inside.jsonl", kGood + "\xef\xbb\xbf" + kGood, {"1: {", "2: {"}},
      {"old line ends.jsonl", "{\"a\": 1}\r{\"a\": 2}\r", {"1! not JSON"}},
      {"deep.jsonl",
       "{\"a\": " + std::string(70, '[') + std::string(70, ']') + "}\n",
       {"1! JSON nested more than 64 levels deep"}},
      {"pretty.json", "{\n  \"a\": 1\n}\n", {"1! not JSON", "2! not JSON", "3! not JSON"}},
      {"list torn.json",
       "[{\"a\": 1},\n{\"a\"",
       {"1: {", "2! the file is a JSON list, and this record of it does not end"}},
      {"list of lists.json", "[{\"a\": 1}, [2]]", {"1: {", "1! the line is a JSON array"}},
      {"list and more.json", "[{\"a\": 1}]\n{\"a\": 2}", {"1: {", "2! there is more behind the end of the JSON list"}},
      {"list without comma.json",
       "[{\"a\": 1}\n{\"a\": 2}]",
       {"1: {", "2! the file is a JSON list; a comma or its end is missing here"}},
      {"list with a hole.json",
       "[{\"a\": 1},,{\"a\": 2}]",
       {"1: {", "1! the file is a JSON list; a record is missing here"}},
      {"no such key.json",
       "{\"rows\": []}",
       {"1! the file's object has no key \"data\"; its keys: \"rows\""},
       {.field = "data"}},
      {"key without list.json",
       "{\"data\": 1}",
       {"1! what stands under the key \"data\" is no JSON list"},
       {.field = "data"}},
  };
}

std::vector<Wrong> tables() {
  return {
      {"short row.csv", "a,b\n1\n", {"2! the row has 1 cell, and the header 2"}},
      {"long row.csv", "a,b\n1,2,3\n", {"2! the row has 3 cells, and the header 2"}},
      {"open quote.csv", "a,b\n\"1,2\n3,4\n", {"2! the quote that opens in line 2 does not end"}},
      {"behind a quote.csv", "a,b\n\"1\"x,2\n", {"2! cell 1 goes on behind its closing quote"}},
      {"column twice.csv", "a,a\n1,2\n", {"1! the header names the column \"a\" twice"}},
      {"no header row.csv", "\n\n", {}},
      {"NUL.csv", "a\n\0\n"s, {"2! the row has a NUL byte"}},
      {"latin.csv", "a\n\xe9\n", {"2! the line is not UTF-8"}},
      {"other delimiter.csv", "a;b\n1\n", {"2! the row has 1 cell, and the header 2"}},
      {"wrong delimiter.csv", "a,b\n1,2\n", {"2: {\"a,b\":\"1,2\"}"}, {.delimiter = ";"}},
      {"short row.tsv", "a\tb\n1\n", {"2! the row has 1 cell, and the header 2"}},
      {"spaces.tsv", "a b\n1 2\n", {"2: {\"a b\":\"1 2\"}"}},
      {"json.csv", "{\"a\": 1}\n", {"1: {\"a\":1}"}},
  };
}

std::vector<Wrong> archives() {
  const auto& gzip = *compressions()[0];
  const std::string packed = gzip.pack(kGood), tar = tar_archive({{"1.txt", "a"}, {"1.json", "{"}});
  return {
      {"torn.jsonl.gz",
       packed.substr(0, packed.size() - 3),
       {"1: {", "1! the gzip data are damaged after 9 bytes of text"}},
      {"checksum.jsonl.gz",
       packed.substr(0, packed.size() - 8) + "xxxx" + packed.substr(packed.size() - 4),
       {"incorrect data check"}},
      {"more behind.jsonl.gz",
       packed + "more",
       {"1: {", "1! the gzip data are damaged after 9 bytes of text: incorrect header check"}},
      {"nothing.jsonl.zst", compressions()[1]->pack(""), {"is empty, once decompressed (zstd)"}},
      {"text in it.jsonl.xz", compressions()[3]->pack("hello"), {"1! not JSON at column 1"}},
      {"gzip twice.jsonl.gz", gzip.pack(packed), {"1! the line"}},
      {"bad member.tar", tar, {"1! sample \"1\", member \"json\": it is no JSON"}},
      {"torn.tar", tar.substr(0, 700), {"1! the archive ends within a member"}},
      {"no tar.tar", "hello", {"1! the archive ends within a member"}},
      {"latin in it.tar", tar_archive({{"1.txt", "\xe9"}}), {"1! sample \"1\", member \"txt\": it is no UTF-8 text"}},
      {"zip.jsonl", "PK\x03\x04", {"is a ZIP archive"}},
      {"7z.csv", "7z\xbc\xaf\x27\x1c", {"is a 7z archive"}},
      {"rar.jsonl", "Rar!\x1a\x07", {"is a RAR archive"}},
      {"lz4.jsonl", "\x04\x22\x4d\x18", {"is compressed by lz4"}},
      {"page.jsonl", "<!doctype HTML><html>", {"is an HTML page, and no data"}},
      {"pointer.csv", "version https://git-lfs.github.com/spec/v1\n", {"is a Git LFS pointer"}},
      {"old excel.csv", "\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1", {"is a document of an old Office program"}},
      {"database.jsonl", "SQLite format 3\0"s, {"is an SQLite database"}},
      {"numpy.jsonl", "\x93NUMPY", {"is an array of NumPy"}},
      {"hdf5.jsonl", "\x89HDF\r\n\x1a\n", {"is an HDF5 file"}},
      {"model.jsonl", "GGUF", {"is a GGUF model"}},
      {"program.jsonl",
       "\x7f"
       "ELF",
       {"is a program"}},
      {"sound.txt", "OggS", {"is an Ogg sound"}},
      {"xml.txt", "<?xml version='1.0'?>", {"is an XML document"}},
      {"utf16.csv",
       "\xff\xfe"
       "a\0\n\0"s,
       {"is UTF-16, and must be UTF-8"}},
      {"utf32.jsonl", "\xff\xfe\0\0"s, {"is UTF-32, and must be UTF-8"}},
      {"empty.jsonl", "", {"is empty"}},
      {"not utf16.jsonl", "abc", {"the text ends within a character"}, {.encoding = "UTF-16LE"}},
      {"no ascii.jsonl",
       "{\"a\": \"\xe9\"}\n",
       {"the file is not ASCII: byte 8 is no character of it"},
       {.encoding = "ASCII"}},
  };
}

TEST(WrongFiles, EachGivesItsPlace) {
  fixture::Files files;
  std::size_t count = 0;
  for (const auto& all : {json_files(), tables(), archives()})
    for (const auto& [name, content, told, reading] : all) {
      SCOPED_TRACE(name);
      ++count;
      std::vector<std::string> found;
      try {
        found = files.read(name, content, reading);
      } catch (const Error& error) {
        EXPECT_EQ(error.fault(), Fault::data);
        EXPECT_THAT(error.message(), HasSubstr(name));
        found = {error.message()};
      }
      ASSERT_EQ(found.size(), told.size()) << ::testing::PrintToString(found);
      for (std::size_t i = 0; i < told.size(); ++i) EXPECT_THAT(found[i], HasSubstr(told[i]));
    }
  EXPECT_GE(count, 80u);  // tests/unit/data has those whose records are wrong
}

}  // namespace
}  // namespace pst::datafiles
