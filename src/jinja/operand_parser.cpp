// SPDX-License-Identifier: Apache-2.0
#include "core/strings.hpp"
#include "jinja/expression_parser.hpp"
#include "jinja/library.hpp"

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
      if ((name == "varargs" || name == "kwargs") && assigned_.count(name) == 0)
        fail(cat("'", name, "' is not supported"));
      auto made = make(Kind::name, line);
      made->name = name;
      return made;
    }
    case Token::Kind::string: {
      std::string text;
      while (is(Token::Kind::string)) text += take().value;
      return constant(line, std::move(text));
    }
    case Token::Kind::integer: {
      const auto value = to_int(token().value);
      if (!value) fail("this integer is too large");
      take();
      return constant(line, *value);
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
  if (!is_sign(":")) {
    if (is_sign(",")) fail("an index of several values is not supported");
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

ExpressionPtr ExpressionParser::call(ExpressionPtr callee, int line) {
  if (callee->kind == Kind::attribute) {
    if (!known_method(callee->name)) fail(cat("the method '", callee->name, "' is not supported"));
    auto made = make(Kind::method, line);
    made->name = callee->name;
    made->parts = std::move(callee->parts);
    made->arguments = arguments();
    return done(std::move(made));
  }
  if (callee->kind == Kind::name) calls_.emplace_back(callee->name, line);
  auto made = make(Kind::call, line);
  made->parts.push_back(std::move(callee));
  made->arguments = arguments();
  return done(std::move(made));
}

Arguments ExpressionParser::arguments() {
  Arguments made;
  expect_sign("(");
  bool first = true;
  while (!is_sign(")")) {
    if (!first) {
      expect_sign(",");
      if (is_sign(")")) break;
    }
    first = false;
    if (made.positional.size() + made.named.size() >= kMostArguments)
      fail(cat("a call with more than ", kMostArguments, " arguments"));
    if (is_sign("*") || is_sign("**")) fail("'*' before an argument is not supported");
    if (is(Token::Kind::name) && is_sign("=", 1)) {
      const Name name = take().value;
      take();
      for (const auto& [other, value] : made.named)
        if (other == name) fail(cat("the argument '", name, "' is given twice"));
      made.named.emplace_back(name, expression());
    } else {
      if (!made.named.empty()) fail("an argument without a name follows one with a name");
      made.positional.push_back(expression());
    }
  }
  take();
  return made;
}

Name ExpressionParser::filter_name() {
  const Name name = take_name();
  if (is_sign(".") || !known_filter(name)) fail(cat("the filter '", name, "' is not supported"));
  return name;
}

ExpressionPtr ExpressionParser::filters_and_tests(ExpressionPtr made) {
  while (true) {
    const int line = token().line;
    if (skip_sign("|")) {
      const Name name = filter_name();
      // Text marked as safe makes Jinja2 escape what it is joined with; printed right away, it is like any other.
      if (name == "safe" && !(is(Token::Kind::output_end) || (skip_empty_call() && is(Token::Kind::output_end))))
        fail("the filter 'safe' is supported at the end of an output only");
      auto filter = make(Kind::filter, line);
      filter->name = name;
      filter->parts.push_back(std::move(made));
      if (is_sign("(")) filter->arguments = arguments();
      check_name_argument(*filter);
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

bool ExpressionParser::skip_empty_call() {
  if (!is_sign("(") || !is_sign(")", 1)) return false;
  take(), take();
  return true;
}

void ExpressionParser::check_name_argument(const Expression& filter) const {
  const bool map = filter.name == "map", attribute = filter.name.ends_with("attr");
  const bool select = filter.name.starts_with("select") || filter.name.starts_with("reject");
  const std::size_t at = attribute ? 1 : 0;
  if ((!map && !select) || filter.arguments.positional.size() <= at) return;
  const auto* text = filter.arguments.positional[at]->value.text();
  if (filter.arguments.positional[at]->kind != Kind::constant || !text) return;
  if (map && !known_filter(*text)) fail(cat("the filter '", *text, "' is not supported"));
  if (select && !known_test(*text)) fail(cat("the test '", *text, "' is not supported"));
}

ExpressionPtr ExpressionParser::test(ExpressionPtr value, int line) {
  const bool negated = skip_word("not");
  const Name name = take_name();
  if (is_sign(".") || !known_test(name)) fail(cat("the test '", name, "' is not supported"));
  auto made = make(Kind::test, line);
  made->name = name;
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
    case Token::Kind::integer:
    case Token::Kind::real: return true;
    default: return is_sign("[") || is_sign("{");
  }
}

}  // namespace pst::jinja
