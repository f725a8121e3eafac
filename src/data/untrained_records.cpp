// SPDX-License-Identifier: Apache-2.0
#include <algorithm>
#include <array>

#include "core/strings.hpp"
#include "data/messages.hpp"
#include "data/record_format.hpp"

namespace pst::data {
namespace {

using recipe::DataFormat;

/// A text, or a list of messages.
void check_side(const Record& record, const char* key) {
  const Json& value = record.must_have(key);
  if (value.is_array()) {
    Example ignored;
    append_messages(ignored, value, key);
  } else if (trim(record.text(key)).empty()) {
    refuse(cat("\"", key, "\" is empty"));
  }
}

/// As TRL has them. @see TRL, "Dataset formats and types"
void check_preference(const Json& json) {
  const Record record(json);
  if (record.find("prompt") != nullptr) check_side(record, "prompt");
  check_side(record, "chosen");
  check_side(record, "rejected");
  if (json["chosen"].is_array() != json["rejected"].is_array())
    refuse("\"chosen\" and \"rejected\" must both be texts or both be lists of messages");
  if (json["chosen"] == json["rejected"]) refuse("\"chosen\" and \"rejected\" are the same: nothing can be preferred");
}

void check_unpaired(const Json& json) {
  const Record record(json);
  check_side(record, "prompt");
  check_side(record, "completion");
  if (!record.must_have("label").is_boolean())
    refuse(cat("\"label\" is a JSON ", kind_of(json["label"]), "; it must be true or false"));
}

void check_stepwise(const Json& json) {
  const Record record(json);
  (void)record.text("prompt");
  const Json &steps = record.must_have("completions"), &labels = record.must_have("labels");
  if (!steps.is_array() || steps.empty()) refuse("\"completions\" must be a list of texts, the steps of an answer");
  if (!labels.is_array() || labels.size() != steps.size())
    refuse(cat("\"labels\" must be a list with true or false for each of the ", steps.size(), " steps"));
  for (const Json& step : steps)
    if (!step.is_string()) refuse("\"completions\" must be a list of texts, the steps of an answer");
  for (const Json& label : labels)
    if (!label.is_boolean()) refuse("\"labels\" must be a list of true and false");
}

void check_prompt(const Json& json) { check_side(Record(json), "prompt"); }

/// Only what goes with a prompt: with other keys it is a record whose answer has a name that we do not know.
bool is_prompt_only(const Json& record) {
  constexpr std::array<std::string_view, 4> kKnown = {"prompt", "tools", "id", "chat_template_kwargs"};
  if (!record.contains("prompt")) return false;
  for (const auto& item : record.items())
    if (std::find(kKnown.begin(), kKnown.end(), item.key()) == kKnown.end()) return false;
  return true;
}

const UntrainedFormat kPreference{
    DataFormat::preference,
    [](const Json& record) { return record.contains("chosen") && record.contains("rejected"); },
    "preference record",
    "\"chosen\" and \"rejected\"",
    "to learn the preferred answers alone: `columns: {completion: chosen}` where it has a prompt, "
    "`columns: {messages: chosen}` where it has conversations",
    &check_preference};
const UntrainedFormat kUnpaired{
    DataFormat::kto,
    [](const Json&) { return false; },
    "record of unpaired preferences",
    "\"prompt\", \"completion\" and \"label\"",
    "as `format: prompt_completion` those with `label: true` are learned, the others left out",
    &check_unpaired};
const UntrainedFormat kStepwise{
    DataFormat::stepwise,
    [](const Json& record) { return record.contains("completions") && record.contains("labels"); },
    "record of steps with labels",
    "\"completions\" and \"labels\"",
    "to learn the steps as one answer: `row_template` with {{ completions | join }}",
    &check_stepwise};
const UntrainedFormat kPromptOnly{DataFormat::prompt_only,
                                  &is_prompt_only,
                                  "prompt without an answer",
                                  "\"prompt\" alone",
                                  "to learn the prompts themselves: `columns: {text: prompt}`",
                                  &check_prompt};

}  // namespace

std::span<const UntrainedFormat* const> untrained_formats() {
  static const std::array rows = {&kPreference, &kUnpaired, &kStepwise, &kPromptOnly};
  return rows;
}

const UntrainedFormat* untrained(DataFormat format) {
  for (const auto* const row : untrained_formats())
    if (row->format == format) return row;
  return nullptr;
}

}  // namespace pst::data
