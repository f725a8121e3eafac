#include "jinja/parser.hpp"

#include <algorithm>
#include <array>
#include <set>

#include "core/error.hpp"
#include "core/strings.hpp"
#include "jinja/lexer.hpp"
#include "jinja/library.hpp"

namespace pst::jinja {
namespace {

using Kind = Expression::Kind;

// Keeps the evaluator's own stack small; the deepest real template known uses 14.
constexpr int kDeepestExpression = 120;
constexpr int kDeepestRecursion = 240;  // of the parser, which takes three steps for a pair of brackets
constexpr int kDeepestBlock = 60;

class Parser {
 public:
  Parser(std::string_view source, const std::string& name) : name_(name), tokens_(tokenize(source, name)) {}

  Block run() {
    Block block = statements({});
    for (const auto& [called, line] : calls_)
      if (assigned_.count(called) == 0 && !known_function(called))
        fail_at(line, cat("the function '", called, "' is not supported"));
    return block;
  }

 private:
  // ---- tokens

  [[noreturn]] void fail_at(int line, const std::string& what) const {
    throw Error(
        Fault::data, cat(name_, ":", line, ": ", what),
        "PEFT Studio understands the part of Jinja2 that chat templates use; rewrite that place of the template");
  }
  [[noreturn]] void fail(const std::string& what) const { fail_at(token().line, what); }
  [[noreturn]] void unexpected(const std::string& wanted) const {
    fail(cat("expected ", wanted, ", found ", describe(token())));
  }

  static std::string describe(const Token& token) {
    switch (token.kind) {
      case Token::Kind::text: return "text";
      case Token::Kind::output_begin: return "'{{'";
      case Token::Kind::output_end: return "'}}'";
      case Token::Kind::block_begin: return "'{%'";
      case Token::Kind::block_end: return "'%}'";
      case Token::Kind::string: return "a string";
      case Token::Kind::end: return "the end of the template";
      default: return cat("'", token.value, "'");
    }
  }

  const Token& token(std::size_t ahead = 0) const { return tokens_[std::min(at_ + ahead, tokens_.size() - 1)]; }
  const Token& take() { return tokens_[at_ < tokens_.size() - 1 ? at_++ : at_]; }
  bool is(Token::Kind kind) const { return token().kind == kind; }
  bool is_sign(std::string_view sign, std::size_t ahead = 0) const {
    return token(ahead).kind == Token::Kind::sign && token(ahead).value == sign;
  }
  bool is_word(std::string_view word) const { return is(Token::Kind::name) && token().value == word; }
  bool skip_sign(std::string_view sign) { return is_sign(sign) ? (take(), true) : false; }
  bool skip_word(std::string_view word) { return is_word(word) ? (take(), true) : false; }
  void expect_sign(std::string_view sign) {
    if (!skip_sign(sign)) unexpected(cat("'", sign, "'"));
  }
  void expect_word(std::string_view word) {
    if (!skip_word(word)) unexpected(cat("'", word, "'"));
  }
  void expect(Token::Kind kind, const char* what) {
    if (!is(kind)) unexpected(what);
    take();
  }
  Name take_name() {
    if (!is(Token::Kind::name)) unexpected("a name");
    return take().value;
  }

  // ---- statements

  using Words = std::vector<std::string_view>;

  /// Statements up to a tag that starts with one of `ends`, whose word is left to be read; up to the end when there are
  /// none.
  Block statements(const Words& ends) {
    Nesting nesting(*this, block_depth_, kDeepestBlock, "tags");
    Block block;
    while (true) {
      const int line = token().line;
      if (is(Token::Kind::end)) {
        if (!ends.empty()) fail(cat("expected '{% ", ends.back(), " %}', found the end of the template"));
        return block;
      }
      if (is(Token::Kind::text)) {
        add(block, {Statement::Kind::text, line}).text = take().value;
      } else if (is(Token::Kind::output_begin)) {
        take();
        add(block, {Statement::Kind::output, line}).expressions.push_back(tuple(Conditional::allowed));
        expect(Token::Kind::output_end, "'}}'");
      } else {
        expect(Token::Kind::block_begin, "'{%'");
        if (!is(Token::Kind::name)) unexpected("the name of a tag");
        if (std::find(ends.begin(), ends.end(), token().value) != ends.end()) return block;
        block.push_back(std::make_unique<Statement>(statement()));
      }
    }
  }

  static Statement& add(Block& block, Statement statement) {
    block.push_back(std::make_unique<Statement>(std::move(statement)));
    return *block.back();
  }

  void end_tag() { expect(Token::Kind::block_end, "'%}'"); }

  Statement statement() {
    const int line = token().line;
    const Name word = take().value;
    if (word == "if") return if_statement(line);
    if (word == "for") return for_statement(line);
    if (word == "set") return set_statement(line);
    if (word == "macro") return macro_statement(line);
    if (word == "call") return call_statement(line);
    if (word == "filter") return filter_statement(line);
    if (word == "with") return with_statement(line);
    if (word == "generation") return generation_statement(line);
    if (word == "break" || word == "continue") {
      if (loops_ == 0) fail_at(line, cat("'", word, "' outside of a loop"));
      end_tag();
      return {word == "break" ? Statement::Kind::break_ : Statement::Kind::continue_, line};
    }
    if (starts_with(word, "end") || word == "else" || word == "elif")
      fail_at(line, cat("'", word, "' without its beginning"));
    fail_at(line, cat("the tag '", word, "' is not supported"));
  }

  Statement if_statement(int line) {
    Statement made{Statement::Kind::if_, line};
    while (true) {
      made.expressions.push_back(tuple(Conditional::none));
      end_tag();
      made.blocks.push_back(statements({"elif", "else", "endif"}));
      if (skip_word("elif")) continue;
      if (skip_word("else")) {
        end_tag();
        made.blocks.push_back(statements({"endif"}));
      }
      expect_word("endif");
      end_tag();
      return made;
    }
  }

  Statement for_statement(int line) {
    Statement made{Statement::Kind::for_, line};
    made.targets.push_back(target());
    expect_word("in");
    made.expressions.push_back(tuple(Conditional::none));
    made.expressions.push_back(skip_word("if") ? expression() : nullptr);
    if (is_word("recursive")) fail("a recursive 'for' is not supported");
    end_tag();
    assigned_.insert("loop");
    ++loops_;
    made.blocks.push_back(statements({"else", "endfor"}));
    --loops_;
    if (skip_word("else")) {
      end_tag();
      made.blocks.push_back(statements({"endfor"}));
    } else {
      made.blocks.emplace_back();
    }
    expect_word("endfor");
    end_tag();
    return made;
  }

  Statement set_statement(int line) {
    Statement made{Statement::Kind::set, line};
    made.targets.push_back(target(/*with_namespace=*/true));
    if (skip_sign("=")) {
      made.expressions.push_back(tuple(Conditional::allowed));
      end_tag();
      return made;
    }
    made.kind = Statement::Kind::set_block;
    if (made.targets[0].name.empty()) fail("a block 'set' takes one name");
    if (skip_sign("|")) filters(made.filters);
    end_tag();
    made.blocks.push_back(inner_block({"endset"}));
    take();
    end_tag();
    return made;
  }

  /// The body of a tag that becomes a function of its own in Jinja2: a loop outside cannot be left from there.
  Block inner_block(const Words& ends) {
    const int loops = std::exchange(loops_, 0);
    Block block = statements(ends);
    loops_ = loops;
    return block;
  }

  std::vector<Parameter> parameters() {
    std::vector<Parameter> made;
    expect_sign("(");
    while (!is_sign(")")) {
      if (!made.empty()) {
        expect_sign(",");
        if (is_sign(")")) break;
      }
      Parameter parameter{take_name(), nullptr};
      assigned_.insert(parameter.name);
      if (skip_sign("="))
        parameter.fallback = expression();
      else if (!made.empty() && made.back().fallback)
        fail("a parameter without a default follows one with a default");
      made.push_back(std::move(parameter));
    }
    take();
    return made;
  }

  Statement macro_statement(int line) {
    Statement made{Statement::Kind::macro, line};
    made.name = take_name();
    assigned_.insert(made.name);
    assigned_.insert("caller");
    made.parameters = parameters();
    end_tag();
    made.blocks.push_back(inner_block({"endmacro"}));
    take();
    end_tag();
    return made;
  }

  Statement call_statement(int line) {
    Statement made{Statement::Kind::call, line};
    if (is_sign("(")) made.parameters = parameters();
    made.expressions.push_back(expression());
    if (made.expressions[0]->kind != Kind::call) fail_at(line, "'call' needs a call of a macro");
    end_tag();
    made.blocks.push_back(inner_block({"endcall"}));
    take();
    end_tag();
    return made;
  }

  Statement filter_statement(int line) {
    Statement made{Statement::Kind::filter, line};
    filters(made.filters);
    end_tag();
    made.blocks.push_back(inner_block({"endfilter"}));
    take();
    end_tag();
    return made;
  }

  void filters(std::vector<FilterCall>& made) {
    do {
      FilterCall call{filter_name(), {}, token().line};
      if (call.name == "safe") fail("the filter 'safe' is supported at the end of an output only");
      if (is_sign("(")) call.arguments = arguments();
      made.push_back(std::move(call));
    } while (skip_sign("|"));
  }

  Statement with_statement(int line) {
    Statement made{Statement::Kind::with, line};
    while (!is(Token::Kind::block_end)) {
      if (!made.targets.empty()) expect_sign(",");
      made.targets.push_back(target());
      expect_sign("=");
      made.expressions.push_back(expression());
    }
    end_tag();
    made.blocks.push_back(statements({"endwith"}));
    take();
    end_tag();
    return made;
  }

  Statement generation_statement(int line) {
    Statement made{Statement::Kind::scope, line};
    end_tag();
    made.blocks.push_back(inner_block({"endgeneration"}));
    take();
    end_tag();
    return made;
  }

  Target target(bool with_namespace = false) {
    Nesting nesting(*this, recursion_, kDeepestRecursion, "brackets");
    std::vector<Target> parts;
    bool is_tuple = false;
    do {
      if (!parts.empty() && !is(Token::Kind::name) && !is_sign("(")) break;  // a trailing comma
      if (skip_sign("(")) {
        parts.push_back(target(with_namespace));
        if (parts.back().parts.empty() && parts.back().name.empty()) fail("an empty target");
        expect_sign(")");
      } else {
        const Name name = take_name();
        if (name == "true" || name == "false" || name == "none" || name == "True" || name == "False" || name == "None")
          fail(cat("cannot assign to '", name, "'"));
        if (with_namespace && skip_sign("."))
          parts.push_back({name, take_name(), {}});
        else
          parts.push_back({name, {}, {}});
        if (parts.back().member.empty()) assigned_.insert(name);
      }
      is_tuple = is_tuple || is_sign(",");
      if (parts.size() > 1000) fail("more than 1000 targets");
    } while (skip_sign(","));
    if (!is_tuple) return std::move(parts[0]);
    return {{}, {}, std::move(parts)};
  }

  // ---- expressions

  enum class Conditional { none, allowed };

  /// Counts how deep a recursive rule has gone.
  struct Nesting {
    Nesting(const Parser& parser, int& depth_, int limit, const char* what) : depth(depth_) {
      if (++depth > limit) {
        --depth;
        parser.fail(cat(what, " are nested more than ", limit, " deep"));
      }
    }
    ~Nesting() { --depth; }
    Nesting(const Nesting&) = delete;
    Nesting& operator=(const Nesting&) = delete;
    int& depth;
  };

  ExpressionPtr make(Kind kind, int line, std::vector<ExpressionPtr> parts = {}) const {
    auto made = std::make_unique<Expression>(Expression{kind, line});
    made->parts = std::move(parts);
    return made;
  }

  /// To be called once all parts are in place.
  ExpressionPtr done(ExpressionPtr made) const {
    const auto count = [&](const ExpressionPtr& part) {
      if (part) made->depth = std::max(made->depth, part->depth + 1);
    };
    for (const auto& part : made->parts) count(part);
    for (const auto& part : made->arguments.positional) count(part);
    for (const auto& part : made->arguments.named) count(part.second);
    if (made->depth > kDeepestExpression) fail(cat("an expression is nested more than ", kDeepestExpression, " deep"));
    return made;
  }

  ExpressionPtr unary_node(Kind kind, int line, ExpressionPtr part) const {
    auto made = make(kind, line);
    made->parts.push_back(std::move(part));
    return done(std::move(made));
  }

  ExpressionPtr binary_node(Kind kind, int line, ExpressionPtr left, ExpressionPtr right) const {
    auto made = make(kind, line);
    made->parts.push_back(std::move(left));
    made->parts.push_back(std::move(right));
    return done(std::move(made));
  }

  /// One expression, or several with commas between them, which make a tuple.
  ExpressionPtr tuple(Conditional conditional) {
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

  ExpressionPtr expression() {
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

  ExpressionPtr or_expression() {
    auto left = and_expression();
    while (is_word("or")) {
      const int line = take().line;
      left = binary_node(Kind::or_, line, std::move(left), and_expression());
    }
    return left;
  }

  ExpressionPtr and_expression() {
    auto left = not_expression();
    while (is_word("and")) {
      const int line = take().line;
      left = binary_node(Kind::and_, line, std::move(left), not_expression());
    }
    return left;
  }

  ExpressionPtr not_expression() {
    Nesting nesting(*this, recursion_, kDeepestRecursion, "brackets");
    if (!is_word("not")) return comparison();
    const int line = take().line;
    return unary_node(Kind::not_, line, not_expression());
  }

  std::string comparison_operator() {
    static constexpr std::array kSigns = {"==", "!=", "<", "<=", ">", ">="};
    for (const char* sign : kSigns)
      if (skip_sign(sign)) return sign;
    if (skip_word("in")) return "in";
    if (is_word("not") && token(1).kind == Token::Kind::name && token(1).value == "in") return take(), take(), "not in";
    return {};
  }

  ExpressionPtr comparison() {
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

  ExpressionPtr sum() {
    auto left = concatenation();
    while (is_sign("+") || is_sign("-")) {
      const Token& sign = take();
      const int line = sign.line;
      left = binary_node(sign.value == "+" ? Kind::add : Kind::subtract, line, std::move(left), concatenation());
    }
    return left;
  }

  ExpressionPtr concatenation() {
    const int line = token().line;
    auto first = product();
    if (!is_sign("~")) return first;
    auto made = make(Kind::concatenate, line);
    made->parts.push_back(std::move(first));
    while (skip_sign("~")) made->parts.push_back(product());
    return done(std::move(made));
  }

  ExpressionPtr product() {
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

  ExpressionPtr power() {
    auto left = unary(/*with_filters=*/true);
    while (is_sign("**")) {
      const int line = take().line;
      left = binary_node(Kind::power, line, std::move(left), unary(/*with_filters=*/true));
    }
    return left;
  }

  ExpressionPtr unary(bool with_filters) {
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

  ExpressionPtr constant(int line, Value value) const {
    auto made = make(Kind::constant, line);
    made->value = std::move(value);
    return made;
  }

  ExpressionPtr primary() {
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

  ExpressionPtr list(int line) {
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

  ExpressionPtr dict(int line) {
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

  ExpressionPtr postfix(ExpressionPtr made) {
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

  ExpressionPtr subscript(ExpressionPtr object, int line) {
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

  ExpressionPtr call(ExpressionPtr callee, int line) {
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

  Arguments arguments() {
    Arguments made;
    expect_sign("(");
    bool first = true;
    while (!is_sign(")")) {
      if (!first) {
        expect_sign(",");
        if (is_sign(")")) break;
      }
      first = false;
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

  Name filter_name() {
    const Name name = take_name();
    if (is_sign(".") || !known_filter(name)) fail(cat("the filter '", name, "' is not supported"));
    return name;
  }

  ExpressionPtr filters_and_tests(ExpressionPtr made) {
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

  bool skip_empty_call() {
    if (!is_sign("(") || !is_sign(")", 1)) return false;
    take(), take();
    return true;
  }

  /// map('x'), select('x'), selectattr(.., 'x') name a filter or test: where it is written out, it is checked now.
  void check_name_argument(const Expression& filter) const {
    const bool map = filter.name == "map", attribute = ends_with(filter.name, "attr");
    const bool select = starts_with(filter.name, "select") || starts_with(filter.name, "reject");
    const std::size_t at = attribute ? 1 : 0;
    if ((!map && !select) || filter.arguments.positional.size() <= at) return;
    const auto* text = filter.arguments.positional[at]->value.text();
    if (filter.arguments.positional[at]->kind != Kind::constant || !text) return;
    if (map && !known_filter(*text)) fail(cat("the filter '", *text, "' is not supported"));
    if (select && !known_test(*text)) fail(cat("the test '", *text, "' is not supported"));
  }

  ExpressionPtr test(ExpressionPtr value, int line) {
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

  bool starts_argument() const {
    switch (token().kind) {
      case Token::Kind::name: return token().value != "else" && token().value != "or" && token().value != "and";
      case Token::Kind::string:
      case Token::Kind::integer:
      case Token::Kind::real: return true;
      default: return is_sign("[") || is_sign("{");
    }
  }

  const std::string& name_;
  std::vector<Token> tokens_;
  std::size_t at_ = 0;
  int loops_ = 0, block_depth_ = 0;
  int recursion_ = 0;
  std::set<Name> assigned_;                  // anywhere in the template
  std::vector<std::pair<Name, int>> calls_;  // of plain names, with the line
};

}  // namespace

Block parse(std::string_view source, const std::string& name) { return Parser(source, name).run(); }

}  // namespace pst::jinja
