// SPDX-License-Identifier: Apache-2.0
#include "jinja/token_reader.hpp"

#include <algorithm>

#include "core/error.hpp"
#include "core/strings.hpp"
#include "jinja/library.hpp"

namespace pst::jinja {
namespace {

std::string describe(const Token& token) {
  switch (token.kind) {
    case Token::Kind::text: return "text";
    case Token::Kind::output_begin: return "'{{'";
    case Token::Kind::output_end: return "'}}'";
    case Token::Kind::block_begin: return "'{%'";
    case Token::Kind::block_end: return "'%}'";
    case Token::Kind::string:
    case Token::Kind::odd_string: return "a string";
    case Token::Kind::end: return "the end of the template";
    default: return cat("'", brief(token.value), "'");
  }
}

}  // namespace

TokenReader::TokenReader(std::string_view source, const std::string& name)
    : name_(name), tokens_(tokenize(source, name)) {}

void TokenReader::fail_at(int line, const std::string& what) const {
  throw Error(Fault::data, cat(name_, ":", line, ": ", what),
              "PEFT Studio understands the part of Jinja2 that chat templates use; rewrite that place of the template");
}

void TokenReader::unexpected(const std::string& wanted) const {
  fail(cat("expected ", wanted, ", found ", describe(token())));
}

const Token& TokenReader::token(std::size_t ahead) const { return tokens_[std::min(at_ + ahead, tokens_.size() - 1)]; }

bool TokenReader::is_sign(std::string_view sign, std::size_t ahead) const {
  return token(ahead).kind == Token::Kind::sign && token(ahead).value == sign;
}

void TokenReader::expect_sign(std::string_view sign) {
  if (!skip_sign(sign)) unexpected(cat("'", sign, "'"));
}

void TokenReader::expect_word(std::string_view word) {
  if (!skip_word(word)) unexpected(cat("'", word, "'"));
}

void TokenReader::expect(Token::Kind kind, const char* what) {
  if (!is(kind)) unexpected(what);
  take();
}

Name TokenReader::take_name() {
  if (!is(Token::Kind::name)) unexpected("a name");
  return take().value;
}

TokenReader::Nesting::Nesting(const TokenReader& reader, int& depth_, int limit, const char* what) : depth(depth_) {
  if (++depth > limit) {
    --depth;
    reader.fail(cat(what, " are nested more than ", limit, " deep"));
  }
}

}  // namespace pst::jinja
