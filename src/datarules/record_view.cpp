// SPDX-License-Identifier: Apache-2.0
#include "datarules/record_view.hpp"

#include <array>

#include "core/strings.hpp"
#include "data/example.hpp"

namespace pst::datarules {
namespace {

const std::string* text_in(const Json& object, const char* key) {
  const auto found = object.find(key);
  return found != object.end() && found->is_string() ? &found->get_ref<const std::string&>() : nullptr;
}

void add_messages(std::vector<Text>& texts, const Json& messages, const char* part, bool are_answers) {
  int number = 0;
  for (const Json& message : messages) {
    ++number;
    if (!message.is_object()) continue;
    const std::string* const role = text_in(message, "role");
    const std::string* const content = text_in(message, "content");
    if (role == nullptr || content == nullptr) continue;
    texts.push_back({*content, part, number, *role, are_answers || *role == "assistant"});
  }
}

}  // namespace

std::string Text::where() const {
  if (message == 0) return part;
  return cat(part, *part != '\0' ? ", " : "", "message ", message, " (", role, ")");
}

std::vector<Text> texts_of(const data::Example& example) {
  using Kind = data::Example::Kind;
  std::vector<Text> texts;
  switch (example.kind) {
    case Kind::chat: add_messages(texts, example.messages, "", false); break;
    case Kind::pair:
      texts.push_back({example.prompt, "prompt"});
      texts.push_back({example.completion, "completion", 0, {}, true});
      break;
    case Kind::text: texts.push_back({example.completion, "text"}); break;
  }
  return texts;
}

std::vector<Text> texts_of(const Json& values) {
  constexpr std::array<std::pair<const char*, bool>, 4> kKeys = {
      {{"prompt", false}, {"chosen", true}, {"rejected", true}, {"completion", true}}};
  std::vector<Text> texts;
  for (const auto& [key, is_answer] : kKeys) {
    const auto found = values.find(key);
    if (found == values.end()) continue;
    if (found->is_string()) texts.push_back({found->get_ref<const std::string&>(), key, 0, {}, is_answer});
    if (found->is_array()) add_messages(texts, *found, key, false);
  }
  if (const auto steps = values.find("completions"); steps != values.end() && steps->is_array())
    for (const Json& step : *steps)
      if (step.is_string()) texts.push_back({step.get_ref<const std::string&>(), "completions", 0, {}, true});
  return texts;
}

Asked asked_of(const RecordView& record) {
  Asked asked;
  bool answers = false;
  for (const Text& text : record.texts) {
    answers = answers || text.is_answer;
    std::string& to = answers ? asked.answer : asked.prompt;
    if (!to.empty()) to += '\n';
    to += text.text;
  }
  return asked;
}

}  // namespace pst::datarules
