// SPDX-License-Identifier: Apache-2.0
#include <array>
#include <string_view>
#include <utility>

#include "core/strings.hpp"
#include "data/messages.hpp"
#include "data/record_format.hpp"

namespace pst::data {

Example read_sharegpt(const Record& record);

namespace {

enum class Meaning { as_it_stands, call, answer_of_tool };
struct Role {
  std::string_view from, role;
  Meaning meaning = Meaning::as_it_stands;
};
constexpr std::array<Role, 13> kRoles = {{{"human", "user"},
                                          {"gpt", "assistant"},
                                          {"model", "assistant"},
                                          {"bot", "assistant"},
                                          {"chatgpt", "assistant"},
                                          {"chatbot", "assistant"},
                                          {"bing", "assistant"},
                                          {"bard", "assistant"},
                                          {"function_call", "assistant", Meaning::call},
                                          {"tool_call", "assistant", Meaning::call},
                                          {"observation", "tool", Meaning::answer_of_tool},
                                          {"function_response", "tool", Meaning::answer_of_tool},
                                          {"tool_response", "tool", Meaning::answer_of_tool}}};

/// {"name": ..., "arguments": ...} or a list of them, as JSON or its text, in the form that templates know.
Json calls_of(const Json& value, const std::string& where) {
  std::optional<Json> calls = value;
  if (value.is_string()) calls = json_in_text(value.get_ref<const std::string&>());
  if (calls && calls->is_object()) calls = Json::array({*calls});
  Json out = Json::array();
  for (const Json& call : calls && calls->is_array() ? *calls : Json::array({nullptr})) {
    if (!call.is_object() || !call.contains("name") || !call["name"].is_string() || !call.contains("arguments"))
      refuse(cat(where, " is a call of a tool, and its text is not the JSON {\"name\": ..., \"arguments\": {...}}"));
    out.push_back({{"type", "function"}, {"function", call}});
  }
  if (out.empty()) refuse(cat(where, " is a call of a tool, and calls none"));
  return out;
}

/// {"from": "human", "value": ...} as {"role": "user", "content": ...}; what else it has is kept.
Json message_of(const Json& item, const std::string& where) {
  if (!item.is_object() || !item.contains("from") || !item.contains("value")) return item;
  if (item.contains("role") || item.contains("content"))
    refuse(cat(where, " has \"from\" and \"value\", and \"role\" or \"content\" besides"));
  Role found{{}, {}};
  for (const Role& role : kRoles)
    if (item["from"] == role.from) found = role;
  Json message = {{"role", found.role.empty() ? item["from"] : Json(found.role)}};
  if (found.meaning == Meaning::call) {
    message["content"] = "";
    message["tool_calls"] = calls_of(item["value"], where);
  } else {
    message["content"] = item["value"];
  }
  for (const auto& member : item.items())
    if (member.key() != "from" && member.key() != "value") message[member.key()] = member.value();
  return message;
}

}  // namespace

Example read_sharegpt(const Record& record) {
  const Json& conversations = record.must_have("conversations");
  Json messages = conversations;  // append_messages says what is wrong with it when it is no list
  if (conversations.is_array()) {
    messages = Json::array();
    for (const Json& item : conversations) messages.push_back(message_of(item, cat("message ", messages.size() + 1)));
  }
  Example example;
  append_messages(example, messages, "conversations");
  read_tools_and_system(example, record);
  read_template_values(example, record);
  example.is_bad = record.is_marked_bad("kto_tag");
  return example;
}

extern const RecordFormat kShareGptRecords;
const RecordFormat kShareGptRecords{recipe::DataFormat::chat,
                                    [](const Json& record) { return record.contains("conversations"); },
                                    "\"conversations\", as ShareGPT writes them", &read_sharegpt};

}  // namespace pst::data
