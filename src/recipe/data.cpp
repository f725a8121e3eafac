// SPDX-License-Identifier: Apache-2.0
#include "recipe/data.hpp"

#include <algorithm>
#include <chrono>

#include "config/fields.hpp"
#include "core/strings.hpp"
#include "datafiles/record_container.hpp"
#include "recipe/text_checks.hpp"

namespace pst::recipe {

std::vector<std::pair<const char*, DataFormat>> words_of(DataFormat) {
  return {{"auto", DataFormat::automatic},
          {"chat", DataFormat::chat},
          {"prompt_completion", DataFormat::prompt_completion},
          {"alpaca", DataFormat::alpaca},
          {"text", DataFormat::text},
          {"chatterbot", DataFormat::chatterbot},
          {"preference", DataFormat::preference},
          {"kto", DataFormat::kto},
          {"stepwise", DataFormat::stepwise},
          {"prompt_only", DataFormat::prompt_only}};
}

std::vector<std::pair<const char*, TrainOn>> words_of(TrainOn) {
  return {{"assistant", TrainOn::assistant}, {"completion", TrainOn::completion}, {"all", TrainOn::all}};
}

std::vector<std::pair<const char*, TooLong>> words_of(TooLong) {
  return {{"truncate", TooLong::truncate}, {"skip", TooLong::skip}};
}

std::vector<std::pair<const char*, Remainder>> words_of(Remainder) {
  return {{"step", Remainder::step}, {"carry", Remainder::carry}, {"drop", Remainder::drop}};
}

namespace {

/// A day of the calendar, written as ISO 8601 does.
config::Constraint day() {
  return config::text_that("a day, such as 2026-11-30", [](std::string_view text) {
    if (text.size() != 10 || text[4] != '-' || text[7] != '-') return false;
    for (const auto at : {0, 1, 2, 3, 5, 6, 8, 9})
      if (text[static_cast<std::size_t>(at)] < '0' || text[static_cast<std::size_t>(at)] > '9') return false;
    const auto year = to_int(text.substr(0, 4)), month = to_int(text.substr(5, 2)), day = to_int(text.substr(8, 2));
    return std::chrono::year_month_day{std::chrono::year(static_cast<int>(*year)),
                                       std::chrono::month(static_cast<unsigned>(*month)),
                                       std::chrono::day(static_cast<unsigned>(*day))}
        .ok();
  });
}

config::Constraint container() {
  const auto words = datafiles::container_words();
  return config::text_that(cat("one of ", join(words, ", ")), [words](std::string_view text) {
    return std::find(words.begin(), words.end(), text) != words.end();
  });
}

config::Constraint one_character() {
  return config::text_that("one ASCII character, no quote and no line end", [](std::string_view text) {
    return text.size() == 1 && text[0] != '"' && text[0] != '\n' && text[0] != '\r' && text[0] > 0;
  });
}

}  // namespace

void bind(config::Fields& field, Source& s) {
  using config::Absent;
  field.required("path", &s.path, path(),
                 "File with the examples, a folder of them, or a pattern (`data/*.jsonl`, `**` for any folders). "
                 "Compressed files (.gz .zst .bz2 .xz) are read as they are.");
  field("format", &s.format,
        "How they are written ([formats](formats/data.md)); `auto` looks at the extension and the first record.");
  field("container", &s.container, container(),
        "What the file is, where neither its content nor its name shows it: one of `auto`, `json` (lines, or a list), "
        "`csv`, `tsv`, `text`, `yaml`, `webdataset`.");
  field("columns", &s.columns,
        "Other names of a record's values: `{prompt: question, completion: answers.0}`. Dots lead into objects and "
        "lists.");
  field("row_template", &s.row_template, Absent::null, config::non_empty(),
        "Jinja template that writes a record as JSON from its columns: "
        "`{\"prompt\": {{ q | tojson }}, \"completion\": {{ a | tojson }}}`.");
  field("field", &s.field, Absent::null, config::non_empty(), "Key of the list of records in a JSON object.");
  field("delimiter", &s.delimiter, Absent::null, one_character(),
        "Character between the cells of a CSV file; null: found.");
  field("encoding", &s.encoding, Absent::null, config::non_empty(),
        "Of a text that is not UTF-8, as `iconv --list` calls it: `WINDOWS-1252`, `UTF-16`.");
  field("split", &s.split, Absent::null, config::non_empty(),
        "Part of a folder with several; null: `train` under data.train, `validation` under data.validation.");
  field("subset", &s.subset, Absent::null, config::non_empty(),
        "Configuration of a Hugging Face folder whose README.md names several; null: its default.");
}

void bind(config::Fields& field, Data& s) {
  using config::Absent;
  field("train", &s.train, config::Need::required, "Files to train on, one after the other.");
  field("validation", &s.validation, config::Need::optional, "Files to measure the validation loss on.");
  field("validation_fraction", &s.validation_fraction, config::from_to_below(0, 1),
        "Share of the training examples to hold out for validation instead, chosen by `train.seed`; 0: none.");
  field("max_length", &s.max_length, config::between(2, 1 << 20), "Tokens of a row at most.");
  field("too_long", &s.too_long,
        "Examples beyond max_length lose their end or are left out. Both are counted and reported.");
  field("packing", &s.packing,
        "Several examples share a row of max_length tokens; attention and positions stay inside each example.");
  field("train_on", &s.train_on,
        "Tokens to learn: the text and end-of-turn of every assistant turn, of the last one only, or all.");
  field("shuffle", &s.shuffle, "A new order every epoch, from `train.seed`; false keeps the order of the files.");
  field(
      "remainder", &s.remainder,
      "Rows at the end of an epoch that do not fill a step: `step` makes a smaller step of them, which weighs each row "
      "more; `carry` takes them into the next epoch's first step; `drop` leaves them out of this epoch.");
  field("max_examples", &s.max_examples, Absent::null, config::at_least(1),
        "Take only the first so many of every training file.");
  field("chat_template", &s.chat_template, Absent::null, path(),
        "Jinja file to use instead of the model's own template.");
  field(
      "date", &s.date, Absent::null, day(),
      "Day that a chat template with `strftime_now` writes; null: the day on which the data are prepared. A run keeps "
      "its day.");
}

}  // namespace pst::recipe
