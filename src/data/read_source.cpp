// SPDX-License-Identifier: Apache-2.0
#include "data/read_source.hpp"

#include <set>

#include "core/strings.hpp"
#include "data/record_format.hpp"
#include "data/records.hpp"
#include "datafiles/find_files.hpp"
#include "datafiles/json_texts.hpp"
#include "datafiles/record_container.hpp"

namespace pst::data {
namespace {

using recipe::DataFormat;

[[noreturn]] void refuse(const std::string& path, const std::string& what, const std::string& remedy = {}) {
  throw Error(Fault::data, cat(path, " ", what), remedy);
}

constexpr int kMostProblems = 20;
constexpr std::size_t kFront = std::size_t{1} << 20;  // of a file, to say what else it may be

/// What to do about a file of which no record shows a format.
std::string format_remedy(const SourceFile& source) {
  const std::string_view word = source.file.container().word;
  if (word == "json" && source.file.compression() == nullptr) {
    std::vector<std::string> keys;
    for (const auto& key : datafiles::keys_of_lists(source.file.bytes().substr(0, kFront)))
      keys.push_back(cat("`field: ", key, "`"));
    if (!keys.empty() && source.file.reading().field.empty())
      return cat("if the records are a list inside of one object, name its key beside the path: ", join(keys, " or "));
  }
  if (word != "json")
    return "say which of its columns is what, such as `columns: {prompt: question, completion: answer}`, or name the "
           "format in data.train (docs/formats/data.md)";
  return "convert it to JSON objects with \"messages\", one on each line, say which key is what, such as "
         "`columns: {prompt: question, completion: answer}`, or name the format in data.train (docs/formats/data.md)";
}

/// The format by the first record of a file that shows one; what is wrong with those before is told when they are read
/// in this format.
Guess guess_by_content(const SourceFile& source) {
  const auto rows = source.file.rows();
  config::Problems problems;
  for (bool is_first = true; problems.count() < kMostProblems; is_first = false) {
    try {
      auto row = rows->next();
      if (!row) break;
      Guess guess = guess_format(source.columns.applied(std::move(row->values)));
      if (guess.format == DataFormat::automatic) throw Error(Fault::data, guess.reason);
      const bool has_rows = source.file.container().place == datafiles::Container::Place::row;
      guess.reason = cat(is_first ? std::string("the first record")
                                  : cat("the record in ", has_rows ? "row " : "line ", rows->place()),
                         " has ", guess.reason);
      return guess;
    } catch (const Error& error) {
      problems.add(source.at_line(rows->place()), error.message());
    }
  }
  if (problems.empty()) refuse(source.path, rows->place() == 0 ? "has only blank lines" : "has no record");
  try {
    problems.throw_if_any(Fault::data);
  } catch (const Error& error) {
    throw Error(Fault::data, error.message(), format_remedy(source));
  }
  return {};
}

/// The examples of a file of records.
void read_records(const SourceFile& source, const std::function<bool(Example&&)>& take,
                  const std::function<bool(int line, const std::string& what)>& wrong) {
  const auto rows = source.file.rows();
  bool more = true;
  while (more) {
    try {
      auto row = rows->next();
      if (!row) return;
      Example example = example_of(source.columns.applied(std::move(row->values)), source.format);
      example.line = rows->place();
      more = take(std::move(example));
    } catch (const Error& error) {
      if (error.fault() != Fault::data) throw;
      more = wrong(rows->place(), error.message());
    }
  }
}

/// The records of a kind that nothing is trained on: each is checked, and all are refused.
void check_records(const SourceFile& source, const UntrainedFormat& kind, std::optional<int> most,
                   const std::function<bool(int line, const std::string& what)>& wrong) {
  const auto rows = source.file.rows();
  std::int64_t good = 0;
  int first = 0;
  bool more = true;
  while (more && (!most || good < *most)) {
    try {
      auto row = rows->next();
      if (!row) break;
      kind.check(source.columns.applied(std::move(row->values)));
      if (good++ == 0) first = rows->place();
    } catch (const Error& error) {
      if (error.fault() != Fault::data) throw;
      more = wrong(rows->place(), error.message());
    }
  }
  if (good > 0)
    wrong(first, cat("this is a ", kind.name, " (", kind.keys, "), and a run does not train on those; ", kind.remedy));
}

/// How `source` says that its files are to be read. A text or a corpus is told by the format, too.
datafiles::Reading reading_of(const recipe::Source& source, const std::string& path) {
  datafiles::Reading reading{source.container, source.field.value_or(""), source.delimiter.value_or(""),
                             source.encoding.value_or("")};
  if (reading.container != "auto") return reading;
  const bool is_text_file = lower(datafiles::without_compression(path)).ends_with(".txt");
  if (source.format == DataFormat::chatterbot)
    reading.container = "yaml";
  else if (is_text_file && source.format != DataFormat::automatic && source.format != DataFormat::text)
    reading.container = "json";
  return reading;
}

datafiles::DataFile opened(const recipe::Source& source, const std::string& path) {
  try {
    return datafiles::DataFile::open(path, reading_of(source, path));
  } catch (const Error& error) {
    if (!error.remedy().empty()) throw;
    throw Error(error.fault(), error.message(), "correct the path under data.train or data.validation of the recipe");
  }
}

void find_format(SourceFile& source) {
  const std::string_view word = source.file.container().word;
  const std::string extension = lower(fs::path(datafiles::without_compression(source.path)).extension().string());
  if (word == "yaml") {
    source.format = DataFormat::chatterbot;
    source.reason = cat("the extension ", extension);
  } else if (word == "text" && !source.columns.changes()) {
    source.format = DataFormat::text;
    source.reason = cat("the extension ", extension);
  } else {
    try {
      const Guess guess = guess_by_content(source);
      source.format = guess.format;
      source.reason = guess.reason;
    } catch (const Error&) {
      source.file.check();  // its last lines may be zeros, and not what is wrong
      throw;
    }
  }
}

SourceFile open_file(const recipe::Source& source, const std::string& path) {
  SourceFile file{path, opened(source, path), datafiles::Columns(source.columns, source.row_template.value_or("")),
                  source.format, "given in the recipe"};
  if (source.format == DataFormat::automatic) find_format(file);
  const datafiles::Container& container = file.file.container();
  if ((container.word == std::string_view("yaml")) != (file.format == DataFormat::chatterbot))
    refuse(path, cat("is read as ", container.title, ", which the format of its records does not fit"),
           "`format: chatterbot` and `container: yaml` belong together; leave out what is wrong");
  if (container.word != std::string_view("json") && container.open != nullptr &&
      container.word != std::string_view("text"))
    file.reason += cat("; ", container.title);
  if (!file.file.told().empty()) file.reason += cat("; ", file.file.told());
  return file;
}

}  // namespace

std::vector<SourceFile> open_sources(const recipe::Source& source, const std::string& usual_split) {
  const datafiles::Found found =
      datafiles::find_files({source.path, source.split.value_or(""), usual_split, source.subset.value_or("")});
  std::vector<SourceFile> files;
  std::vector<std::string> wrong;
  std::string remedy;
  for (const std::string& path : found.files) {
    try {
      files.push_back(open_file(source, path));
      if (!found.told.empty()) files.back().reason += cat("; ", found.told);
    } catch (const Error& error) {
      if (error.fault() != Fault::data) throw;
      if (wrong.empty()) remedy = error.remedy();
      if (wrong.size() < kMostProblems) wrong.push_back(error.message());
    }
  }
  if (!wrong.empty()) throw Error(Fault::data, join(wrong, "\n"), remedy);
  return files;
}

SourceFile open_source(const recipe::Source& source) {
  auto files = open_sources(source, "train");
  if (files.size() != 1) refuse(source.path, cat("is ", files.size(), " files, and one is wanted"), "name one of them");
  return std::move(files.front());
}

void refuse_repeats(const std::vector<SourceFile>& train, const std::vector<SourceFile>& validation) {
  std::set<std::string> trained, validated;
  for (const SourceFile& source : train)
    if (!trained.insert(source.path).second)
      throw Error(Fault::data, cat(source.path, " is in data.train twice, by a folder or a pattern"),
                  "name each file once; raise train.epochs to see it more often");
  for (const SourceFile& source : validation)
    if (!validated.insert(source.path).second || trained.contains(source.path))
      throw Error(Fault::data,
                  cat(source.path, trained.contains(source.path) ? " is in data.train and in data.validation"
                                                                 : " is in data.validation twice"),
                  "name each file once: a validation loss on what was trained says nothing");
}

void read_examples(const SourceFile& source, std::optional<int> most, const TakeExample& take,
                   config::Problems& problems) {
  int taken = 0, bad = 0;
  const auto wrong = [&](int line, const std::string& what) {
    problems.add(source.at_line(line), what);
    if (++bad < kMostProblems) return true;
    problems.add(source.at_line(line), cat("after ", kMostProblems, " problems the rest of the file was not read"));
    return false;
  };
  const auto take_one = [&](Example&& example) {
    const int line = example.line;
    ++taken;
    if (const auto what = take(std::move(example)))
      if (!wrong(line, *what)) return false;
    return !most || taken < *most;
  };
  if (source.format == DataFormat::chatterbot)
    read_chatterbot(source, take_one, wrong);
  else if (const UntrainedFormat* const kind = untrained(source.format))
    check_records(source, *kind, most, wrong);
  else
    read_records(source, take_one, wrong);
  source.file.check();
  if (taken == 0 && bad == 0) problems.add(source.at_line(0), "the file has no example");
}

}  // namespace pst::data
