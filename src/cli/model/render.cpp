// SPDX-License-Identifier: Apache-2.0
#include <unistd.h>

#include <algorithm>
#include <cstdlib>
#include <iostream>

#include "cli/tokenizer_argument.hpp"
#include "cli/verb.hpp"
#include "core/printable.hpp"
#include "core/strings.hpp"
#include "data/shown_records.hpp"

namespace pst::cli {
namespace {

/// What stands before and after a part of the text.
struct Marks {
  std::string_view begin, end;
  bool steer_terminal;  ///< sequences for the terminal; else text
};
constexpr Marks kInText{"\u27e6", "\u27e7", false};  // brackets that hardly any text has
constexpr Marks kLearned{"\x1b[32m", "\x1b[0m", true}, kLearnedNext{"\x1b[32;4m", "\x1b[0m", true};
constexpr Marks kGiven{"\x1b[2m", "\x1b[0m", true}, kGivenNext{"\x1b[2;4m", "\x1b[0m", true};

bool has_colours() {
  const char* const kind = std::getenv("TERM");
  const char* const wanted_none = std::getenv("NO_COLOR");
  return ::isatty(STDOUT_FILENO) != 0 && kind != nullptr && std::string_view(kind) != "dumb" &&
         (wanted_none == nullptr || *wanted_none == '\0');
}

void put_mark(std::string_view mark, const Marks& of) {
  if (of.steer_terminal)
    put_control(std::cout, mark);
  else
    std::cout << mark;
}

void put(std::string_view text, const Marks& marks) {
  put_mark(marks.begin, marks);
  std::cout << text;
  put_mark(marks.end, marks);
}

/// The text up to the last token that is there, what is learned in brackets.
void print_marked(const data::Shown& shown) {
  std::size_t at = 0;
  for (std::size_t i = 0; i < shown.pieces.size();) {
    std::size_t next = i;
    while (next < shown.pieces.size() && shown.labelled[next] == shown.labelled[i]) ++next;
    const std::size_t end = std::max(at, shown.pieces[next - 1].end);
    const std::string_view part = std::string_view(shown.text).substr(at, end - at);
    if (shown.labelled[i] != 0)
      put(part, kInText);
    else
      std::cout << part;
    at = end;
    i = next;
  }
}

/// The same, token by token: what is learned is green, the rest faint, every other token underlined.
void print_coloured(const data::Shown& shown) {
  std::size_t at = 0;
  for (std::size_t i = 0; i < shown.pieces.size(); ++i) {
    const std::size_t end = std::max(at, shown.pieces[i].end);
    const bool is_next = i % 2 == 1, is_learned = shown.labelled[i] != 0;
    const Marks& marks = is_learned ? (is_next ? kLearnedNext : kLearned) : (is_next ? kGivenNext : kGiven);
    put(std::string_view(shown.text).substr(at, end - at), marks);
    at = end;
  }
}

const char* fate_of(data::Outcome outcome) {
  switch (outcome) {
    case data::Outcome::kept: return "";
    case data::Outcome::truncated: return ", cut at max_length";
    case data::Outcome::skipped_no_label: return ", left out: nothing is learned";
    case data::Outcome::skipped_too_long: return ", left out: longer than max_length";
    case data::Outcome::skipped_bad: return ", left out: an answer that is not wanted";
  }
  return "";
}

void print(const data::ShownRecord& record, bool coloured) {
  const auto& shown = record.result.shown;
  std::cout << "--- " << record.place;
  if (shown) {
    const auto learned = std::count(shown->labelled.begin(), shown->labelled.end(), 1);
    std::cout << ": " << shown->pieces.size() << " tokens, " << learned << " learned";
  }
  std::cout << fate_of(record.result.outcome) << '\n';
  for (const data::Note& note : record.notes)
    std::cout << "note: " << note.what << (note.subject.empty() ? "" : ": ") << note.subject << '\n';
  if (!shown) return;
  coloured ? print_coloured(*shown) : print_marked(*shown);
  std::cout << '\n';
}

/// The words of an enum in a recipe, as options take them.
template <class Enum>
std::vector<std::string> words() {
  std::vector<std::string> all;
  for (const auto& [word, value] : words_of(Enum{})) all.emplace_back(word);
  return all;
}

template <class Enum>
Enum value_of(const std::string& chosen) {
  for (const auto& [word, value] : words_of(Enum{}))
    if (chosen == word) return value;
  return {};
}

struct RenderArguments {
  TokenizerArguments tokenizer;
  std::string file, train_on = "assistant", format = "auto";
  int records = 3;
  recipe::Data data;
};

}  // namespace

Runner add_model_render(CLI::App& app) {
  auto arguments = std::make_shared<RenderArguments>();
  add_tokenizer_arguments(app, arguments->tokenizer);
  app.add_option("FILE", arguments->file, "A data file, as data.train of a recipe names them")->required();
  app.add_option("--records", arguments->records, "Write the first so many records")
      ->check(CLI::PositiveNumber)
      ->capture_default_str();
  app.add_option("--train-on", arguments->train_on, "As data.train_on: what is learned of a conversation")
      ->check(CLI::IsMember(words<recipe::TrainOn>()))
      ->capture_default_str();
  app.add_option("--format", arguments->format, "As the format in data.train: what the records are")
      ->check(CLI::IsMember(words<recipe::DataFormat>()))
      ->capture_default_str();
  app.add_option("--max-length", arguments->data.max_length, "As data.max_length: tokens of an example")
      ->check(CLI::PositiveNumber)
      ->capture_default_str();
  app.add_option("--chat-template", arguments->data.chat_template, "A Jinja file instead of the model's own template");
  return [arguments] {
    recipe::Data data = arguments->data;
    data.train = {{arguments->file, value_of<recipe::DataFormat>(arguments->format)}};
    data.train_on = value_of<recipe::TrainOn>(arguments->train_on);
    data.max_examples = arguments->records;
    const bool coloured = has_colours();
    data::show_records(arguments->tokenizer.model(), data,
                       [&](const data::ShownRecord& record) { print(record, coloured); });
    return 0;
  };
}

}  // namespace pst::cli
