// SPDX-License-Identifier: Apache-2.0
#pragma once
#include <cstdint>
#include <nlohmann/json_fwd.hpp>
#include <string>
#include <string_view>
#include <vector>

#include "recipe/data.hpp"

namespace pst::data {
struct Example;
}

namespace pst::datarules {

using Json = nlohmann::ordered_json;

/// Where a record begins: a file by its number, and a line or a row of it. Line 0 is the file.
struct Place {
  std::uint32_t file = 0;
  int line = 0;
  bool operator==(const Place&) const = default;
};

enum class Split { train, validation };

/// A text that somebody wrote: a turn, a prompt, an answer.
struct Text {
  std::string_view text;
  const char* part = "";    ///< "prompt", "completion", "text", "chosen", "rejected"; empty for a turn
  int message = 0;          ///< of a turn, from 1
  std::string_view role{};  ///< of a turn
  bool is_answer = false;   ///< the model is to write such texts

  std::string where() const;  ///< "message 2 (assistant)"
};

/// A record, as rules see it.
struct RecordView {
  Place place;
  Split split = Split::train;
  recipe::DataFormat format = recipe::DataFormat::automatic;
  const Json* values = nullptr;            ///< of records that nothing is trained on: preferences and the like
  const data::Example* example = nullptr;  ///< of the others
  bool is_bad = false;                     ///< an answer of the kind that is not wanted
  std::vector<Text> texts;                 ///< in their order; they look into the example or the values
};

std::vector<Text> texts_of(const data::Example& example);
/// Those of a preference, of unpaired preferences and the like, by the names of their keys.
std::vector<Text> texts_of(const Json& values);

/// What is asked (the texts before the first answer) and what is answered (that one, and all behind it). A plain text
/// is asked.
struct Asked {
  std::string prompt, answer;
};
Asked asked_of(const RecordView& record);

}  // namespace pst::datarules
