// SPDX-License-Identifier: Apache-2.0
#include "data/read_source.hpp"

#include "core/strings.hpp"
#include "data/record_texts.hpp"
#include "data/records.hpp"
#include "data/text_lines.hpp"

namespace pst::data {
namespace {

using recipe::DataFormat;

[[noreturn]] void refuse(const std::string& path, const std::string& what, const std::string& remedy = {}) {
  throw Error(Fault::data, cat(path, " ", what), remedy);
}

const char* const kFormatRemedy =
    "convert it to JSON objects with \"messages\", one on each line, or name the format in data.train "
    "(docs/formats/data.md)";

constexpr int kMostProblems = 20;

/// The format by the first record of a JSON file that shows one; what is wrong with those before is told when they are
/// read in this format.
Guess guess_by_content(const SourceFile& source) {
  RecordTexts records(source.text());
  config::Problems problems;
  for (bool is_first = true; problems.count() < kMostProblems; is_first = false) {
    try {
      const auto record = records.next();
      if (!record) break;
      if (const auto flaw = flaw_of_line(*record)) throw Error(Fault::data, std::string(*flaw));
      Guess guess = guess_format(parse_record(*record));
      if (guess.format == DataFormat::automatic) throw Error(Fault::data, guess.reason);
      guess.reason =
          cat(is_first ? "the first record" : cat("the record in line ", records.line()), " has ", guess.reason);
      return guess;
    } catch (const Error& error) {
      problems.add(source.at_line(records.line()), error.message());
    }
  }
  if (problems.empty()) refuse(source.path, trim(source.text()).empty() ? "has only blank lines" : "has no record");
  try {
    problems.throw_if_any(Fault::data);
  } catch (const Error& error) {
    throw Error(Fault::data, error.message(), kFormatRemedy);
  }
  return {};
}

/// The examples of a text file: one on each line.
void read_plain_text(const SourceFile& source, const std::function<bool(Example&&)>& take,
                     const std::function<bool(int line, const std::string& what)>& wrong) {
  TextLines lines(source.text());
  bool more = true;
  while (more) {
    const auto line = lines.next();
    if (!line) return;
    if (trim(*line).empty()) continue;
    if (const auto flaw = flaw_of_line(*line)) {
      more = wrong(lines.number(), std::string(*flaw));
      continue;
    }
    Example example;
    example.kind = Example::Kind::text;
    example.completion = *line;
    example.line = lines.number();
    more = take(std::move(example));
  }
}

/// The examples of a JSON file.
void read_records(const SourceFile& source, const std::function<bool(Example&&)>& take,
                  const std::function<bool(int line, const std::string& what)>& wrong) {
  RecordTexts records(source.text());
  bool more = true;
  while (more) {
    try {
      const auto record = records.next();
      if (!record) return;
      if (const auto flaw = flaw_of_line(*record)) throw Error(Fault::data, std::string(*flaw));
      Example example = example_of(parse_record(*record), source.format);
      example.line = records.line();
      more = take(std::move(example));
    } catch (const Error& error) {
      if (error.fault() != Fault::data) throw;
      more = wrong(records.line(), error.message());
    }
  }
}

/// Which of the encodings with NULs in it a text is in, by its mark, or by how a JSON text begins in it. As iconv calls
/// it; empty for UTF-8 and what else there is.
std::string wide_encoding(std::string_view text) {
  using namespace std::string_view_literals;
  const auto begins = [&](std::string_view with) { return text.starts_with(with); };
  if (begins("\xff\xfe\0\0"sv) || begins("\0\0\xfe\xff"sv))
    return "UTF-32";  // before UTF-16, whose mark it begins with
  if (begins("\xff\xfe"sv) || begins("\xfe\xff"sv)) return "UTF-16";
  for (const char c : {'{', '['}) {
    const std::string one(1, c);
    if (begins(one + std::string(3, '\0'))) return "UTF-32LE";
    if (begins(std::string(3, '\0') + one)) return "UTF-32BE";
    if (begins(one + std::string(1, '\0'))) return "UTF-16LE";
    if (begins(std::string(1, '\0') + one)) return "UTF-16BE";
  }
  return {};
}

/// Windows programs write UTF-16, some tools UTF-32.
void refuse_wide_encodings(const SourceFile& source) {
  const std::string encoding = wide_encoding(source.text());
  if (encoding.empty()) return;
  const fs::path path(source.path);
  const fs::path copy = path.parent_path() / cat(path.stem().string(), "-utf8", path.extension().string());
  refuse(source.path, cat("is ", encoding.substr(0, 6), ", and must be UTF-8"),
         cat("iconv -f ", encoding, " -t UTF-8 ", shell_quoted(source.path), " > ", shell_quoted(copy.string())));
}

MappedFile mapped(const recipe::Source& source) {
  try {
    return MappedFile(source.path, WhenCut::read_zeros);
  } catch (const Error& error) {
    if (!error.remedy().empty()) throw;
    throw Error(error.fault(), error.message(), "correct the path under data.train or data.validation of the recipe");
  }
}

}  // namespace

SourceFile open_source(const recipe::Source& source) {
  SourceFile opened{source.path, mapped(source), source.format, "given in the recipe"};
  if (opened.text().empty()) refuse(source.path, "is empty");
  refuse_wide_encodings(opened);
  if (source.format != DataFormat::automatic) return opened;
  const std::string extension = lower(fs::path(source.path).extension().string());
  if (extension == ".yml" || extension == ".yaml") {
    opened.format = DataFormat::chatterbot;
    opened.reason = cat("the extension ", extension);
  } else if (extension == ".txt") {
    opened.format = DataFormat::text;
    opened.reason = "the extension .txt";
  } else {
    try {
      const Guess guess = guess_by_content(opened);
      opened.format = guess.format;
      opened.reason = guess.reason;
    } catch (const Error&) {
      opened.file.check();  // its last lines may be zeros, and not what is wrong
      throw;
    }
  }
  return opened;
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
  else if (source.format == DataFormat::text && lower(fs::path(source.path).extension().string()) == ".txt")
    read_plain_text(source, take_one, wrong);
  else
    read_records(source, take_one, wrong);
  source.file.check();
  if (taken == 0 && bad == 0) problems.add(source.at_line(0), "the file has no example");
}

}  // namespace pst::data
