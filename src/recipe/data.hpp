// SPDX-License-Identifier: Apache-2.0
#pragma once
#include <map>
#include <optional>
#include <string>
#include <utility>
#include <vector>

namespace pst::config {
class Fields;
}

namespace pst::recipe {

/// Of what comes behind `chatterbot` the records are known and checked, and nothing is trained on them.
enum class DataFormat {
  automatic,
  chat,
  prompt_completion,
  alpaca,
  text,
  chatterbot,
  preference,
  kto,
  stepwise,
  prompt_only
};
enum class TrainOn { assistant, completion, all };
enum class TooLong { truncate, skip };
/// What becomes of the rows that are left at the end of an epoch and do not fill a step.
enum class Remainder { step, carry, drop };

struct Source {
  std::string path;
  DataFormat format = DataFormat::automatic;
  std::string container = "auto";              ///< a word of datafiles::container_words()
  std::map<std::string, std::string> columns;  ///< a key of the format: where its value stands
  std::optional<std::string> row_template;
  std::optional<std::string> field, delimiter, encoding;  ///< @see datafiles::Reading
  std::optional<std::string> split, subset;               ///< @see datafiles::Wanted
};

struct Data {
  std::vector<Source> train;
  std::vector<Source> validation;  ///< excludes validation_fraction
  double validation_fraction = 0;  ///< share of the examples held out, chosen by seed
  int max_length = 1024;           ///< tokens of a row
  TooLong too_long = TooLong::truncate;
  bool packing = true;
  TrainOn train_on = TrainOn::assistant;
  bool shuffle = true;
  Remainder remainder = Remainder::step;
  std::optional<int> max_examples;           ///< the first so many of every training file
  std::optional<std::string> chat_template;  ///< a Jinja file instead of the model's own
  std::optional<std::string> date;           ///< YYYY-MM-DD: the day that a template with strftime_now writes
};

std::vector<std::pair<const char*, DataFormat>> words_of(DataFormat);
std::vector<std::pair<const char*, TrainOn>> words_of(TrainOn);
std::vector<std::pair<const char*, TooLong>> words_of(TooLong);
std::vector<std::pair<const char*, Remainder>> words_of(Remainder);
void bind(config::Fields& field, Source& s);
void bind(config::Fields& field, Data& s);

}  // namespace pst::recipe
