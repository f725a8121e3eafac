// SPDX-License-Identifier: Apache-2.0
#include "data/turn_checks.hpp"

#include <algorithm>
#include <array>

#include "core/strings.hpp"
#include "data/record_checks.hpp"

namespace pst::data {
namespace {

constexpr std::array<std::string_view, 7> kKnown = {"system", "developer", "user",   "assistant",
                                                    "tool",   "function",  "ipython"};
constexpr std::array<std::pair<std::string_view, std::string_view>, 14> kMeant = {{{"human", "user"},
                                                                                   {"gpt", "assistant"},
                                                                                   {"model", "assistant"},
                                                                                   {"bot", "assistant"},
                                                                                   {"ai", "assistant"},
                                                                                   {"chatbot", "assistant"},
                                                                                   {"chatgpt", "assistant"},
                                                                                   {"assitant", "assistant"},
                                                                                   {"function_call", "assistant"},
                                                                                   {"tool_call", "assistant"},
                                                                                   {"observation", "tool"},
                                                                                   {"tool_response", "tool"},
                                                                                   {"function_response", "tool"},
                                                                                   {"tools", "tool"}}};

/// The role that was meant by one that nobody knows; empty when there is none.
std::string_view meant_by(const std::string& role) {
  const std::string low = lower(trim(role));
  for (const auto known : kKnown)
    if (low == known) return known;
  for (const auto& [word, known] : kMeant)
    if (low == word) return known;
  return {};
}

const std::string& role_of(const Json& message) { return message["role"].get_ref<const std::string&>(); }

bool says_nothing(const Json& message) {
  const auto is_something = [](const auto& item) {  // such as reasoning_content
    return item.key() != "role" && item.key() != "content" && item.value().is_string() &&
           !item.value().template get_ref<const std::string&>().empty();
  };
  if (!trim(message["content"].get_ref<const std::string&>()).empty() || has_calls(message)) return false;
  const auto items = message.items();
  return std::none_of(items.begin(), items.end(), is_something);
}

bool is_learned(const Example& example, std::size_t turn) {
  return turn >= example.prompt_messages && role_of(example.messages[turn]) == "assistant" &&
         !std::binary_search(example.not_learned.begin(), example.not_learned.end(), turn);
}

}  // namespace

void check_roles(const Example& example, const ChatFormat& format, recipe::TrainOn train_on, std::vector<Note>& notes) {
  for (std::size_t i = 0; i < example.messages.size(); ++i) {
    const std::string& role = role_of(example.messages[i]);
    if (std::find(kKnown.begin(), kKnown.end(), role) != kKnown.end()) continue;
    const auto meant = meant_by(role);
    const bool would_be_learned = meant == "assistant" && train_on != recipe::TrainOn::all;
    if (format.mentions(role) && !would_be_learned) continue;
    if (!meant.empty())
      refuse(cat("message ", i + 1, ": the role ", quoted(role, 40), " is not known; write it as ", quoted(meant),
                 meant == "assistant" ? ", whose turns are learned" : ""));
    notes.push_back(
        {"never learned, and written however the template writes them, turns of the role", quoted(role, 40)});
  }
}

void look_at_turns(const Example& example, std::vector<Note>& notes) {
  bool has_begun = false;
  const std::string* before = nullptr;
  for (std::size_t i = 0; i < example.messages.size(); ++i) {
    const Json& message = example.messages[i];
    const std::string& role = role_of(message);
    if (role == "system" && has_begun) notes.push_back({"a system message does not come first", {}});
    if (role != "system" && role != "developer") {
      if (!has_begun && role == "assistant") notes.push_back({"a conversation begins with the assistant's turn", {}});
      has_begun = true;
    }
    if (before && *before == role && (role == "user" || role == "assistant"))
      notes.push_back({"two turns follow one another of the role", quoted(role)});
    before = &role;
    if (is_learned(example, i) && says_nothing(message))
      notes.push_back({"an answer is empty: the end of the turn is all that is learned of it", {}});
  }
  if (before && *before != "assistant")
    notes.push_back(
        {"nothing is learned of the last turn where a conversation ends with the role", quoted(*before, 40)});
}

std::string why_nothing_is_learned(const Example& example) {
  std::size_t answers = 0, learned = 0;
  for (std::size_t i = 0; i < example.messages.size(); ++i) {
    answers += role_of(example.messages[i]) == "assistant" ? 1 : 0;
    learned += is_learned(example, i) ? 1 : 0;
  }
  if (answers == 0) return "the conversation has no turn of the assistant";
  if (learned == 0) return "every turn of the assistant is kept from being learned";
  return "no token of an answer is within max_length";
}

}  // namespace pst::data
