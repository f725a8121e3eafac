#include "jinja/interpreter.hpp"

#include <algorithm>
#include <nlohmann/json.hpp>

#include "core/error.hpp"
#include "core/strings.hpp"
#include "jinja/library.hpp"

namespace pst::jinja {

/// Names and values; a name that is not here is looked for outside.
struct Scope {
  std::vector<std::pair<Name, Value>> names;
  std::shared_ptr<Scope> outside;

  const Value* find(const Name& name) const {
    for (const Scope* scope = this; scope; scope = scope->outside.get())
      for (const auto& [key, value] : scope->names)
        if (key == name) return &value;
    return nullptr;
  }
  void set(const Name& name, Value value) {
    for (auto& [key, present] : names)
      if (key == name) {
        present = std::move(value);
        return;
      }
    names.emplace_back(name, std::move(value));
  }
};

/// What `macro` defines, or the body of a `call` block. It sees the names around its definition, as they are when it
/// runs.
struct Macro {
  const Statement* definition;
  std::weak_ptr<Scope> scope;  // weak: the scope holds the macro
};

/// The variable `loop`.
struct LoopState {
  std::vector<Value> items;
  std::size_t at = 0;
  std::optional<std::vector<Value>> last_changed;
};

namespace {

constexpr int kDeepestCalls = 600;  // expressions and statements under way at once, all macros together

enum class Flow { on, broke, continued };

class Interpreter {
 public:
  Interpreter(const std::string& name, const nlohmann::ordered_json& variables)
      : name_(name), scope_(std::make_shared<Scope>()) {
    located([&] {
      if (!variables.is_object()) refuse("the variables are no JSON object");
      for (const auto& [key, value] : variables.items()) scope_->names.emplace_back(key, Value::from_json(value));
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

  class Level {
   public:
    explicit Level(int& depth) : depth_(depth) {
      if (depth_ >= kDeepestCalls) refuse("macros call each other too deeply");
      ++depth_;
    }
    ~Level() { --depth_; }
    Level(const Level&) = delete;
    Level& operator=(const Level&) = delete;

   private:
    int& depth_;
  };

  // ---- statements

  void print(std::string_view text) {
    budget_.spend_bytes(text.size());
    out_ += text;
    if (out_.size() > kLongestText) refuse("the template prints more than 64 MiB");
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
      case Statement::Kind::text: return print(s.text), Flow::on;
      case Statement::Kind::output: return print(to_text(budget_, evaluate(*s.expressions[0]))), Flow::on;
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
        return print(to_text(budget_, filtered(s.filters, std::move(text)))), Flow::on;
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
    const Value* held = scope_->find(target.name);
    const auto* space = held ? held->as<std::shared_ptr<Namespace>>() : nullptr;
    if (!space) refuse(cat("cannot assign attribute on non-namespace object '", target.name, "'"));
    if (starts_with(target.member, "_")) refuse(cat("the name '", target.member, "' is not allowed in a namespace"));
    budget_.spend(value.weight());
    if (value.holds_mutable()) refuse("a namespace or macro inside a namespace is not supported");
    (*space)->set(target.member, value);
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
    print(to_text(budget_, call_macro(**macro, given, &caller)));
  }

  Value call_macro(const Macro& macro, const Given& given, const Value* caller) {
    const auto around = macro.scope.lock();
    if (!around) refuse("a macro is called outside of the block that defines it");
    const Statement& definition = *macro.definition;
    const auto scope = inner(around);
    const int line = line_;
    const Inside inside(*this, scope);
    const std::string what = definition.name.empty() ? "caller()" : cat("the macro '", definition.name, "'");
    if (given.positional.size() > definition.parameters.size())
      refuse(cat(what, " takes at most ", definition.parameters.size(), " arguments, not ", given.positional.size()));
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

  // ---- expressions

  Given evaluate(const Arguments& arguments) {
    Given given;
    for (const auto& argument : arguments.positional) given.positional.push_back(evaluate(*argument));
    for (const auto& [name, argument] : arguments.named) given.named.emplace_back(name, evaluate(*argument));
    return given;
  }

  Value evaluate(const Expression& e) {
    const Level level(depth_);
    budget_.spend(1);
    line_ = e.line;
    switch (e.kind) {
      case Expression::Kind::constant: return e.value;
      case Expression::Kind::name: return look_up(e.name);
      case Expression::Kind::list: return Value::list(all(e.parts));
      case Expression::Kind::tuple: return Value::sequence(Sequence::Kind::tuple, all(e.parts));
      case Expression::Kind::dict: return dict(e);
      case Expression::Kind::attribute: return attribute(evaluate(*e.parts[0]), e.name);
      case Expression::Kind::item: return item(e);
      case Expression::Kind::slice: return slice(e);
      case Expression::Kind::call: return call(e);
      case Expression::Kind::method: return method(e);
      case Expression::Kind::filter: return filter(e);
      case Expression::Kind::test: return test(e);
      case Expression::Kind::negate: return negative(evaluate(*e.parts[0]));
      case Expression::Kind::plus: return plus(evaluate(*e.parts[0]));
      case Expression::Kind::not_: return !truth(evaluate(*e.parts[0]));
      case Expression::Kind::add: return binary(Operation::add, e);
      case Expression::Kind::subtract: return binary(Operation::subtract, e);
      case Expression::Kind::multiply: return binary(Operation::multiply, e);
      case Expression::Kind::divide: return binary(Operation::divide, e);
      case Expression::Kind::floor_divide: return binary(Operation::floor_divide, e);
      case Expression::Kind::modulo: return binary(Operation::modulo, e);
      case Expression::Kind::power: return binary(Operation::power, e);
      case Expression::Kind::concatenate: return concatenation(e);
      case Expression::Kind::and_:
      case Expression::Kind::or_: {
        Value left = evaluate(*e.parts[0]);
        return truth(left) == (e.kind == Expression::Kind::or_) ? left : evaluate(*e.parts[1]);
      }
      case Expression::Kind::compare: return comparison(e);
      case Expression::Kind::conditional:
        if (truth(evaluate(*e.parts[1]))) return evaluate(*e.parts[0]);
        if (e.parts[2]) return evaluate(*e.parts[2]);
        return Value::undefined("the inline if-expression evaluated to false and no else section was defined");
    }
    return {};
  }

  Value look_up(const Name& name) const {
    if (const Value* found = scope_->find(name)) return *found;
    if (name == "range") return Value::Data(Function::range);
    if (name == "dict") return Value::Data(Function::dict);
    if (name == "namespace") return Value::Data(Function::namespace_);
    if (name == "raise_exception") return Value::Data(Function::raise_exception);
    if (name == "strftime_now") return Value::Data(Function::strftime_now);
    return Value::undefined(cat("'", name, "' is undefined"));
  }

  std::vector<Value> all(const std::vector<ExpressionPtr>& parts) {
    std::vector<Value> values;
    for (const auto& part : parts) values.push_back(evaluate(*part));
    budget_.spend(static_cast<std::int64_t>(values.size()));
    return values;
  }

  Value dict(const Expression& e) {
    Dict made;
    for (std::size_t i = 0; i + 1 < e.parts.size(); i += 2) {
      Value key = evaluate(*e.parts[i]);
      if (key.dict() || (key.sequence() && (*key.sequence())->kind == Sequence::Kind::list))
        refuse(cat("unhashable type: '", key.type_name(), "'"));
      if (!key.text()) budget_.spend(static_cast<std::int64_t>(made.size()));
      made.set(std::move(key), evaluate(*e.parts[i + 1]));
    }
    return Value::dict(std::move(made));
  }

  Value attribute(const Value& object, const Name& name) {
    if (const auto* loop = object.as<std::shared_ptr<LoopState>>()) return loop_attribute(**loop, name);
    return attribute_of(budget_, object, name);
  }

  static Value loop_attribute(const LoopState& loop, const Name& name) {
    const auto at = static_cast<std::int64_t>(loop.at), size = static_cast<std::int64_t>(loop.items.size());
    if (name == "index") return at + 1;
    if (name == "index0") return at;
    if (name == "revindex") return size - at;
    if (name == "revindex0") return size - at - 1;
    if (name == "first") return at == 0;
    if (name == "last") return at + 1 == size;
    if (name == "length") return size;
    if (name == "depth") return 1;
    if (name == "depth0") return 0;
    if (name == "previtem") return at > 0 ? loop.items[loop.at - 1] : Value::undefined("there is no previous item");
    if (name == "nextitem") return at + 1 < size ? loop.items[loop.at + 1] : Value::undefined("there is no next item");
    refuse(cat("'loop' has no attribute '", name, "'"));
  }

  Value item(const Expression& e) {
    const Value object = evaluate(*e.parts[0]), key = evaluate(*e.parts[1]);
    line_ = e.line;
    if (object.is<std::shared_ptr<LoopState>>() && key.text()) return attribute(object, *key.text());
    return item_of(budget_, object, key);
  }

  Value slice(const Expression& e) {
    const Value object = evaluate(*e.parts[0]);
    std::vector<std::optional<Value>> ends(3);
    for (std::size_t i = 0; i < 3; ++i)
      if (e.parts[i + 1]) ends[i] = evaluate(*e.parts[i + 1]);
    line_ = e.line;
    const auto pointer = [&](std::size_t i) { return ends[i] ? &*ends[i] : nullptr; };
    return slice_of(budget_, object, pointer(0), pointer(1), pointer(2));
  }

  Value call(const Expression& e) {
    const Value callee = evaluate(*e.parts[0]);
    if (callee.is_undefined()) refuse_undefined(callee);
    const Given given = evaluate(e.arguments);
    line_ = e.line;
    if (const auto* function = callee.as<Function>()) return call_function(budget_, *function, given);
    if (const auto* macro = callee.as<std::shared_ptr<const Macro>>()) return call_macro(**macro, given, nullptr);
    if (const auto* bound = callee.as<std::shared_ptr<const BoundMethod>>())
      return call_method(budget_, (*bound)->object, (*bound)->name, given);
    refuse(cat("'", callee.type_name(), "' object is not callable"));
  }

  Value method(const Expression& e) {
    const Value object = evaluate(*e.parts[0]);
    const Given given = evaluate(e.arguments);
    line_ = e.line;
    if (const auto* loop = object.as<std::shared_ptr<LoopState>>()) return loop_method(**loop, e.name, given);
    return call_method(budget_, object, e.name, given);
  }

  Value loop_method(LoopState& loop, const Name& name, const Given& given) {
    if (!given.named.empty()) refuse(cat("loop.", name, " takes no named arguments"));
    if (name == "cycle") {
      if (given.positional.empty()) refuse("no items for cycling given");
      return given.positional[loop.at % given.positional.size()];
    }
    if (name != "changed") refuse(cat("'loop' has no method '", name, "'"));
    for (const Value& value : given.positional) budget_.spend(value.weight());
    const auto& last = loop.last_changed;
    if (last && std::equal(last->begin(), last->end(), given.positional.begin(), given.positional.end(), equal))
      return false;
    // A loop may not hold itself, or it would never be freed.
    if (std::any_of(given.positional.begin(), given.positional.end(), [](const Value& v) { return v.holds_mutable(); }))
      refuse("loop.changed of a namespace, macro or loop is not supported");
    loop.last_changed = given.positional;
    return true;
  }

  Value filter(const Expression& e) {
    const Value value = evaluate(*e.parts[0]);
    const Given given = evaluate(e.arguments);
    line_ = e.line;
    return apply_filter(budget_, e.name, value, given);
  }

  Value test(const Expression& e) {
    const Value value = evaluate(*e.parts[0]);
    const Given given = evaluate(e.arguments);
    line_ = e.line;
    return apply_test(budget_, e.name, value, given);
  }

  static Value plus(const Value& value) { return negative(negative(value)); }

  Value binary(Operation operation, const Expression& e) {
    const Value left = evaluate(*e.parts[0]), right = evaluate(*e.parts[1]);
    line_ = e.line;
    return arithmetic(budget_, operation, left, right);
  }

  Value concatenation(const Expression& e) {
    std::string out;
    for (const auto& part : e.parts) {
      out += to_text(budget_, evaluate(*part));
      budget_.spend_bytes(out.size());
    }
    return out;
  }

  Value comparison(const Expression& e) {
    Value left = evaluate(*e.parts[0]);
    for (std::size_t i = 0; i < e.operators.size(); ++i) {
      Value right = evaluate(*e.parts[i + 1]);
      line_ = e.line;
      if (!compare(budget_, e.operators[i], left, right)) return false;
      left = std::move(right);
    }
    return true;
  }

  const std::string& name_;
  Budget budget_;
  std::shared_ptr<Scope> scope_;
  std::string out_;
  int line_ = 1;
  int depth_ = 0;
};

}  // namespace

std::string run(const Block& program, const std::string& name, const nlohmann::ordered_json& variables) {
  return Interpreter(name, variables).run(program);
}

}  // namespace pst::jinja
