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

std::size_t occurrences(const std::string& text, const std::string& word) {
  std::size_t count = 0;
  for (auto at = text.find(word); at != text.npos; at = text.find(word, at + word.size())) ++count;
  return count;
}

/// What has to stand in a text that writes a call: its name, or something of its arguments.
std::vector<std::string> words_of_call(const Json& call) {
  std::vector<std::string> words;
  const auto add = [&](std::string word) {
    if (!word.empty()) words.push_back(std::move(word));
  };
  if (!call.is_object()) return words;
  const Json& function = call.contains("function") && call["function"].is_object() ? call["function"] : call;
  if (const auto name = function.find("name"); name != function.end() && name->is_string())
    add(name->get<std::string>());
  const auto found = function.find("arguments");
  if (found == function.end()) return words;
  Json arguments = *found;
  if (arguments.is_string())
    if (auto inner = json_in_text(arguments.get_ref<const std::string&>())) arguments = std::move(*inner);
  if (arguments.is_string()) add(arguments.get<std::string>());
  if (!arguments.is_object()) return words;
  for (const auto& item : arguments.items()) {
    add(item.key());
    if (item.value().is_string()) add(item.value().get<std::string>());
  }
  return words;
}

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
    const std::string written =
        format_.render(example.messages, example.tools, /*add_generation_prompt=*/false, example.values);
    const auto is_encoded_twice = [&](const std::string& text) { return written.find(Json(text).dump()) != text.npos; };
    if (std::none_of(texts.begin(), texts.end(), is_encoded_twice)) return std::nullopt;
  } catch (const Error& error) {
    if (error.fault() != Fault::data) throw;  // the template takes no text there
  }
  return messages;
}

/// `messages` as the template writes them; nothing where it cannot: it needs what they lack.
std::optional<std::string> TemplateCheck::written(const Json& messages, const Json& tools,
                                                  const TemplateValues& values) const {
  try {
    return format_.render(messages, tools, /*add_generation_prompt=*/false, values);
  } catch (const Error& error) {
    if (error.fault() != Fault::data) throw;
    return std::nullopt;
  }
}

bool TemplateCheck::is_written(const Example& example, const std::string& key, const std::string& text) const {
  Json messages = example.messages;
  for (Json& message : messages) message.erase(key);
  return written(messages, example.tools, example.values) != text;
}

void TemplateCheck::check_calls(const Example& example, const std::string& text) const {
  int tries = 0;
  const auto check = [&](std::size_t turn, const char* key, const Json& call, const Json& messages) {
    if (++tries > kMostCalls) return;
    const auto silent = written(messages, example.tools, example.values);
    const auto shows = [&](const std::string& word) {
      return occurrences(text, word) > (silent ? occurrences(*silent, word) : 0);
    };
    // Some templates write the frame of a call and leave out the call.
    const auto words = words_of_call(call);
    const bool is_there = words.empty() ? silent != text : std::any_of(words.begin(), words.end(), shows);
    if (!is_there)
      throw Error(Fault::data,
                  cat("message ", turn + 1, ": ", format_.template_file(), " does not write its \"", key,
                      "\": the call would be lost"),
                  kRemedy);
  };
  for (std::size_t turn = 0; turn < example.messages.size() && tries < kMostCalls; ++turn) {
    const Json& message = example.messages[turn];
    const std::size_t calls = has_calls(message) ? message["tool_calls"].size() : 0;
    for (std::size_t call = 0; call < calls && tries < kMostCalls; ++call) {
      Json messages = example.messages;
      if (calls == 1)
        messages[turn].erase("tool_calls");
      else
        messages[turn]["tool_calls"].erase(call);
      check(turn, "tool_calls", message["tool_calls"][call], messages);
    }
    const auto old_form = message.find("function_call");
    if (old_form == message.end() || old_form->is_null()) continue;
    Json messages = example.messages;
    messages[turn].erase("function_call");
    check(turn, "function_call", *old_form, messages);
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

/// What the record gives the template beside its messages.
void TemplateCheck::look_at_values(const Example& example, const std::string& text, std::vector<Note>& notes) const {
  const auto tell = [&](const std::string& key) {
    notes.push_back({"not written by the chat template, keys of the records", quoted(key, 60)});
  };
  if (!example.tools.is_null() && written(example.messages, Json::array(), example.values) == text) tell("tools");
  TemplateValues values = example.values;
  values.documents = nullptr;
  if (!example.values.documents.is_null() && written(example.messages, example.tools, values) == text)
    tell("documents");
  for (const auto& item : example.values.arguments.items()) {
    if (example.values.arguments.size() > kMostKeys) return;
    values = example.values;
    values.arguments.erase(item.key());
    if (written(example.messages, example.tools, values) == text) tell("chat_template_kwargs." + item.key());
  }
}

void TemplateCheck::look_at(const Example& example, const std::string& text, std::vector<Note>& notes) {
  check_calls(example, text);
  look_at_values(example, text, notes);
  look_at_keys(example, text, notes);
}

}  // namespace pst::data
