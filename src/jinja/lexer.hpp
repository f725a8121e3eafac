// SPDX-License-Identifier: Apache-2.0
#pragma once
#include <string>
#include <string_view>
#include <vector>

namespace pst::jinja {

struct Token {
  enum class Kind {
    text,  // between the tags, white space control already applied
    output_begin,
    output_end,
    block_begin,
    block_end,
    name,
    string,
    odd_string,  // value says what in it is not supported
    integer,
    real,
    sign,  // an operator or bracket
    end,
  };
  Kind kind;
  std::string value;
  int line;
};

/// Cuts a template into tokens, with trim_blocks and lstrip_blocks on, the way Jinja2 does.
/// @throws Error(data): "<name>:<line>: ..."
std::vector<Token> tokenize(std::string_view source, const std::string& name);

}  // namespace pst::jinja
