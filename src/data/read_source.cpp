// SPDX-License-Identifier: Apache-2.0
#include "data/read_source.hpp"

#include "core/strings.hpp"
#include "data/records.hpp"
#include "data/text_lines.hpp"

namespace pst::data {
namespace {

using recipe::DataFormat;

[[noreturn]] void refuse(const std::string& path, const std::string& what, const std::string& remedy = {}) {
  throw Error(Fault::data, cat(path, " ", what), remedy);
}

const char* const kFormatRemedy =
    "convert it to one JSON object per line with \"messages\", or name the format in data.train (docs/formats/data.md)";

/// The format by the first record of a JSONL file.
Guess guess_by_content(const SourceFile& source) {
  TextLines lines(source.text());
  while (const auto line = lines.next()) {
    if (trim(*line).empty()) continue;
    const std::string place = cat(source.path, ":", lines.number());
    if (const auto flaw = flaw_of_line(*line)) throw Error(Fault::data, cat(place, ": ", *flaw));
    if (trim(*line).front() == '[')
      refuse(source.path, "is a JSON list; examples are one JSON object per line",
             cat("jq -c '.[]' ", source.path, " > ", fs::path(source.path).stem().string(), ".jsonl"));
    try {
      Guess guess = guess_format(parse_record(*line));
      if (guess.format == DataFormat::automatic)
        throw Error(Fault::data, cat(place, ": ", guess.reason), kFormatRemedy);
      return guess;
    } catch (Error& error) {
      if (error.message().starts_with(place)) throw;
      throw Error(Fault::data, cat(place, ": ", error.message()), kFormatRemedy);
    }
  }
  refuse(source.path, "has only blank lines");
}

/// One line, one example: JSONL and plain text.
void read_lines(const SourceFile& source, const std::function<bool(Example&&)>& take,
                const std::function<bool(int line, const std::string& what)>& wrong) {
  const bool plain = source.format == DataFormat::text && lower(fs::path(source.path).extension().string()) == ".txt";
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
    try {
      Example example;
      if (plain) {
        example.kind = Example::Kind::text;
        example.completion = *line;
      } else {
        example = example_of(parse_record(*line), source.format);
      }
      example.line = lines.number();
      more = take(std::move(example));
    } catch (const Error& error) {
      if (error.fault() != Fault::data) throw;
      more = wrong(lines.number(), error.message());
    }
  }
}

MappedFile mapped(const recipe::Source& source) {
  try {
    return MappedFile(source.path);
  } catch (const Error& error) {
    if (!error.remedy().empty()) throw;
    throw Error(error.fault(), error.message(), "correct the path under data.train or data.validation of the recipe");
  }
}

}  // namespace

SourceFile open_source(const recipe::Source& source) {
  SourceFile opened{source.path, mapped(source), source.format, "given in the recipe"};
  if (opened.text().empty()) refuse(source.path, "is empty");
  if (source.format != DataFormat::automatic) return opened;
  const std::string extension = lower(fs::path(source.path).extension().string());
  if (extension == ".yml" || extension == ".yaml") {
    opened.format = DataFormat::chatterbot;
    opened.reason = cat("the extension ", extension);
  } else if (extension == ".txt") {
    opened.format = DataFormat::text;
    opened.reason = "the extension .txt";
  } else {
    const Guess guess = guess_by_content(opened);
    opened.format = guess.format;
    opened.reason = guess.reason;
  }
  return opened;
}

void read_examples(const SourceFile& source, std::optional<int> most, const TakeExample& take,
                   config::Problems& problems) {
  constexpr int kMostProblems = 20;
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
  else
    read_lines(source, take_one, wrong);
  if (taken == 0 && bad == 0) problems.add(source.at_line(0), "the file has no example");
}

}  // namespace pst::data
