// SPDX-License-Identifier: Apache-2.0
#pragma once
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "jinja/ast.hpp"
#include "jinja/token_reader.hpp"

namespace pst::jinja {

/// Reads expressions: operators by precedence (expression_parser.cpp) around operands (operand_parser.cpp).
class ExpressionParser : protected TokenReader {
 protected:
  using TokenReader::TokenReader;

  enum class Conditional { none, allowed };  ///< whether "a if b" may stand there

  /// One expression, or several with commas between them, which make a tuple.
  ExpressionPtr tuple(Conditional conditional);
  ExpressionPtr expression();
  Arguments arguments();
  Name dotted_name();

  static constexpr int kDeepestRecursion = 240;  // of the parser, which takes three steps for a pair of brackets

  int recursion_ = 0;
  Uses uses_;  // of the macro that is being read

 private:
  using Kind = Expression::Kind;

  // nodes
  ExpressionPtr make(Kind kind, int line, std::vector<ExpressionPtr> parts = {}) const;
  /// To be called once all parts are in place.
  ExpressionPtr done(ExpressionPtr made) const;
  ExpressionPtr unary_node(Kind kind, int line, ExpressionPtr part) const;
  ExpressionPtr binary_node(Kind kind, int line, ExpressionPtr left, ExpressionPtr right) const;

  // operators, the weakest first
  ExpressionPtr or_expression();
  ExpressionPtr and_expression();
  ExpressionPtr not_expression();
  std::string comparison_operator();
  ExpressionPtr comparison();
  ExpressionPtr sum();
  ExpressionPtr concatenation();
  ExpressionPtr product();
  ExpressionPtr power();
  ExpressionPtr unary(bool with_filters);

  // operands, and what follows them
  ExpressionPtr constant(int line, Value value) const;
  ExpressionPtr unsupported(int line, std::string what) const;
  ExpressionPtr strings(int line);
  ExpressionPtr primary();
  ExpressionPtr list(int line);
  ExpressionPtr dict(int line);
  ExpressionPtr postfix(ExpressionPtr made);
  ExpressionPtr subscript(ExpressionPtr object, int line);
  ExpressionPtr subscript_of_several(ExpressionPtr object, ExpressionPtr first, int line);
  ExpressionPtr call(ExpressionPtr callee, int line);
  ExpressionPtr filters_and_tests(ExpressionPtr made);
  ExpressionPtr test(ExpressionPtr value, int line);
  void argument(Arguments& made);
  bool starts_argument() const;
};

}  // namespace pst::jinja
