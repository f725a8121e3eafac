#pragma once
#include <optional>
#include <string>
#include <vector>

namespace pst::recipe {

enum class DataFormat { automatic, chat, prompt_completion, alpaca, text, chatterbot };
enum class TrainOn { assistant, completion, all };
enum class TooLong { truncate, skip };

struct Source {
  std::string path;
  DataFormat format = DataFormat::automatic;
};

struct Data {
  std::vector<Source> train;
  std::vector<Source> validation;    ///< excludes validation_fraction
  double validation_fraction = 0;    ///< share of the examples held out, chosen by seed
  int max_length = 1024;             ///< tokens of a row
  TooLong too_long = TooLong::truncate;
  bool packing = true;
  TrainOn train_on = TrainOn::assistant;
  bool shuffle = true;
  std::optional<int> max_examples;            ///< the first so many of every training file
  std::optional<std::string> chat_template;   ///< a Jinja file instead of the model's own
};

}  // namespace pst::recipe
