// SPDX-License-Identifier: Apache-2.0
#include "jinja/interpreter.hpp"

#include <algorithm>
#include <nlohmann/json.hpp>

#include "core/error.hpp"
#include "core/strings.hpp"
#include "jinja/evaluator.hpp"

namespace pst::jinja {
namespace {

enum class Flow { on, broke, continued };

/// Runs statements.
class Interpreter final : private Evaluator {
 public:
  Interpreter(const std::string& name, const nlohmann::ordered_json& variables, const std::optional<Day>& today)
      : Evaluator(std::make_shared<Scope>(), today), name_(name) {
    located([&] {
      if (!variables.is_object()) refuse("the variables are no JSON object");
      for (const auto& [key, value] : variables.items()) scope_->names.set(key, Value::from_json(value));
    });
  }

  std::string run(const Block& program) {
    // A scope of its own: what the template sets hides a variable.
    scope_ = inner(scope_);
    located([&] { block(program); });
    return std::move(out_);
  }

 private:
  template <class Body>
  void located(Body body) {
    try {
      body();
    } catch (const Error& error) {
      throw Error(error.fault(), cat(name_, ":", line_, ": ", error.message()), error.remedy());
    }
  }

  static std::shared_ptr<Scope> inner(std::shared_ptr<Scope> outside) {
    auto made = std::make_shared<Scope>();
    made->outside = std::move(outside);
    return made;
  }

  /// Another scope until the end of a C++ block.
  class Inside {
   public:
    Inside(Interpreter& interpreter, std::shared_ptr<Scope> scope)
        : interpreter_(interpreter), before_(std::exchange(interpreter.scope_, std::move(scope))) {}
    ~Inside() { interpreter_.scope_ = std::move(before_); }
    Inside(const Inside&) = delete;
    Inside& operator=(const Inside&) = delete;

   private:
    Interpreter& interpreter_;
    std::shared_ptr<Scope> before_;
  };

  void print(std::string_view text) {
    budget_.spend_bytes(text.size());
    out_ += text;
    if (out_.size() > kLongestText) refuse("the template prints more than 64 MiB");
  }
  void print(const Value& value) {
    if (const auto* text = value.text()) return print(std::string_view(*text));
    print(std::string_view(to_text(budget_, value)));
  }

  /// What `body` prints, instead of printing it.
  template <class Body>
  std::string captured(Body body) {
    std::string before = std::exchange(out_, {});
    body();
    return std::exchange(out_, std::move(before));
  }

  Flow block(const Block& statements) {
    for (const auto& statement : statements)
      if (const Flow flow = execute(*statement); flow != Flow::on) return flow;
    return Flow::on;
  }

  Flow execute(const Statement& s) {
    const Level level(depth_);
    budget_.spend(1);
    line_ = s.line;
    switch (s.kind) {
      case Statement::Kind::text: return print(std::string_view(s.text)), Flow::on;
      case Statement::Kind::output: return print(evaluate(*s.expressions[0])), Flow::on;
      case Statement::Kind::if_: return if_statement(s);
      case Statement::Kind::for_: return for_statement(s);
      case Statement::Kind::set: return assign(s.targets[0], evaluate(*s.expressions[0])), Flow::on;
      case Statement::Kind::set_block: return set_block(s), Flow::on;
      case Statement::Kind::macro:
        scope_->set(s.name, Value::Data(std::make_shared<const Macro>(Macro{&s, scope_})));
        return Flow::on;
      case Statement::Kind::call: return call_block(s), Flow::on;
      case Statement::Kind::filter: {
        const Inside inside(*this, inner(scope_));
        std::string text = captured([&] { block(s.blocks[0]); });
        return print(filtered(s.filters, std::move(text))), Flow::on;
      }
      case Statement::Kind::with: return with_statement(s);
      case Statement::Kind::scope: {
        const Inside inside(*this, inner(scope_));
        return block(s.blocks[0]);
      }
      case Statement::Kind::break_: return Flow::broke;
      case Statement::Kind::continue_: return Flow::continued;
    }
    return Flow::on;
  }

  Flow if_statement(const Statement& s) {
    for (std::size_t i = 0; i < s.expressions.size(); ++i)
      if (truth(evaluate(*s.expressions[i]))) return block(s.blocks[i]);
    return s.blocks.size() > s.expressions.size() ? block(s.blocks.back()) : Flow::on;
  }

  Flow for_statement(const Statement& s) {
    auto state = std::make_shared<LoopState>();
    state->items = items_of(budget_, evaluate(*s.expressions[0]));
    if (s.expressions[1]) keep_wanted(s, state->items);
    if (state->items.empty()) {
      const Inside inside(*this, inner(scope_));
      return block(s.blocks[1]);
    }
    for (state->at = 0; state->at < state->items.size(); ++state->at) {
      budget_.spend(1);
      const Inside inside(*this, inner(scope_));
      scope_->set("loop", Value::Data(state));
      assign(s.targets[0], state->items[state->at]);
      if (block(s.blocks[0]) == Flow::broke) break;
    }
    return Flow::on;
  }

  void keep_wanted(const Statement& s, std::vector<Value>& items) {
    std::vector<Value> wanted;
    for (Value& item : items) {
      budget_.spend(1);
      const Inside inside(*this, inner(scope_));
      assign(s.targets[0], item);
      if (truth(evaluate(*s.expressions[1]))) wanted.push_back(std::move(item));
    }
    items = std::move(wanted);
  }

  void assign(const Target& target, const Value& value) {
    if (!target.parts.empty()) {
      const auto items = items_of(budget_, value);
      if (items.size() != target.parts.size())
        refuse(cat("cannot unpack ", items.size(), " values into ", target.parts.size(), " names"));
      for (std::size_t i = 0; i < items.size(); ++i) assign(target.parts[i], items[i]);
      return;
    }
    if (target.member.empty()) return scope_->set(target.name, value);
    const Value* held = find(target.name);
    const auto* space = held ? held->as<std::shared_ptr<Namespace>>() : nullptr;
    if (!space) refuse(cat("cannot assign attribute on non-namespace object '", target.name, "'"));
    if (target.member.starts_with("_")) refuse(cat("the name '", target.member, "' is not allowed in a namespace"));
    budget_.spend(value.weight());
    if (value.holds_mutable()) refuse("a namespace or macro inside a namespace is not supported");
    (*space)->members.set(target.member, value);
  }

  void set_block(const Statement& s) {
    Value text;
    {
      const Inside inside(*this, inner(scope_));
      text = filtered(s.filters, captured([&] { block(s.blocks[0]); }));
    }
    assign(s.targets[0], text);
  }

  Value filtered(const std::vector<FilterCall>& filters, Value value) {
    for (const FilterCall& filter : filters) {
      const Given given = evaluate(filter.arguments);
      line_ = filter.line;
      value = apply_filter(budget_, filter.name, value, given);
    }
    return value;
  }

  Flow with_statement(const Statement& s) {
    std::vector<Value> values;
    for (const auto& expression : s.expressions) values.push_back(evaluate(*expression));
    const Inside inside(*this, inner(scope_));
    for (std::size_t i = 0; i < values.size(); ++i) assign(s.targets[i], values[i]);
    return block(s.blocks[0]);
  }

  void call_block(const Statement& s) {
    const Expression& call = *s.expressions[0];
    const Value callee = evaluate(*call.parts[0]);
    const Given given = evaluate(call.arguments);
    const auto* macro = callee.as<std::shared_ptr<const Macro>>();
    if (!macro) refuse("'call' needs a macro");
    const Value caller = Value::Data(std::make_shared<const Macro>(Macro{&s, scope_}));
    print(call_macro(**macro, given, &caller));
  }

  Value call_macro(const Macro& macro, const Given& given, const Value* caller) override {
    const auto around = macro.scope.lock();
    if (!around) refuse("a macro is called outside of the block that defines it");
    const Statement& definition = *macro.definition;
    const auto scope = inner(around);
    const int line = line_;
    const Inside inside(*this, scope);
    const std::string what = definition.name.empty() ? "caller()" : cat("the macro '", definition.name, "'");
    if (given.positional.size() > definition.parameters.size())
      refuse(cat(what, " takes at most ", definition.parameters.size(), " arguments, not ", given.positional.size()));
    budget_.spend(static_cast<std::int64_t>(given.named.size() * definition.parameters.size() / 8));
    for (const auto& [name, value] : given.named)
      if (std::none_of(definition.parameters.begin(), definition.parameters.end(),
                       [&, n = &name](const Parameter& p) { return p.name == *n; }))
        refuse(cat(what, " has no argument '", name, "'"));
    for (std::size_t i = 0; i < definition.parameters.size(); ++i) {
      const Parameter& parameter = definition.parameters[i];
      const auto named = std::find_if(given.named.begin(), given.named.end(),
                                      [&](const auto& n) { return n.first == parameter.name; });
      if (i < given.positional.size()) {
        if (named != given.named.end()) refuse(cat(what, ": the argument '", parameter.name, "' is given twice"));
        scope->set(parameter.name, given.positional[i]);
      } else if (named != given.named.end()) {
        scope->set(parameter.name, named->second);
      } else if (parameter.fallback) {
        scope->set(parameter.name, evaluate(*parameter.fallback));
      } else {
        scope->set(parameter.name, Value::undefined(cat("parameter '", parameter.name, "' was not provided")));
      }
    }
    if (caller) scope->set("caller", *caller);
    std::string text = captured([&] { block(definition.blocks[0]); });
    line_ = line;
    return text;
  }

  const std::string& name_;
  std::string out_;
};

}  // namespace

std::string run(const Block& program, const std::string& name, const nlohmann::ordered_json& variables,
                const std::optional<Day>& today) {
  return Interpreter(name, variables, today).run(program);
}

}  // namespace pst::jinja
