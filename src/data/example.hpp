// SPDX-License-Identifier: Apache-2.0
#pragma once
#include <string>
#include <utility>
#include <vector>

#include "data/chat_format.hpp"
#include "data/json_record.hpp"

namespace pst::data {

/// What a record holds and nothing is done with, or what is odd in it. Told, once for all records that have it.
struct Note {
  std::string what;
  std::string subject;  ///< the key, role or token that it is about; empty where `what` says all
};

/// A training example as its file has it, before templates and tokens.
struct Example {
  enum class Kind {
    chat,  ///< `messages` (and `tools`)
    pair,  ///< `prompt` and `completion`: a chat of two turns where the model has a template, else a text and what
           ///< follows
    text   ///< `completion` alone
  };
  Kind kind = Kind::chat;
  Json messages = Json::array();  ///< each with a "role"; content is text
  Json tools;                     ///< null when there are none
  TemplateValues values;
  std::size_t prompt_messages = 0;       ///< turns before this one are never learned
  std::vector<std::size_t> not_learned;  ///< turns that the record itself keeps from being learned, in order
  bool is_bad = false;                   ///< an answer of the kind that is not wanted: nothing of it is learned
  std::string prompt, completion;
  std::vector<Note> notes;
  int line = 0;  ///< of the file; 0 when it is not known
};

/// Whether a message calls tools.
inline bool has_calls(const Json& message) {
  const auto calls = message.find("tool_calls");
  return calls != message.end() && !calls->is_null() && !calls->empty();
}

}  // namespace pst::data
