// SPDX-License-Identifier: Apache-2.0
#include "data/record_checks.hpp"

#include "core/error.hpp"
#include "core/strings.hpp"

namespace pst::data {

void refuse(const std::string& what) { throw Error(Fault::data, what); }

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

namespace {

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

}  // namespace

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

}  // namespace pst::data
