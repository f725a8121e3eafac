// SPDX-License-Identifier: Apache-2.0
#include "jinja/expression_parser.hpp"

#include <algorithm>
#include <array>

#include "core/strings.hpp"

namespace pst::jinja {
namespace {

// Keeps the evaluator's own stack small; the deepest real template known uses 14.
constexpr int kDeepestExpression = 120;

}  // namespace

ExpressionPtr ExpressionParser::make(Kind kind, int line, std::vector<ExpressionPtr> parts) const {
  auto made = std::make_unique<Expression>(Expression{kind, line});
  made->parts = std::move(parts);
  return made;
}

ExpressionPtr ExpressionParser::done(ExpressionPtr made) const {
  const auto count = [&](const ExpressionPtr& part) {
    if (part) made->depth = std::max(made->depth, part->depth + 1);
  };
  for (const auto& part : made->parts) count(part);
  for (const auto& part : made->arguments.positional) count(part);
  for (const auto& part : made->arguments.named) count(part.second);
  count(made->arguments.rest);
  count(made->arguments.named_rest);
  if (made->depth > kDeepestExpression) fail(cat("an expression is nested more than ", kDeepestExpression, " deep"));
  return made;
}

ExpressionPtr ExpressionParser::unary_node(Kind kind, int line, ExpressionPtr part) const {
  auto made = make(kind, line);
  made->parts.push_back(std::move(part));
  return done(std::move(made));
}

ExpressionPtr ExpressionParser::binary_node(Kind kind, int line, ExpressionPtr left, ExpressionPtr right) const {
  auto made = make(kind, line);
  made->parts.push_back(std::move(left));
  made->parts.push_back(std::move(right));
  return done(std::move(made));
}

ExpressionPtr ExpressionParser::tuple(Conditional conditional) {
  const int line = token().line;
  const auto one = [&] { return conditional == Conditional::allowed ? expression() : or_expression(); };
  auto first = one();
  if (!is_sign(",")) return first;
  auto made = make(Kind::tuple, line);
  made->parts.push_back(std::move(first));
  while (skip_sign(",")) {
    if (is(Token::Kind::block_end) || is(Token::Kind::output_end) || is_sign(")")) break;
    made->parts.push_back(one());
  }
  return done(std::move(made));
}

ExpressionPtr ExpressionParser::expression() {
  Nesting nesting(*this, recursion_, kDeepestRecursion, "brackets");
  const int line = token().line;
  auto value = or_expression();
  while (skip_word("if")) {
    auto condition = or_expression();
    auto otherwise = skip_word("else") ? expression() : nullptr;
    auto made = make(Kind::conditional, line);
    made->parts.push_back(std::move(value));
    made->parts.push_back(std::move(condition));
    made->parts.push_back(std::move(otherwise));
    value = done(std::move(made));
  }
  return value;
}

ExpressionPtr ExpressionParser::or_expression() {
  auto left = and_expression();
  while (is_word("or")) {
    const int line = take().line;
    left = binary_node(Kind::or_, line, std::move(left), and_expression());
  }
  return left;
}

ExpressionPtr ExpressionParser::and_expression() {
  auto left = not_expression();
  while (is_word("and")) {
    const int line = take().line;
    left = binary_node(Kind::and_, line, std::move(left), not_expression());
  }
  return left;
}

ExpressionPtr ExpressionParser::not_expression() {
  Nesting nesting(*this, recursion_, kDeepestRecursion, "brackets");
  if (!is_word("not")) return comparison();
  const int line = take().line;
  return unary_node(Kind::not_, line, not_expression());
}

std::string ExpressionParser::comparison_operator() {
  static constexpr std::array kSigns = {"==", "!=", "<", "<=", ">", ">="};
  for (const char* sign : kSigns)
    if (skip_sign(sign)) return sign;
  if (skip_word("in")) return "in";
  if (is_word("not") && token(1).kind == Token::Kind::name && token(1).value == "in") return take(), take(), "not in";
  return {};
}

ExpressionPtr ExpressionParser::comparison() {
  const int line = token().line;
  auto first = sum();
  std::string sign = comparison_operator();
  if (sign.empty()) return first;
  auto made = make(Kind::compare, line);
  made->parts.push_back(std::move(first));
  for (; !sign.empty(); sign = comparison_operator()) {
    made->operators.push_back(sign);
    made->parts.push_back(sum());
  }
  return done(std::move(made));
}

ExpressionPtr ExpressionParser::sum() {
  auto left = concatenation();
  while (is_sign("+") || is_sign("-")) {
    const Token& sign = take();
    const int line = sign.line;
    left = binary_node(sign.value == "+" ? Kind::add : Kind::subtract, line, std::move(left), concatenation());
  }
  return left;
}

ExpressionPtr ExpressionParser::concatenation() {
  const int line = token().line;
  auto first = product();
  if (!is_sign("~")) return first;
  auto made = make(Kind::concatenate, line);
  made->parts.push_back(std::move(first));
  while (skip_sign("~")) made->parts.push_back(product());
  return done(std::move(made));
}

ExpressionPtr ExpressionParser::product() {
  auto left = power();
  while (is_sign("*") || is_sign("/") || is_sign("//") || is_sign("%")) {
    const Token& sign = take();
    const int line = sign.line;
    const Kind kind = sign.value == "*"    ? Kind::multiply
                      : sign.value == "/"  ? Kind::divide
                      : sign.value == "//" ? Kind::floor_divide
                                           : Kind::modulo;
    left = binary_node(kind, line, std::move(left), power());
  }
  return left;
}

ExpressionPtr ExpressionParser::power() {
  auto left = unary(/*with_filters=*/true);
  while (is_sign("**")) {
    const int line = take().line;
    left = binary_node(Kind::power, line, std::move(left), unary(/*with_filters=*/true));
  }
  return left;
}

ExpressionPtr ExpressionParser::unary(bool with_filters) {
  Nesting nesting(*this, recursion_, kDeepestRecursion, "brackets");
  const int line = token().line;
  ExpressionPtr made;
  if (skip_sign("-"))
    made = unary_node(Kind::negate, line, unary(false));
  else if (skip_sign("+"))
    made = unary_node(Kind::plus, line, unary(false));
  else
    made = primary();
  made = postfix(std::move(made));
  return with_filters ? filters_and_tests(std::move(made)) : std::move(made);
}

}  // namespace pst::jinja
