// SPDX-License-Identifier: Apache-2.0
#include "core/strings.hpp"
#include "data/record_checks.hpp"
#include "data/record_format.hpp"

namespace pst::data {
namespace {

/// ShareGPT's {"from": "human", "value": ...} as {"role": "user", "content": ...}.
Json messages_of_sharegpt(const Json& conversations) {
  if (!conversations.is_array()) return conversations;  // append_messages says what is wrong with it
  Json messages = Json::array();
  for (const Json& item : conversations) {
    if (!item.is_object() || !item.contains("from") || !item.contains("value")) {
      messages.push_back(item);
      continue;
    }
    Json message = {{"role", item["from"]}, {"content", item["value"]}};
    if (message["role"] == "human") message["role"] = "user";
    if (message["role"] == "gpt" || message["role"] == "model" || message["role"] == "bot")
      message["role"] = "assistant";
    messages.push_back(std::move(message));
  }
  return messages;
}

Example read(const Json& record) {
  Example example;
  if (!record.contains("messages") && record.contains("conversations"))
    append_messages(example.messages, messages_of_sharegpt(record["conversations"]), "conversations");
  else
    append_messages(example.messages, must_have(record, "messages"), "messages");
  if (const auto tools = record.find("tools"); tools != record.end() && !tools->is_null()) {
    if (!tools->is_array()) refuse(cat("\"tools\" is a JSON ", tools->type_name(), "; it must be a list"));
    if (!tools->empty()) example.tools = *tools;
  }
  return example;
}

}  // namespace

extern const RecordFormat kChatRecords, kShareGptRecords;
const RecordFormat kChatRecords{recipe::DataFormat::chat,
                                [](const Json& record) { return record.contains("messages"); }, "\"messages\"", &read};
const RecordFormat kShareGptRecords{recipe::DataFormat::chat,
                                    [](const Json& record) { return record.contains("conversations"); },
                                    "\"conversations\", as ShareGPT writes them", &read};

}  // namespace pst::data
