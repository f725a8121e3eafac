// SPDX-License-Identifier: Apache-2.0
#include <utility>

#include "config/parse_yaml.hpp"
#include "core/strings.hpp"
#include "data/read_source.hpp"

namespace pst::data {
namespace {

constexpr const char* kConversations = "conversations";

/// Turns alternate, the user first.
Json turns_of(const config::Node& conversation) {
  Json messages = Json::array();
  for (const config::Node& item : conversation.items) {
    const char* const role = messages.size() % 2 == 0 ? "user" : "assistant";
    messages.push_back({{"role", role}, {"content", item.text}});
  }
  return messages;
}

/// What is wrong with a conversation, and in which line.
std::optional<std::pair<int, std::string>> flaw_of(const config::Node& conversation) {
  using Kind = config::Node::Kind;
  if (conversation.kind != Kind::list)
    return std::pair{conversation.mark.line,
                     cat("a conversation is a list of turns (`- - question` and `  - answer`), but this is ",
                         conversation.describe())};
  if (conversation.items.empty())
    return std::pair{conversation.mark.line, std::string("the conversation has no turns")};
  for (const config::Node& item : conversation.items)
    if (item.kind != Kind::scalar)  // numbers, true, no ... are scalars, and text here
      return std::pair{item.mark.line, cat("a turn is text, but this is ", item.describe(), "; put it in quotes")};
  return std::nullopt;
}

/// The file has them once, so its first example tells of them.
std::vector<Note> unread_keys(const config::Node& document) {
  std::vector<Note> notes;
  for (const auto& entry : document.entries)
    if (entry.key != kConversations) notes.push_back({"not used, keys of the file", quoted(entry.key, 40)});
  return notes;
}

config::Node parse_corpus(const SourceFile& source) {
  constexpr config::ParseLimits kLimits = {.max_bytes = std::size_t{64} << 20, .max_nodes = 1'000'000, .max_depth = 8};
  config::Problems problems;
  try {
    const std::string text = source.file.whole_text(kLimits.max_bytes);
    config::Node document = config::parse_yaml(text, source.path, problems, kLimits);
    problems.throw_if_any();
    return document;
  } catch (const Error& error) {
    throw Error(Fault::data, error.message(), "correct the file, or convert it to JSONL with \"messages\"");
  }
}

}  // namespace

void read_chatterbot(const SourceFile& source, const std::function<bool(Example&&)>& take,
                     const std::function<bool(int line, const std::string& what)>& wrong) {
  const config::Node document = parse_corpus(source);
  const config::Node* const conversations = document.find(kConversations);
  if (conversations == nullptr || conversations->kind != config::Node::Kind::list) {
    wrong(document.mark.line, "the file has no list `conversations`, as a chatterbot corpus has");
    return;
  }
  std::vector<Note> notes = unread_keys(document);
  for (const config::Node& conversation : conversations->items) {
    bool more = true;
    if (const auto flaw = flaw_of(conversation)) {
      more = wrong(flaw->first, flaw->second);
    } else {
      Example example;
      example.messages = turns_of(conversation);
      example.line = conversation.mark.line;
      example.notes = std::exchange(notes, {});
      more = take(std::move(example));
    }
    if (!more) return;
  }
}

}  // namespace pst::data
