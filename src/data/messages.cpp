// SPDX-License-Identifier: Apache-2.0
#include "data/messages.hpp"

#include <algorithm>
#include <array>

#include "core/strings.hpp"

namespace pst::data {
namespace {

/// Content as one text: parts of type "text" are put together, since text models' templates expect text.
std::string content_text(const Json& content, const std::string& where, Example& to) {
  if (content.is_string()) return content.get<std::string>();
  if (!content.is_array())
    refuse(cat(where, ": \"content\" is a JSON ", kind_of(content), "; it must be a text or text parts"));
  std::string all;
  for (const Json& part : content) {
    const bool is_text =
        part.is_object() && part.value("type", Json()) == "text" && part.contains("text") && part["text"].is_string();
    if (!is_text)
      refuse(
          cat(where, ": a part of \"content\" is not {\"type\": \"text\", \"text\": ...}; only text is learned here"));
    all += part["text"].get_ref<const std::string&>();
    for (const auto& item : part.items())
      if (item.key() != "type" && item.key() != "text")
        to.notes.push_back({"not used, keys of a message's parts", quoted(item.key(), 40)});
  }
  return all;
}

/// The keys by which data of other programs keep a turn from being learned: OpenAI's and Mistral's weight (0 or 1),
/// axolotl's train and training, ms-swift's loss.
constexpr std::array kMarks = {"weight", "train", "training", "loss"};

std::optional<bool> mark_of(const Json& value) {
  if (value.is_boolean()) return value.get<bool>();
  if (value.is_number() && (value == 0 || value == 1)) return value == 1;
  return std::nullopt;
}

/// Whether the message may be learned, as far as it says so itself.
std::optional<bool> marked(const Json& message, const std::string& where) {
  std::optional<bool> verdict;
  for (const char* const key : kMarks) {
    const auto found = message.find(key);
    if (found == message.end() || found->is_null()) continue;
    const auto mark = mark_of(*found);
    if (!mark)
      refuse(cat(where, ": \"", key, "\" is ", quoted(found->dump(), 40),
                 "; a turn is learned (1, true) or not (0, false), and nothing between"));
    if (verdict && *verdict != *mark) refuse(cat(where, ": \"", key, "\" contradicts another key of the message"));
    verdict = mark;
  }
  return verdict;
}

/// Tool calls as a list, which some data sets hold as the JSON text of one.
void check_calls(Json& message, const std::string& where) {
  const auto calls = message.find("tool_calls");
  if (calls == message.end() || calls->is_null()) return;
  if (calls->is_string()) {
    const auto& text = calls->get_ref<const std::string&>();
    auto list = text.empty() ? std::optional<Json>(Json::array()) : json_in_text(text);
    if (!list || !list->is_array()) refuse(cat(where, ": \"tool_calls\" is a text, and not the JSON text of a list"));
    *calls = std::move(*list);
  }
  if (!calls->is_array()) refuse(cat(where, ": \"tool_calls\" is a JSON ", kind_of(*calls), "; it must be a list"));
}

}  // namespace

void append_messages(Example& to, const Json& messages, const char* key) {
  if (!messages.is_array())
    refuse(cat("\"", key, "\" is a JSON ", kind_of(messages), "; it must be a list of messages"));
  if (messages.empty()) refuse(cat("\"", key, "\" is an empty list"));
  int number = 0;
  for (const Json& message : messages) {
    const std::string where = cat("message ", ++number);
    if (!message.is_object()) refuse(cat(where, " is a JSON ", kind_of(message), "; it must be an object"));
    const auto role = message.find("role");
    if (role == message.end()) refuse(cat(where, " has no \"role\""));
    if (!role->is_string() || role->get_ref<const std::string&>().empty())
      refuse(cat(where, ": \"role\" must be a word"));
    Json checked = message;
    check_calls(checked, where);
    const auto content = message.find("content");
    const bool has_content = content != message.end() && !content->is_null();
    if (!has_content && !has_calls(checked) && !message.contains("function_call"))
      refuse(cat(where, " has no \"content\"", content == message.end() ? "" : " (it is null)",
                 message.contains("tool_calls") ? " and calls no tool" : ""));
    checked["content"] = has_content ? content_text(*content, where, to) : std::string();
    if (const auto may_learn = marked(message, where)) {
      if (!*may_learn) to.not_learned.push_back(to.messages.size());
      if (*may_learn && *role != "assistant")
        to.notes.push_back({"marked as to be learned, but only the assistant's turns are, turns of the role",
                            quoted(role->get_ref<const std::string&>(), 40)});
    }
    to.messages.push_back(std::move(checked));
  }
}

void read_tools_and_system(Example& to, const Record& record) {
  if (const Json* tools = record.find("tools"); tools && !tools->is_null()) {
    std::optional<Json> list;
    if (tools->is_array())
      list = *tools;
    else if (tools->is_string() && trim(tools->get_ref<const std::string&>()).empty())
      list = Json::array();
    else if (tools->is_string())
      list = json_in_text(tools->get_ref<const std::string&>());
    else
      refuse(cat("\"tools\" is a JSON ", kind_of(*tools), "; it must be a list"));
    if (!list || !list->is_array()) refuse("\"tools\" is a text, and not the JSON text of a list");
    for (Json& tool : *list) {
      if (tool.is_string())
        if (auto inner = json_in_text(tool.get_ref<const std::string&>()); inner && inner->is_object())
          tool = std::move(*inner);
    }
    if (!list->empty()) to.tools = std::move(*list);
  }
  const std::string system = record.text_or_empty("system");
  if (system.empty()) return;
  if (!to.messages.empty() && to.messages[0]["role"] == "system") {
    if (to.messages[0]["content"] == system) return;
    refuse("the record has a \"system\", and another one as its first message");
  }
  to.messages.insert(to.messages.begin(), Json{{"role", "system"}, {"content", system}});
  if (to.prompt_messages > 0) ++to.prompt_messages;
  for (auto& turn : to.not_learned) ++turn;
}

void read_template_values(Example& to, const Record& record) {
  if (const Json* documents = record.find("documents"); documents && !documents->is_null()) {
    const auto is_object = [](const Json& document) { return document.is_object(); };
    if (!documents->is_array() || !std::all_of(documents->begin(), documents->end(), is_object))
      refuse("\"documents\" must be a list of objects, such as {\"title\": ..., \"text\": ...}");
    to.values.documents = *documents;
  }
  const Json* const arguments = record.find("chat_template_kwargs");
  if (!arguments || arguments->is_null()) return;
  if (!arguments->is_object())
    refuse(cat("\"chat_template_kwargs\" is a JSON ", kind_of(*arguments), "; it must be an object"));
  for (const char* const taken : {"messages", "tools", "documents", "add_generation_prompt"})
    if (arguments->contains(taken))
      refuse(cat("\"chat_template_kwargs\" has \"", taken, "\", which the record itself has to say"));
  to.values.arguments = *arguments;
}

}  // namespace pst::data
