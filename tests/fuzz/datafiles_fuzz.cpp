// SPDX-License-Identifier: Apache-2.0
// Files of records: each container, each compression, the card of a folder, columns.
#include <map>
#include <nlohmann/json.hpp>

#include "core/strings.hpp"
#include "datafiles/column_map.hpp"
#include "datafiles/compression.hpp"
#include "datafiles/find_files.hpp"
#include "datafiles/record_container.hpp"
#include "datafiles/write_rows.hpp"
#include "fuzz/driver.hpp"
#include "support/temporary_directory.hpp"
#include "unit/datafiles/tar_archive.hpp"

namespace pst::fuzz {
namespace {

using namespace pst::datafiles;

const std::string kLines =
    "{\"prompt\": \"caf\\u00e9\", \"completion\": \"x\", \"n\": [1, {\"a\": null}]}\n{\"a\": "
    "12345678901234567890123}\n";
const std::string kList = "\xef\xbb\xbf[\n{\"text\": \"a ] } \\\" \"},\n{\"text\": \"b\"}\n]\n";
const std::string kKeyed =
    "{\"version\": {\"a\": [1]}, \"data\": [{\"text\": \"a\"}, {\"text\": \"b\"}], \"more\": []}";
const std::string kTable = "q,a,n\r\n\"x, \"\"y\"\"\",\"1\n2\",007\r\n,\"\",z\r\n";
const std::string kTarSeed =
    pst::datafiles::fixture::tar_archive({{"d/1.json", "{\"a\": 1}"}, {"d/1.txt", "hi"}, {"d/2.cls", "3"}});
const std::string kCard =
    "---\nconfigs:\n- config_name: a\n  default: true\n  data_files:\n  - split: train\n    path: [\"x*.jsonl\", "
    "y.csv]\n---\ntext\n";

std::vector<std::string> packed_seeds() {
  std::vector<std::string> all;
  for (const Compression* const row : compressions()) all.push_back(row->pack(kLines + repeated(kLines, 40)));
  return all;
}

std::string long_row(Draw& draw) { return cat("a,b\n\"", repeated("x\n,", draw.size(2'000'000))); }
std::string many_cells(Draw& draw) {
  return cat(repeated("a,", draw.size(2'000'000)), "b\n", repeated(",", draw.size(10'000'000)));
}
std::string deep(Draw& draw) { return cat("{\"data\": ", repeated("[{\"a\":", draw.size(500'000))); }
std::string keys(Draw& draw) {
  std::string text = "{";
  for (std::size_t i = 0, n = draw.size(100'000); i < n; ++i) text += cat("\"k", i, "\": [],");
  return text + "\"data\": []}";
}
std::string bomb(Draw& draw) {
  const auto& row = *draw.of(compressions());
  return row.pack(std::string(draw.size(20'000'000), draw.one_in(2) ? '\n' : 'x'));
}
/// Patterns that look at every folder, patterns that are many, and names that are many.
std::string patterns(Draw& draw) {
  static const std::vector<std::string> kUnits = {"**/*", "**/", "**/*/", "*/", "*", "[a-z]*",
                                                  "?",    "in/", "./",    "*[", "*a"};
  std::string one;
  for (std::size_t i = 0, n = 1 + draw.below(3); i < n; ++i) one += repeated(draw.of(kUnits), draw.size(2000));
  if (draw.one_in(2)) one += "*.jsonl";
  std::string all = cat("\"", one, "\"");
  all = repeated(cat(all, ", "), 1 + draw.size(300'000) / all.size());
  return cat("---\nconfigs:\n- config_name: a\n  data_files: [", all, "]\n---\n");
}
std::string subsets(Draw& draw) {
  std::string text = "---\nconfigs:\n";
  const bool splits = draw.one_in(2);
  if (splits) text += "- config_name: a\n  data_files:\n";
  const std::string stem(draw.size(200), 'n');
  for (std::size_t i = 0, n = draw.size(10'000); i < n; ++i)
    text += splits ? cat("  - {split: ", stem, i, ", path: '*'}\n")
                   : cat("- {config_name: ", stem, i, ", data_files: '*'}\n");
  return text + "---\n";
}
/// Members that are many, of one sample, larger than the archive, or not there; names that are long again and again.
std::string archive(Draw& draw) {
  static const std::vector<std::string> kNames = {"a.",     "a.json",      "b.txt",        "a",
                                                  ".a.txt", "a/b.c/d.cls", "././@LongLink"};
  static const std::string kTypes = "00005LxgK7";
  std::string text;
  const bool same = draw.one_in(2);
  for (std::size_t i = 0, n = draw.size(3000); i < n && text.size() < 3'000'000; ++i) {
    const char type = draw.one_in(3) ? draw.of(kTypes) : '0';
    const std::string content =
        type == 'x' ? repeated(draw.one_in(2) ? "9 path=a\n" : "99999999999999999999 path=\n", draw.size(300))
                    : repeated("[", draw.one_in(9) ? draw.size(100'000) : draw.below(20));
    text += pst::datafiles::fixture::tar_member(same ? cat("a.", i) : cat(draw.of(kNames), i), content, type);
  }
  return text;
}
/// Rows times columns times what each cell is.
std::string table(Draw& draw) {
  const std::size_t columns = draw.size(5000);
  std::string header, row;
  for (std::size_t i = 0; i < columns; ++i) header += cat(i ? "," : "", "c", i), row += i ? ",1" : "1";
  return cat(header, "\n", repeated(cat(row, "\n"), 1 + draw.size(500'000) / (row.size() + 1)));
}

/// Whatever the file turns out to be: every record, and all that is wrong. @return how many records
std::int64_t read_all(const std::string& path, const Reading& reading) {
  const DataFile file = DataFile::open(path, reading);
  (void)file.how_read();
  if (file.container().open == nullptr) return 0;
  const auto rows = file.rows();
  static const Columns columns(std::map<std::string, std::string>{{"first", "a"}, {"inner", "n.1.a"}});
  Schema schema;
  for (int wrong = 0; wrong < 1000;) {
    try {
      const auto row = rows->next();
      if (!row) break;
      schema.see(row->values);
      (void)file.at(rows->place()).text();
      (void)json_text(row->values);
      (void)columns.applied(row->values);
    } catch (const Error& error) {
      if (error.fault() != Fault::data) throw;
      ++wrong;
    }
  }
  (void)schema.report();
  return schema.records();
}

void look(const Part& part, const std::string& input) {
  const pst::fixture::TemporaryDirectory folder;
  if (part.name == "card") {
    put(folder / "README.md", input);
    put(folder / "x1.jsonl", kLines);
    put(folder / "in/y.csv", kTable);
    (void)find_files({folder.path().string(), "", "train", ""});
    (void)find_files({folder.path().string(), "n1", "train", ""});
    return;
  }
  const std::string path = (folder / (part.name == "packed" ? "a.jsonl" : part.name)).string();
  put(path, input);
  std::int64_t records = 0;
  for (const Reading& reading : {Reading{}, Reading{.field = "data"}, Reading{.encoding = "UTF-16"}}) try {
      records += read_all(path, reading);
    } catch (const Error& error) {
      if (error.fault() != Fault::data) throw;
    }
  if (records == 0) throw Error(Fault::data, "no record was read");
}

}  // namespace
}  // namespace pst::fuzz

int main(int argc, char** argv) {
  using namespace pst;
  const std::vector<std::string> words = {"\"",   "\"\"",         ",",  ";",       "\t",     "\r", "\r\n",
                                          "\n\n", "{\"data\": [", "]}", "\\u0000", "sep=;\n"};
  return fuzz::run(
      argc, argv,
      {.name = "datafiles",
       .parts =
           {{.name = "a.jsonl",
             .seeds = {fuzz::kLines, fuzz::kList, fuzz::kKeyed},
             .words = words,
             .bombs = {fuzz::deep, fuzz::keys}},
            {.name = "a.csv",
             .seeds = {fuzz::kTable},
             .words = words,
             .bombs = {fuzz::long_row, fuzz::many_cells, fuzz::table}},
            {.name = "packed", .seeds = fuzz::packed_seeds(), .words = {"\x1f\x8b", "BZh9"}, .bombs = {fuzz::bomb}},
            {.name = "a.tar",
             .seeds = {fuzz::kTarSeed},
             .words = {"ustar", "77777777777", ".json"},
             .bombs = {fuzz::archive}},
            {.name = "card",
             .seeds = {fuzz::kCard},
             .words = {"configs:", "**/", "../", "default: true"},
             .bombs = {fuzz::patterns, fuzz::subsets}}},
       .read = fuzz::look});
}
