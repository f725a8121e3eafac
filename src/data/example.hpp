// SPDX-License-Identifier: Apache-2.0
#pragma once
#include <string>

#include "data/json_record.hpp"

namespace pst::data {

/// A training example as its file has it, before templates and tokens.
struct Example {
  enum class Kind {
    chat,  ///< `messages` (and `tools`)
    pair,  ///< `prompt` and `completion`: a chat of two turns where the model has a template, else a text and what
           ///< follows
    text   ///< `completion` alone
  };
  Kind kind = Kind::chat;
  Json messages = Json::array();    ///< each with a "role"; content is text
  Json tools;                       ///< null when there are none
  std::size_t prompt_messages = 0;  ///< turns before this one are never learned
  std::string prompt, completion;
  int line = 0;  ///< of the file; 0 when it is not known
};

}  // namespace pst::data
