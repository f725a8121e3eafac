// SPDX-License-Identifier: Apache-2.0
#include "data/records.hpp"

#include "core/error.hpp"
#include "core/strings.hpp"

namespace pst::data {
namespace {

using recipe::DataFormat;

[[noreturn]] void refuse(const std::string& what) { throw Error(Fault::data, what); }

std::string keys_of(const Json& record) {
  std::vector<std::string> keys;
  for (const auto& item : record.items()) {
    if (keys.size() == 10) {
      keys.push_back("...");
      break;
    }
    keys.push_back(quoted(item.key(), 40));
  }
  return keys.empty() ? "none" : join(keys, ", ");
}

const Json& must_have(const Json& record, const char* key) {
  const auto found = record.find(key);
  if (found == record.end()) refuse(cat("the record has no \"", key, "\"; its keys: ", keys_of(record)));
  return *found;
}

const std::string& text_of(const Json& record, const char* key) {
  const Json& value = must_have(record, key);
  if (!value.is_string()) refuse(cat("\"", key, "\" is a JSON ", value.type_name(), "; it must be a text"));
  return value.get_ref<const std::string&>();
}

std::string text_or_empty(const Json& record, const char* key) {
  const auto found = record.find(key);
  return found == record.end() || found->is_null() ? std::string() : text_of(record, key);
}

/// Content as one text: parts of type "text" are put together, since text models' templates expect text.
std::string content_text(const Json& content, const std::string& where) {
  if (content.is_string()) return content.get<std::string>();
  if (!content.is_array())
    refuse(cat(where, ": \"content\" is a JSON ", content.type_name(), "; it must be a text or text parts"));
  std::string all;
  for (const Json& part : content) {
    const bool is_text =
        part.is_object() && part.value("type", Json()) == "text" && part.contains("text") && part["text"].is_string();
    if (!is_text)
      refuse(
          cat(where, ": a part of \"content\" is not {\"type\": \"text\", \"text\": ...}; only text is learned here"));
    all += part["text"].get_ref<const std::string&>();
  }
  return all;
}

/// Checks a list of messages and appends it. @param key  where the list stands, for messages
void append_messages(Json& to, const Json& messages, const char* key) {
  if (!messages.is_array())
    refuse(cat("\"", key, "\" is a JSON ", messages.type_name(), "; it must be a list of messages"));
  if (messages.empty()) refuse(cat("\"", key, "\" is an empty list"));
  int number = 0;
  for (const Json& message : messages) {
    const std::string where = cat("message ", ++number);
    if (!message.is_object()) refuse(cat(where, " is a JSON ", message.type_name(), "; it must be an object"));
    const auto role = message.find("role");
    if (role == message.end()) refuse(cat(where, " has no \"role\""));
    if (!role->is_string() || role->get_ref<const std::string&>().empty())
      refuse(cat(where, ": \"role\" must be a word"));
    const auto content = message.find("content");
    const bool has_content = content != message.end() && !content->is_null();
    if (!has_content && !message.contains("tool_calls")) refuse(cat(where, " has no \"content\""));
    Json checked = message;
    checked["content"] = has_content ? content_text(*content, where) : std::string();
    to.push_back(std::move(checked));
  }
}

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

Json turn(const char* role, std::string content) { return {{"role", role}, {"content", std::move(content)}}; }

Example chat(const Json& record) {
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

Example prompt_completion(const Json& record) {
  const Json& prompt = must_have(record, "prompt");
  const Json& completion = must_have(record, "completion");
  Example example;
  if (prompt.is_array() && completion.is_array()) {
    append_messages(example.messages, prompt, "prompt");
    example.prompt_messages = example.messages.size();
    append_messages(example.messages, completion, "completion");
    return example;
  }
  if (prompt.is_array() != completion.is_array())
    refuse("\"prompt\" and \"completion\" must both be texts or both be lists of messages");
  example.kind = Example::Kind::pair;
  example.prompt = text_of(record, "prompt");
  example.completion = text_of(record, "completion");
  return example;
}

/// instruction, input, output, system, history of Stanford Alpaca and LLaMA-Factory.
Example alpaca(const Json& record) {
  std::string question = text_of(record, "instruction");
  if (const std::string input = text_or_empty(record, "input"); !input.empty()) question += "\n" + input;
  const std::string system = text_or_empty(record, "system");
  const auto history = record.find("history");
  const bool has_history = history != record.end() && !history->is_null() && !history->empty();
  Example example;
  if (system.empty() && !has_history) {
    example.kind = Example::Kind::pair;
    example.prompt = std::move(question);
    example.completion = text_of(record, "output");
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
  example.messages.push_back(turn("assistant", text_of(record, "output")));
  return example;
}

Example text(const Json& record) {
  Example example;
  example.kind = Example::Kind::text;
  example.completion = text_of(record, "text");
  return example;
}

}  // namespace

Guess guess_format(const Json& record) {
  const auto has = [&](const char* key) { return record.contains(key); };
  if (has("messages")) return {DataFormat::chat, "the first record has \"messages\""};
  if (has("conversations"))
    return {DataFormat::chat, "the first record has \"conversations\", as ShareGPT writes them"};
  if (has("prompt") && has("completion"))
    return {DataFormat::prompt_completion, "the first record has \"prompt\" and \"completion\""};
  if (has("instruction") && has("output"))
    return {DataFormat::alpaca, "the first record has \"instruction\" and \"output\""};
  if (has("text")) return {DataFormat::text, "the first record has \"text\""};
  return {DataFormat::automatic,
          cat("the first record has none of \"messages\", \"prompt\" and \"completion\", \"instruction\" and "
              "\"output\", or \"text\"; its keys: ",
              keys_of(record))};
}

Example example_of(const Json& record, DataFormat format) {
  switch (format) {
    case DataFormat::chat: return chat(record);
    case DataFormat::prompt_completion: return prompt_completion(record);
    case DataFormat::alpaca: return alpaca(record);
    case DataFormat::text: return text(record);
    case DataFormat::automatic:
    case DataFormat::chatterbot: break;
  }
  throw Error(Fault::bug, "this format has no JSON records");
}

}  // namespace pst::data
