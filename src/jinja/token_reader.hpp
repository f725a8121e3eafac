// SPDX-License-Identifier: Apache-2.0
#pragma once
#include <string>
#include <string_view>
#include <vector>

#include "jinja/ast.hpp"
#include "jinja/lexer.hpp"

namespace pst::jinja {

/// Walks over the tokens of a template; what a parser asks and says about the place it is at.
class TokenReader {
 protected:
  /// @param name for messages, borrowed. @throws Error(data) on what is no token
  TokenReader(std::string_view source, const std::string& name);

  /// Throws Error(data): "<name>:<line>: <what>".
  [[noreturn]] void fail_at(int line, const std::string& what) const;
  [[noreturn]] void fail(const std::string& what) const { fail_at(token().line, what); }
  [[noreturn]] void unexpected(const std::string& wanted) const;

  /// The last token, Kind::end, is never passed.
  const Token& token(std::size_t ahead = 0) const;
  const Token& take() { return tokens_[at_ < tokens_.size() - 1 ? at_++ : at_]; }
  bool is(Token::Kind kind) const { return token().kind == kind; }
  bool is_sign(std::string_view sign, std::size_t ahead = 0) const;
  bool is_word(std::string_view word) const { return is(Token::Kind::name) && token().value == word; }
  /// Whether it is there; it is taken then.
  bool skip_sign(std::string_view sign) { return is_sign(sign) ? (take(), true) : false; }
  bool skip_word(std::string_view word) { return is_word(word) ? (take(), true) : false; }
  void expect_sign(std::string_view sign);
  void expect_word(std::string_view word);
  void expect(Token::Kind kind, const char* what);
  Name take_name();

  /// Counts how deep a recursive rule has gone.
  struct Nesting {
    Nesting(const TokenReader& reader, int& depth_, int limit, const char* what);
    ~Nesting() { --depth; }
    Nesting(const Nesting&) = delete;
    Nesting& operator=(const Nesting&) = delete;
    int& depth;
  };

 private:
  const std::string& name_;
  std::vector<Token> tokens_;
  std::size_t at_ = 0;
};

}  // namespace pst::jinja
