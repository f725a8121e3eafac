// SPDX-License-Identifier: Apache-2.0
#include "core/strings.hpp"
#include "jinja/expression_parser.hpp"

namespace pst::jinja {

namespace {

constexpr std::size_t kMostArguments = 255;  // Python's own limit for long

}  // namespace

ExpressionPtr ExpressionParser::constant(int line, Value value) const {
  auto made = make(Kind::constant, line);
  made->value = std::move(value);
  return made;
}

ExpressionPtr ExpressionParser::primary() {
  const int line = token().line;
  switch (token().kind) {
    case Token::Kind::name: {
      const Name name = take().value;
      if (name == "true" || name == "True") return constant(line, true);
      if (name == "false" || name == "False") return constant(line, false);
      if (name == "none" || name == "None") return constant(line, None{});
      uses_.varargs = uses_.varargs || name == "varargs";
      uses_.kwargs = uses_.kwargs || name == "kwargs";
      uses_.caller = uses_.caller || name == "caller";
      auto made = make(Kind::name, line);
      made->name = name;
      return made;
    }
    case Token::Kind::odd_string:
    case Token::Kind::string: return strings(line);
    case Token::Kind::integer: {
      const std::string& digits = take().value;
      const auto value = to_int(digits);
      if (value) return constant(line, *value);
      return constant(line, Value::long_integer(digits));
    }
    case Token::Kind::real: {
      const auto value = to_double(take().value);
      if (!value) fail_at(line, "this number is too large");
      return constant(line, *value);
    }
    default: break;
  }
  if (skip_sign("(")) {
    if (skip_sign(")")) return make(Kind::tuple, line);
    auto made = tuple(Conditional::allowed);
    expect_sign(")");
    return made;
  }
  if (skip_sign("[")) return list(line);
  if (skip_sign("{")) return dict(line);
  unexpected("an expression");
}

/// Texts that follow one another are one.
ExpressionPtr ExpressionParser::strings(int line) {
  std::string text, odd;
  for (; is(Token::Kind::string) || is(Token::Kind::odd_string); take())
    (is(Token::Kind::string) ? text : odd) += token().value;
  return odd.empty() ? constant(line, std::move(text)) : unsupported(line, odd);
}

ExpressionPtr ExpressionParser::unsupported(int line, std::string what) const {
  auto made = make(Kind::unsupported, line);
  made->name = std::move(what);
  return made;
}

ExpressionPtr ExpressionParser::list(int line) {
  auto made = make(Kind::list, line);
  while (!is_sign("]")) {
    if (!made->parts.empty()) {
      expect_sign(",");
      if (is_sign("]")) break;
    }
    made->parts.push_back(expression());
  }
  take();
  return done(std::move(made));
}

ExpressionPtr ExpressionParser::dict(int line) {
  auto made = make(Kind::dict, line);
  while (!is_sign("}")) {
    if (!made->parts.empty()) {
      expect_sign(",");
      if (is_sign("}")) break;
    }
    made->parts.push_back(expression());
    expect_sign(":");
    made->parts.push_back(expression());
  }
  take();
  return done(std::move(made));
}

ExpressionPtr ExpressionParser::postfix(ExpressionPtr made) {
  while (true) {
    const int line = token().line;
    if (skip_sign(".")) {
      if (is(Token::Kind::integer)) {
        auto index = primary();
        made = binary_node(Kind::item, line, std::move(made), std::move(index));
        continue;
      }
      const Name name = take_name();
      made = unary_node(Kind::attribute, line, std::move(made));
      made->name = name;
    } else if (skip_sign("[")) {
      made = subscript(std::move(made), line);
    } else if (is_sign("(")) {
      made = call(std::move(made), line);
    } else {
      return made;
    }
  }
}

ExpressionPtr ExpressionParser::subscript(ExpressionPtr object, int line) {
  auto first = is_sign(":") ? nullptr : expression();
  if (is_sign(",")) return subscript_of_several(std::move(object), std::move(first), line);
  if (!is_sign(":")) {
    expect_sign("]");
    return binary_node(Kind::item, line, std::move(object), std::move(first));
  }
  auto made = make(Kind::slice, line);
  made->parts.push_back(std::move(object));
  made->parts.push_back(std::move(first));
  take();
  made->parts.push_back(is_sign(":") || is_sign("]") ? nullptr : expression());
  made->parts.push_back(skip_sign(":") && !is_sign("]") ? expression() : nullptr);
  expect_sign("]");
  return done(std::move(made));
}

/// x[1, 2] looks the tuple up.
ExpressionPtr ExpressionParser::subscript_of_several(ExpressionPtr object, ExpressionPtr first, int line) {
  auto key = make(Kind::tuple, line);
  key->parts.push_back(std::move(first));
  while (skip_sign(","))
    if (!is_sign("]")) key->parts.push_back(expression());
  expect_sign("]");
  return binary_node(Kind::item, line, std::move(object), done(std::move(key)));
}

ExpressionPtr ExpressionParser::call(ExpressionPtr callee, int line) {
  const bool is_method = callee->kind == Kind::attribute;
  auto made = make(is_method ? Kind::method : Kind::call, line);
  if (is_method) {
    made->name = callee->name;
    made->parts = std::move(callee->parts);
  } else {
    made->parts.push_back(std::move(callee));
  }
  made->arguments = arguments();
  return done(std::move(made));
}

Arguments ExpressionParser::arguments() {
  Arguments made;
  expect_sign("(");
  for (bool is_first = true; !is_sign(")"); is_first = false) {
    if (!is_first) {
      expect_sign(",");
      if (is_sign(")")) break;
    }
    if (made.positional.size() + made.named.size() >= kMostArguments)
      fail(cat("a call with more than ", kMostArguments, " arguments"));
    argument(made);
  }
  take();
  return made;
}

void ExpressionParser::argument(Arguments& made) {
  if (made.named_rest) fail("an argument follows one with '**'");
  if (skip_sign("**")) {
    made.named_rest = expression();
  } else if (skip_sign("*")) {
    if (made.rest) fail("a second argument with '*'");
    made.rest = expression();
  } else if (is(Token::Kind::name) && is_sign("=", 1)) {
    const Name name = take().value;
    take();
    for (const auto& [other, value] : made.named)
      if (other == name) fail(cat("the argument '", name, "' is given twice"));
    made.named.emplace_back(name, expression());
  } else {
    if (made.rest) fail("an argument without a name follows one with '*'");
    if (!made.named.empty()) fail("an argument without a name follows one with a name");
    made.positional.push_back(expression());
  }
}

/// Names of filters and tests may have dots between their parts.
Name ExpressionParser::dotted_name() {
  Name name = take_name();
  while (skip_sign(".")) name += "." + take_name();
  return name;
}

ExpressionPtr ExpressionParser::filters_and_tests(ExpressionPtr made) {
  while (true) {
    const int line = token().line;
    if (skip_sign("|")) {
      auto filter = make(Kind::filter, line);
      filter->name = dotted_name();
      filter->parts.push_back(std::move(made));
      if (is_sign("(")) filter->arguments = arguments();
      made = done(std::move(filter));
    } else if (is_word("is")) {
      take();
      made = test(std::move(made), line);
    } else if (is_sign("(")) {
      made = call(std::move(made), line);
    } else {
      return made;
    }
  }
}

ExpressionPtr ExpressionParser::test(ExpressionPtr value, int line) {
  const bool negated = skip_word("not");
  auto made = make(Kind::test, line);
  made->name = dotted_name();
  made->parts.push_back(std::move(value));
  if (is_sign("(")) {
    made->arguments = arguments();
  } else if (starts_argument()) {
    if (is_word("is")) fail("tests cannot be chained with 'is'");
    made->arguments.positional.push_back(postfix(primary()));
  }
  made = done(std::move(made));
  return negated ? unary_node(Kind::not_, line, std::move(made)) : std::move(made);
}

bool ExpressionParser::starts_argument() const {
  switch (token().kind) {
    case Token::Kind::name: return token().value != "else" && token().value != "or" && token().value != "and";
    case Token::Kind::string:
    case Token::Kind::odd_string:
    case Token::Kind::integer:
    case Token::Kind::real: return true;
    default: return is_sign("[") || is_sign("{");
  }
}

}  // namespace pst::jinja
