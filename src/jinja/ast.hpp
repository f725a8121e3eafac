// SPDX-License-Identifier: Apache-2.0
#pragma once
#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "jinja/value.hpp"

namespace pst::jinja {

struct Expression;
using ExpressionPtr = std::unique_ptr<Expression>;
using Name = std::string;

/// Arguments of a call, filter or test.
struct Arguments {
  std::vector<ExpressionPtr> positional;
  std::vector<std::pair<Name, ExpressionPtr>> named;
  ExpressionPtr rest, named_rest;  // behind * and **; null when there are none
};

/// One node of an expression. Which members count is said at each kind.
struct Expression {
  enum class Kind {
    constant,  // value
    name,      // name
    list,
    tuple,      // parts
    dict,       // parts: key, value, key, value ...
    attribute,  // parts[0] . name
    item,       // parts[0] [ parts[1] ]
    slice,      // parts[0] [ parts[1] : parts[2] : parts[3] ], absent ones null
    call,       // parts[0] ( arguments )
    method,     // parts[0] . name ( arguments )
    filter,     // parts[0] | name ( arguments )
    test,       // parts[0] is name ( arguments )
    negate,
    plus,
    not_,
    add,
    subtract,
    multiply,
    divide,
    floor_divide,
    modulo,
    power,
    concatenate,  // parts joined by ~
    and_,
    or_,
    compare,      // parts[0] operators[0] parts[1] operators[1] ...
    conditional,  // parts[0] if parts[1] else parts[2] (may be null)
    unsupported,  // name says what is not supported: an error where it is reached
  };
  Kind kind;
  int line;
  int depth = 1;
  Value value = {};
  Name name = {};
  std::vector<ExpressionPtr> parts = {};
  Arguments arguments = {};
  std::vector<std::string> operators = {};  // ==, !=, <, <=, >, >=, in, not in
};

/// What is assigned to: names, possibly nested in tuples, or `namespace.member`.
struct Target {
  Name name;                  // empty for a tuple
  Name member;                // of the namespace `name`; empty for a plain name
  std::vector<Target> parts;  // of a tuple
};

struct Parameter {
  Name name;
  ExpressionPtr fallback;  // null: undefined when not given
};

struct Statement;
using Block = std::vector<std::unique_ptr<Statement>>;

struct FilterCall {
  Name name;
  Arguments arguments;
  int line;
};

/// Which of the names that a macro has without declaring them stand in it; only then does it take what they hold.
struct Uses {
  bool varargs = false, kwargs = false, caller = false;
};

struct Statement {
  enum class Kind {
    text,        // text
    output,      // expressions, one after the other
    if_,         // expressions[i] guards blocks[i]; one more block is the else
    for_,        // targets[0] in expressions[0] if expressions[1] (may be null): blocks[0], else blocks[1]; recursive
    set,         // targets[0] = expressions[0]
    set_block,   // targets[0] = blocks[0] through filters
    macro,       // name(parameters): blocks[0]; uses
    call,        // calls expressions[0], blocks[0] being what caller(parameters) gives; uses
    filter,      // blocks[0] through filters
    with,        // targets[i] = expressions[i] inside blocks[0]
    generation,  // blocks[0] in a scope of its own
    break_,
    continue_,
    unsupported,  // text says what is not supported: an error where it is reached
  };
  Kind kind;
  int line;
  std::string text = {};
  Name name = {};
  std::vector<ExpressionPtr> expressions = {};
  std::vector<Target> targets = {};
  std::vector<Block> blocks = {};
  std::vector<Parameter> parameters = {};
  std::vector<FilterCall> filters = {};
  Uses uses = {};
  bool recursive = false;
};

}  // namespace pst::jinja
