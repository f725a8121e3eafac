// SPDX-License-Identifier: Apache-2.0
#include "jinja/evaluator.hpp"

#include <algorithm>

#include "core/strings.hpp"

namespace pst::jinja {
namespace {

constexpr int kDeepestCalls = 600;  // expressions and statements under way at once, all macros together

}  // namespace

Evaluator::Level::Level(int& depth) : depth_(depth) {
  if (depth_ >= kDeepestCalls) refuse("macros call each other too deeply");
  ++depth_;
}

Given Evaluator::evaluate(const Arguments& arguments) {
  Given given;
  for (const auto& argument : arguments.positional) given.positional.push_back(evaluate(*argument));
  if (arguments.rest)
    for (Value& item : items_of(budget_, evaluate(*arguments.rest))) given.positional.push_back(std::move(item));
  for (const auto& [name, argument] : arguments.named) given.named.emplace_back(name, evaluate(*argument));
  if (arguments.named_rest) add_members(given, evaluate(*arguments.named_rest));
  return given;
}

void Evaluator::add_members(Given& given, const Value& members) {
  const Dict* const dict = members.dict();
  if (!dict) refuse(cat("the argument behind ** must be a mapping, not ", members.type_name()));
  const std::size_t written_out = given.named.size();
  budget_.spend(static_cast<std::int64_t>(dict->size() * (4 + written_out / 8)));
  for (const auto& [key, value] : dict->items()) {
    if (!key.text()) refuse("the names of arguments must be texts");
    budget_.look_at(key.text()->size());
    for (std::size_t i = 0; i < written_out; ++i)
      if (given.named[i].first == *key.text()) refuse(cat("the argument '", brief(*key.text()), "' is given twice"));
    given.named.emplace_back(*key.text(), value);
  }
}

Value Evaluator::evaluate(const Expression& e) {
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
    case Expression::Kind::unsupported: refuse(cat(e.name, " is not supported"));
  }
  return {};
}

const Value* Evaluator::find(const Name& name) {
  std::int64_t compared = 0;
  const Value* const found = scope_->find(name, compared);
  budget_.spend(compared / 16);
  return found;
}

Value Evaluator::look_up(const Name& name) {
  if (const Value* found = find(name)) return *found;
  if (name == "range") return Value::Data(Function::range);
  if (name == "dict") return Value::Data(Function::dict);
  if (name == "namespace") return Value::Data(Function::namespace_);
  if (name == "raise_exception") return Value::Data(Function::raise_exception);
  if (name == "strftime_now") return Value::Data(Function::strftime_now);
  if (name == "cycler" || name == "joiner" || name == "lipsum")
    refuse(cat("the function '", name, "' is not supported"));
  return Value::undefined(cat("'", name, "' is undefined"));
}

std::vector<Value> Evaluator::all(const std::vector<ExpressionPtr>& parts) {
  std::vector<Value> values;
  for (const auto& part : parts) values.push_back(evaluate(*part));
  budget_.spend(static_cast<std::int64_t>(values.size()));
  return values;
}

Value Evaluator::dict(const Expression& e) {
  Dict made;
  for (std::size_t i = 0; i + 1 < e.parts.size(); i += 2) {
    Value key = evaluate(*e.parts[i]);
    if (key.dict() || (key.sequence() && (*key.sequence())->kind == Sequence::Kind::list))
      refuse(cat("unhashable type: '", key.type_name(), "'"));
    look_for(budget_, made, key);
    made.set(std::move(key), evaluate(*e.parts[i + 1]));
  }
  return Value::dict(std::move(made));
}

Value Evaluator::attribute(const Value& object, const Name& name) {
  if (const auto* loop = object.as<std::shared_ptr<LoopState>>()) return loop_attribute(**loop, name);
  return attribute_of(budget_, object, name);
}

Value Evaluator::loop_attribute(const LoopState& loop, const Name& name) {
  const auto at = static_cast<std::int64_t>(loop.at), size = static_cast<std::int64_t>(loop.items.size());
  if (name == "index") return at + 1;
  if (name == "index0") return at;
  if (name == "revindex") return size - at;
  if (name == "revindex0") return size - at - 1;
  if (name == "first") return at == 0;
  if (name == "last") return at + 1 == size;
  if (name == "length") return size;
  if (name == "depth") return loop.depth0 + 1;
  if (name == "depth0") return loop.depth0;
  if (name == "previtem") return at > 0 ? loop.items[loop.at - 1] : Value::undefined("there is no previous item");
  if (name == "nextitem") return at + 1 < size ? loop.items[loop.at + 1] : Value::undefined("there is no next item");
  refuse(cat("'loop' has no attribute '", name, "'"));
}

Value Evaluator::item(const Expression& e) {
  const Value object = evaluate(*e.parts[0]), key = evaluate(*e.parts[1]);
  line_ = e.line;
  if (object.is<std::shared_ptr<LoopState>>() && key.text()) return attribute(object, *key.text());
  return item_of(budget_, object, key);
}

Value Evaluator::slice(const Expression& e) {
  const Value object = evaluate(*e.parts[0]);
  std::vector<std::optional<Value>> ends(3);
  for (std::size_t i = 0; i < 3; ++i)
    if (e.parts[i + 1]) ends[i] = evaluate(*e.parts[i + 1]);
  line_ = e.line;
  const auto pointer = [&](std::size_t i) { return ends[i] ? &*ends[i] : nullptr; };
  return slice_of(budget_, object, pointer(0), pointer(1), pointer(2));
}

Value Evaluator::call_value(const Value& callee, const Given& given) {
  if (callee.is_undefined()) refuse_undefined(callee);
  if (const auto* function = callee.as<Function>()) return call_function(budget_, *function, given, today_);
  if (const auto* macro = callee.as<std::shared_ptr<const Macro>>()) return call_macro(**macro, given, nullptr);
  if (const auto* bound = callee.as<std::shared_ptr<const BoundMethod>>())
    return call_method(budget_, (*bound)->object, (*bound)->name, given);
  if (const auto* loop = callee.as<std::shared_ptr<LoopState>>()) {
    const auto args = given.bind("loop", {"iterable"});
    if (!args[0]) refuse("loop() needs what to walk over");
    return call_loop(**loop, *args[0]);
  }
  refuse(cat("'", callee.type_name(), "' object is not callable"));
}

Value Evaluator::call(const Expression& e) {
  const Value callee = evaluate(*e.parts[0]);
  if (callee.is_undefined()) refuse_undefined(callee);
  const Given given = evaluate(e.arguments);
  line_ = e.line;
  return call_value(callee, given);
}

Value Evaluator::method(const Expression& e) {
  const Value object = evaluate(*e.parts[0]);
  const Given given = evaluate(e.arguments);
  line_ = e.line;
  if (const auto* loop = object.as<std::shared_ptr<LoopState>>()) return loop_method(**loop, e.name, given);
  if (has_method(object, e.name)) return call_method(budget_, object, e.name, given);
  return call_value(attribute(object, e.name), given);
}

Value Evaluator::callee_of(const Expression& call) {
  const Value first = evaluate(*call.parts[0]);
  return call.kind == Expression::Kind::method ? attribute(first, call.name) : first;
}

Value Evaluator::loop_method(LoopState& loop, const Name& name, const Given& given) {
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

Value Evaluator::filter(const Expression& e) {
  const Value value = evaluate(*e.parts[0]);
  const Given given = evaluate(e.arguments);
  line_ = e.line;
  return apply_filter(budget_, e.name, value, given);
}

Value Evaluator::test(const Expression& e) {
  const Value value = evaluate(*e.parts[0]);
  const Given given = evaluate(e.arguments);
  line_ = e.line;
  return apply_test(budget_, e.name, value, given);
}

Value Evaluator::plus(const Value& value) { return negative(negative(value)); }

Value Evaluator::binary(Operation operation, const Expression& e) {
  const Value left = evaluate(*e.parts[0]), right = evaluate(*e.parts[1]);
  line_ = e.line;
  return arithmetic(budget_, operation, left, right);
}

Value Evaluator::concatenation(const Expression& e) {
  std::string out;  // of marked texts too: without autoescape, ~ takes what they hold
  for (const auto& part : e.parts) {
    append_text(budget_, out, evaluate(*part));
    budget_.spend_bytes(out.size());
  }
  return out;
}

Value Evaluator::comparison(const Expression& e) {
  Value left = evaluate(*e.parts[0]);
  for (std::size_t i = 0; i < e.operators.size(); ++i) {
    Value right = evaluate(*e.parts[i + 1]);
    line_ = e.line;
    if (!compare(budget_, e.operators[i], left, right)) return false;
    left = std::move(right);
  }
  return true;
}

}  // namespace pst::jinja
