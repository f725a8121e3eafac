// SPDX-License-Identifier: Apache-2.0
#include "data/record_checks.hpp"
#include "data/record_format.hpp"

namespace pst::data {
namespace {

Json turn(const char* role, std::string content) { return {{"role", role}, {"content", std::move(content)}}; }

/// instruction, input, output, system, history of Stanford Alpaca and LLaMA-Factory.
Example read(const Record& record) {
  std::string question = record.text("instruction");
  if (const std::string input = record.text_or_empty("input"); !input.empty()) question += "\n" + input;
  const std::string system = record.text_or_empty("system");
  const Json* const history = record.find("history");
  const bool has_history = history && !history->is_null() && !history->empty();
  Example example;
  example.is_bad = record.is_marked_bad("kto_tag");
  if (system.empty() && !has_history) {
    example.kind = Example::Kind::pair;
    example.prompt = std::move(question);
    example.completion = record.text("output");
    return example;
  }
  if (!system.empty()) example.messages.push_back(turn("system", system));
  if (has_history) {
    for (const Json& pair : history->is_array() ? *history : Json::array({nullptr})) {
      if (!pair.is_array() || pair.size() != 2 || !pair[0].is_string() || !pair[1].is_string())
        refuse("\"history\" must be a list of [question, answer]");
      example.messages.push_back(turn("user", pair[0]));
      example.messages.push_back(turn("assistant", pair[1]));
    }
  }
  example.messages.push_back(turn("user", std::move(question)));
  example.messages.push_back(turn("assistant", record.text("output")));
  return example;
}

}  // namespace

extern const RecordFormat kAlpacaRecords;
const RecordFormat kAlpacaRecords{
    recipe::DataFormat::alpaca,
    [](const Json& record) { return record.contains("instruction") && record.contains("output"); },
    "\"instruction\" and \"output\"", &read};

}  // namespace pst::data
