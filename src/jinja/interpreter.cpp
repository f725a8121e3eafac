// SPDX-License-Identifier: Apache-2.0
#include "jinja/interpreter.hpp"

#include <algorithm>
#include <nlohmann/json.hpp>
#include <unordered_map>

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

  MarkedText run(const Block& program, Marks marks) {
    // A scope of its own: what the template sets hides a variable.
    scope_ = inner(scope_);
    located([&] {
      block(program);
      if (marks == Marks::wanted) check_marks();
    });
    std::sort(marks_.begin(), marks_.end(), [](const Mark& a, const Mark& b) { return a.begin < b.begin; });
    return {std::move(out_), {marks_.begin(), marks_.end()}};
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
    if (!carried_.empty()) place_marks(value);
    if (const auto* text = value.text()) return print(std::string_view(*text));
    print(std::string_view(to_text(budget_, value)));
  }

  /// What `body` prints, instead of printing it.
  template <class Body>
  Value captured(Body body) {
    std::string before = std::exchange(out_, {});
    auto marks_before = std::exchange(marks_, {});
    body();
    const Value text = std::exchange(out_, std::move(before));
    auto marks = std::exchange(marks_, std::move(marks_before));
    if (!marks.empty()) carried_.emplace(text.text(), Carried{text, std::move(marks)});
    return text;
  }

  // ---- what `generation` marks

  struct Mark : GeneratedPart {
    std::size_t number;  // of the `generation` that was run
  };
  /// A text that was not printed yet, with the marks in it.
  struct Carried {
    Value text;
    std::vector<Mark> marks;
  };

  void generation(const Statement& s) {
    const Inside inside(*this, inner(scope_));
    const std::size_t begin = out_.size();
    block(s.blocks[0]);
    marks_.push_back({{begin, out_.size()}, generation_lines_.size()});
    generation_lines_.push_back(s.line);
  }

  void place_marks(const Value& printed) {
    const auto found = carried_.find(printed.text());
    if (found == carried_.end()) return;
    budget_.spend(static_cast<std::int64_t>(found->second.marks.size()));
    for (Mark mark : found->second.marks) {
      mark.begin += out_.size();
      mark.end += out_.size();
      marks_.push_back(mark);
    }
  }

  void check_marks() {
    std::vector<bool> placed(generation_lines_.size(), false);
    for (const Mark& mark : marks_) placed[mark.number] = true;
    const auto lost = std::find(placed.begin(), placed.end(), false);
    if (lost == placed.end()) return;
    line_ = generation_lines_[static_cast<std::size_t>(lost - placed.begin())];
    refuse("what this 'generation' marks was changed, or not printed, after it was marked: its place is not known");
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
      case Statement::Kind::output:
        for (const auto& expression : s.expressions) print(evaluate(*expression));
        return Flow::on;
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
        return print(filtered(s.filters, captured([&] { block(s.blocks[0]); }))), Flow::on;
      }
      case Statement::Kind::with: return with_statement(s);
      case Statement::Kind::generation: return generation(s), Flow::on;
      case Statement::Kind::break_: return Flow::broke;
      case Statement::Kind::continue_: return Flow::continued;
      case Statement::Kind::unsupported: refuse(cat(s.text, " is not supported"));
    }
    return Flow::on;
  }

  Flow if_statement(const Statement& s) {
    for (std::size_t i = 0; i < s.expressions.size(); ++i)
      if (truth(evaluate(*s.expressions[i]))) return block(s.blocks[i]);
    return s.blocks.size() > s.expressions.size() ? block(s.blocks.back()) : Flow::on;
  }

  Flow for_statement(const Statement& s) { return loop(s, evaluate(*s.expressions[0]), /*depth0=*/0); }

  Flow loop(const Statement& s, const Value& over, std::int64_t depth0) {
    auto state = std::make_shared<LoopState>();
    state->depth0 = depth0;
    state->recursive = s.recursive ? &s : nullptr;
    state->outside = scope_;
    state->items = items_of(budget_, over);
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

  Value call_loop(const LoopState& loop, const Value& items) override {
    if (!loop.recursive) refuse("the loop must have the 'recursive' marker to be called recursively");
    const Level level(depth_);
    const auto outside = loop.outside.lock();
    if (!outside) refuse("a loop is called outside of itself");
    const int line = line_;
    const Inside inside(*this, outside);
    const Statement& s = *loop.recursive;
    const std::int64_t depth0 = loop.depth0 + 1;
    Value text = captured([&] { this->loop(s, items, depth0); });
    line_ = line;
    return text;
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
    const Value callee = callee_of(call);
    Given given = evaluate(call.arguments);
    line_ = s.line;
    const auto* macro = callee.as<std::shared_ptr<const Macro>>();
    if (!macro) refuse("'call' of what is no macro is not supported");
    const Value caller = Value::Data(std::make_shared<const Macro>(Macro{&s, scope_}));
    print(call_macro(**macro, given, &caller));
  }

  Value call_macro(const Macro& macro, const Given& given, const Value* caller) override {
    const auto around = macro.scope.lock();
    if (!around) refuse("a macro is called outside of the block that defines it");
    const auto scope = inner(around);
    const int line = line_;
    const Inside inside(*this, scope);
    set_parameters(*macro.definition, given, *scope);
    set_undeclared(*macro.definition, given, caller, *scope);
    Value text = captured([&] { block(macro.definition->blocks[0]); });
    line_ = line;
    return text;
  }

  static std::string name_of(const Statement& definition) {
    return definition.name.empty() ? "caller()" : cat("the macro '", definition.name, "'");
  }

  void set_parameters(const Statement& definition, const Given& given, Scope& scope) {
    const auto& parameters = definition.parameters;
    if (given.positional.size() > parameters.size() && !definition.uses.varargs)
      refuse(
          cat(name_of(definition), " takes at most ", parameters.size(), " arguments, not ", given.positional.size()));
    budget_.spend(static_cast<std::int64_t>(given.named.size() * parameters.size() / 8));
    for (std::size_t i = 0; i < parameters.size(); ++i) {
      const Parameter& parameter = parameters[i];
      const auto named = std::find_if(given.named.begin(), given.named.end(),
                                      [&](const auto& n) { return n.first == parameter.name; });
      if (i < given.positional.size()) {
        if (named != given.named.end())
          refuse(cat(name_of(definition), ": the argument '", parameter.name, "' is given twice"));
        scope.set(parameter.name, given.positional[i]);
      } else if (named != given.named.end()) {
        scope.set(parameter.name, named->second);
      } else if (parameter.fallback) {
        scope.set(parameter.name, evaluate(*parameter.fallback));
      } else {
        scope.set(parameter.name, Value::undefined(cat("parameter '", parameter.name, "' was not provided")));
      }
    }
  }

  /// What the macro takes without a parameter for it, as far as it uses that.
  void set_undeclared(const Statement& definition, const Given& given, const Value* caller, Scope& scope) {
    const auto& parameters = definition.parameters;
    const auto is_parameter = [&](const std::string& name) {
      return std::any_of(parameters.begin(), parameters.end(), [&](const Parameter& p) { return p.name == name; });
    };
    Dict kwargs;
    for (const auto& [name, value] : given.named) {
      if (is_parameter(name)) continue;
      if (name == "caller" && definition.uses.caller && !caller) {
        scope.set("caller", value);
        continue;
      }
      if (!definition.uses.kwargs) refuse(cat(name_of(definition), " takes no keyword argument '", brief(name), "'"));
      look_for(budget_, kwargs, Value(name));
      kwargs.set(Value(name), value);
    }
    if (caller && is_parameter("caller")) {
      scope.set("caller", *caller);
    } else if (caller) {
      if (!definition.uses.caller) refuse(cat(name_of(definition), " is called with a block, and uses no 'caller'"));
      scope.set("caller", *caller);
    } else if (definition.uses.caller && !scope.names.find("caller")) {
      scope.set("caller", Value::undefined("No caller defined"));
    }
    if (definition.uses.kwargs) scope.set("kwargs", Value::dict(std::move(kwargs)));
    if (!definition.uses.varargs) return;
    const auto taken = std::min(parameters.size(), given.positional.size());
    budget_.spend(static_cast<std::int64_t>(given.positional.size()));
    scope.set("varargs",
              Value::sequence(Sequence::Kind::tuple,
                              {given.positional.begin() + static_cast<std::ptrdiff_t>(taken), given.positional.end()}));
  }

  const std::string& name_;
  std::string out_;
  std::vector<Mark> marks_;            // in out_
  std::vector<int> generation_lines_;  // of every `generation` that was run
  std::unordered_map<const std::string*, Carried> carried_;
};

}  // namespace

MarkedText run(const Block& program, const std::string& name, const nlohmann::ordered_json& variables,
               const std::optional<Day>& today, Marks marks) {
  return Interpreter(name, variables, today).run(program, marks);
}

}  // namespace pst::jinja
