// SPDX-License-Identifier: Apache-2.0
#include "data/template_check.hpp"

#include <algorithm>
#include <array>
#include <set>

#include "core/error.hpp"
#include "core/strings.hpp"

namespace pst::data {
namespace {

/// What conversations have anyway, and what is read of them before the template is.
constexpr std::array<std::string_view, 8> kReadByUs = {"role",   "content", "tool_calls", "function_call",
                                                       "weight", "train",   "training",   "loss"};
constexpr int kMostCalls = 32;  // of a conversation that are looked for one by one
constexpr int kTries = 64;      // examples in which a key has to matter once; after these it is told as not used
constexpr std::size_t kMostKeys = 256;  // that are tried; data with more of them are no conversations
constexpr const char* kRemedy =
    "give a template that writes tools and their calls as data.chat_template, or put the calls into the text of the "
    "turn";

/// Every {"arguments": "text"} of the messages' calls.
template <class Messages, class Use>
void for_text_arguments(Messages& messages, Use use) {
  for (auto& message : messages) {
    if (!has_calls(message) || !message["tool_calls"].is_array()) continue;
    for (auto& call : message["tool_calls"]) {
      if (!call.is_object()) continue;
      auto& function = call.contains("function") && call["function"].is_object() ? call["function"] : call;
      if (function.contains("arguments") && function["arguments"].is_string()) use(function["arguments"]);
    }
  }
}

}  // namespace

std::optional<Json> TemplateCheck::with_objects(const Example& example) const {
  std::vector<std::string> texts;
  for_text_arguments(example.messages, [&](const Json& arguments) { texts.push_back(arguments.get<std::string>()); });
  if (texts.empty()) return std::nullopt;
  Json messages = example.messages;
  bool has_changed = false;
  for_text_arguments(messages, [&](Json& arguments) {
    auto value = json_in_text(arguments.get_ref<const std::string&>());
    if (!value || !value->is_object()) return;
    arguments = std::move(*value);
    has_changed = true;
  });
  if (!has_changed) return std::nullopt;
  try {
    const std::string written = format_.render(example.messages, example.tools, /*add_generation_prompt=*/false);
    const auto is_encoded_twice = [&](const std::string& text) { return written.find(Json(text).dump()) != text.npos; };
    if (std::none_of(texts.begin(), texts.end(), is_encoded_twice)) return std::nullopt;
  } catch (const Error& error) {
    if (error.fault() != Fault::data) throw;  // the template takes no text there
  }
  return messages;
}

/// Whether the template writes `messages` otherwise than `text`; where it cannot write them, it needs what they lack.
bool TemplateCheck::differs(const Json& messages, const Json& tools, const std::string& text) const {
  try {
    return format_.render(messages, tools, /*add_generation_prompt=*/false) != text;
  } catch (const Error& error) {
    if (error.fault() != Fault::data) throw;
    return true;
  }
}

bool TemplateCheck::is_written(const Example& example, const std::string& key, const std::string& text) const {
  Json messages = example.messages;
  for (Json& message : messages) message.erase(key);
  return differs(messages, example.tools, text);
}

void TemplateCheck::check_calls(const Example& example, const std::string& text) const {
  const auto lost = [&](std::size_t turn, const char* key) {
    throw Error(Fault::data,
                cat("message ", turn + 1, ": ", format_.template_file(), " does not write its \"", key,
                    "\": the call would be lost"),
                kRemedy);
  };
  int tries = 0;
  for (std::size_t turn = 0; turn < example.messages.size(); ++turn) {
    const Json& message = example.messages[turn];
    const std::size_t calls = has_calls(message) ? message["tool_calls"].size() : 0;
    for (std::size_t call = 0; call < calls && ++tries <= kMostCalls; ++call) {
      Json messages = example.messages;
      if (calls == 1)
        messages[turn].erase("tool_calls");
      else
        messages[turn]["tool_calls"].erase(call);
      if (!differs(messages, example.tools, text)) lost(turn, "tool_calls");
    }
    const auto old_form = message.find("function_call");
    if (old_form == message.end() || old_form->is_null() || ++tries > kMostCalls) continue;
    Json messages = example.messages;
    messages[turn].erase("function_call");
    if (!differs(messages, example.tools, text)) lost(turn, "function_call");
  }
}

void TemplateCheck::look_at_keys(const Example& example, const std::string& text, std::vector<Note>& notes) {
  std::set<std::string> keys;
  for (const Json& message : example.messages)
    for (const auto& item : message.items())
      if (!item.value().is_null() && std::find(kReadByUs.begin(), kReadByUs.end(), item.key()) == kReadByUs.end())
        keys.insert(item.key());
  for (const auto& key : keys) {
    KeyState& state = keys_[key];
    if (!state.is_written && state.tries < kTries && keys_.size() <= kMostKeys) {
      ++state.tries;
      state.is_written = is_written(example, key, text);
    }
    if (!state.is_written) notes.push_back({"not written by the chat template, keys of messages", quoted(key, 40)});
  }
}

void TemplateCheck::look_at(const Example& example, const std::string& text, std::vector<Note>& notes) {
  check_calls(example, text);
  if (!example.tools.is_null() && !differs(example.messages, Json::array(), text))
    notes.push_back({"not written by the chat template, keys of the records", quoted("tools")});
  look_at_keys(example, text, notes);
}

}  // namespace pst::data
