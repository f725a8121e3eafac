// SPDX-License-Identifier: Apache-2.0
#include "jinja/parser.hpp"

#include <algorithm>

#include "core/strings.hpp"
#include "jinja/expression_parser.hpp"

namespace pst::jinja {
namespace {

constexpr int kDeepestBlock = 60;
constexpr std::size_t kMostParameters = 255;

/// Reads statements; the expressions inside of them are the base's.
class Parser : private ExpressionParser {
 public:
  Parser(std::string_view source, const std::string& name) : ExpressionParser(source, name) {}

  Block run() { return statements({}); }

 private:
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
    if (word == "print") return print_statement(line);
    if (word == "include" || word == "import" || word == "from" || word == "extends")
      return unsupported_tag(line, word);
    if (word == "block" || word == "autoescape") return unsupported_block(line, word);
    if (word == "break" || word == "continue") {
      if (loops_ == 0) fail_at(line, cat("'", word, "' outside of a loop"));
      end_tag();
      return {word == "break" ? Statement::Kind::break_ : Statement::Kind::continue_, line};
    }
    if (word.starts_with("end") || word == "else" || word == "elif")
      fail_at(line, cat("'", word, "' without its beginning"));
    fail_at(line, cat("there is no tag '", word, "'"));
  }

  void skip_tag() {
    while (!is(Token::Kind::block_end)) {
      if (is(Token::Kind::end)) unexpected("'%}'");
      take();
    }
    take();
  }

  /// What Jinja2 knows and we do not run: an error when it is reached.
  Statement unsupported_tag(int line, const Name& word) {
    skip_tag();
    Statement made{Statement::Kind::unsupported, line};
    made.text = cat("the tag '", word, "'");
    return made;
  }

  Statement unsupported_block(int line, const Name& word) {
    Statement made = unsupported_tag(line, word);
    const std::string end = "end" + word;
    inner_block({end});
    skip_tag();
    return made;
  }

  Statement print_statement(int line) {
    Statement made{Statement::Kind::output, line};
    while (!is(Token::Kind::block_end)) {
      if (!made.expressions.empty()) expect_sign(",");
      made.expressions.push_back(expression());
    }
    end_tag();
    return made;
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
    made.recursive = skip_word("recursive");
    end_tag();
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
      if (skip_sign("="))
        parameter.fallback = expression();
      else if (!made.empty() && made.back().fallback)
        fail("a parameter without a default follows one with a default");
      made.push_back(std::move(parameter));
      if (made.size() > kMostParameters) fail(cat("a macro with more than ", kMostParameters, " parameters"));
    }
    take();
    return made;
  }

  Statement macro_statement(int line) {
    Statement made{Statement::Kind::macro, line};
    made.name = take_name();
    function(made, "endmacro");
    return made;
  }

  Statement call_statement(int line) {
    Statement made{Statement::Kind::call, line};
    function(made, "endcall");
    return made;
  }

  /// Parameters and body of a macro, or those of a call and what it calls.
  void function(Statement& made, std::string_view end) {
    const Uses around = std::exchange(uses_, {});
    const bool is_call = made.kind == Statement::Kind::call;
    if (!is_call || is_sign("(")) made.parameters = parameters();
    for (const Parameter& parameter : made.parameters)
      if (parameter.name == "caller" && !parameter.fallback) fail("a parameter 'caller' needs a default");
    if (is_call) {
      made.expressions.push_back(expression());
      const auto kind = made.expressions[0]->kind;
      if (kind != Expression::Kind::call && kind != Expression::Kind::method)
        fail_at(made.line, "'call' needs a call of a macro");
    }
    end_tag();
    const Uses before = std::exchange(uses_, {});
    made.blocks.push_back(inner_block({end}));
    take();
    end_tag();
    made.uses = without_parameters(uses_, made.parameters);
    uses_ = either(uses_, either(around, before));
  }

  static Uses either(const Uses& a, const Uses& b) {
    return {a.varargs || b.varargs, a.kwargs || b.kwargs, a.caller || b.caller};
  }

  static Uses without_parameters(Uses uses, const std::vector<Parameter>& parameters) {
    for (const Parameter& parameter : parameters) {
      if (parameter.name == "varargs") uses.varargs = false;
      if (parameter.name == "kwargs") uses.kwargs = false;
      if (parameter.name == "caller") uses.caller = false;
    }
    return uses;
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
      const int line = token().line;
      FilterCall call{dotted_name(), {}, line};
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
    Statement made{Statement::Kind::generation, line};
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
      }
      is_tuple = is_tuple || is_sign(",");
      if (parts.size() > 1000) fail("more than 1000 targets");
    } while (skip_sign(","));
    if (!is_tuple) return std::move(parts[0]);
    return {{}, {}, std::move(parts)};
  }

  int loops_ = 0, block_depth_ = 0;
};

}  // namespace

Block parse(std::string_view source, const std::string& name) { return Parser(source, name).run(); }

}  // namespace pst::jinja
