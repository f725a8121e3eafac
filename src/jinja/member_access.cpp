// SPDX-License-Identifier: Apache-2.0
// x.name, x['name'] and x[begin:end:step].
#include <algorithm>

#include "core/strings.hpp"
#include "jinja/characters.hpp"
#include "jinja/library.hpp"
#include "jinja/scope.hpp"

namespace pst::jinja {

namespace {

Value macro_attribute(const Macro& macro, const std::string& name) {
  const Statement& definition = *macro.definition;
  if (name == "name") return definition.name.empty() ? Value(None{}) : Value(definition.name);
  if (name == "catch_kwargs") return definition.uses.kwargs;
  if (name == "catch_varargs") return definition.uses.varargs;
  if (name == "caller") return definition.uses.caller;
  if (name != "arguments") return Value::undefined(cat("'Macro object' has no attribute '", brief(name), "'"));
  std::vector<Value> names;
  for (const Parameter& parameter : definition.parameters) names.emplace_back(parameter.name);
  return Value::sequence(Sequence::Kind::tuple, std::move(names));
}

}  // namespace

Value attribute_of(Budget& budget, const Value& object, const std::string& name) {
  if (object.is_undefined()) refuse_undefined(object);
  if (name.starts_with("__") && name.ends_with("__"))
    return Value::undefined(cat("access to attribute '", brief(name), "' is unsafe"));
  budget.look_at(name.size());
  if (const auto* space = object.as<std::shared_ptr<Namespace>>()) {
    if (const Value* found = (*space)->members.find(name)) return *found;
    return Value::undefined(cat("the namespace has no attribute '", brief(name), "'"));
  }
  if (has_method(object, name)) return Value::Data(std::make_shared<const BoundMethod>(BoundMethod{object, name}));
  if (is_unsupported_method(object, name))
    refuse(cat("the method '", name, "' of a ", object.type_name(), " is not supported"));
  if (is_forbidden(object, name))
    return Value::undefined(cat("access to attribute '", name, "' of '", object.type_name(), "' object is unsafe."));
  if (const auto* macro = object.as<std::shared_ptr<const Macro>>()) return macro_attribute(**macro, name);
  if (const auto* held = object.sequence(); held && (*held)->is_group && (name == "grouper" || name == "list"))
    return (*held)->items[name == "list" ? 1 : 0];
  budget.spend(1);
  if (const Dict* dict = object.dict())
    if (const Value* found = dict->find(Value(name))) return *found;
  return Value::undefined(cat("'", object.type_name(), " object' has no attribute '", brief(name), "'"));
}

Value item_of(Budget& budget, const Value& object, const Value& key) {
  if (object.is_undefined()) refuse_undefined(object);
  std::int64_t index = 0;
  if (const Dict* dict = object.dict()) {
    look_for(budget, *dict, key);
    if (const Value* found = dict->find(key)) return *found;
  } else if (object.is_list_like() && key.to_integer(index)) {
    const auto& items = (*object.sequence())->items;
    const auto size = static_cast<std::int64_t>(items.size());
    if (index < 0) index += size;
    if (index >= 0 && index < size) return items[static_cast<std::size_t>(index)];
  } else if (object.text() && key.to_integer(index)) {
    const auto& text = *object.text();
    budget.spend_bytes(text.size());
    const auto size = static_cast<std::int64_t>(length_of(text));
    if (index < 0) index += size;
    if (index >= 0 && index < size) {
      const std::size_t at = byte_of(text, static_cast<std::size_t>(index));
      return marked_as(object, text.substr(at, char_bytes(text[at])));
    }
  }
  if (const auto* name = key.text()) {
    if (has_method(object, *name) || object.is<std::shared_ptr<Namespace>>())
      return attribute_of(budget, object, *name);
    return Value::undefined(cat("'", object.type_name(), " object' has no attribute '", brief(*name), "'"));
  }
  return Value::undefined(cat("'", object.type_name(), " object' has no such element"));
}

Value slice_of(Budget& budget, const Value& object, const Value* begin, const Value* end, const Value* step) {
  if (object.is_undefined()) refuse_undefined(object);
  if (!object.text() && !object.is_list_like()) refuse(cat("a '", object.type_name(), "' cannot be sliced"));
  const auto number = [](const Value* value, std::int64_t otherwise) {
    if (!value || value->is_none()) return otherwise;
    std::int64_t out = 0;
    if (!value->to_integer(out)) refuse("slice indices must be integers or none");
    return out;
  };
  const std::int64_t stride = number(step, 1);
  if (stride == 0) refuse("slice step cannot be zero");
  if (const auto* text = object.text()) budget.spend_bytes(text->size());
  const std::int64_t size = python_length(object);
  if (!object.text() || stride != 1) budget.spend(size + 1);
  const auto place = [&](const Value* value, std::int64_t otherwise) {
    std::int64_t at = number(value, otherwise);
    if (!value || value->is_none()) return at;
    if (at < 0) at = at < -size ? -1 : at + size;
    return std::clamp<std::int64_t>(at, stride > 0 ? 0 : -1, stride > 0 ? size : size - 1);
  };
  const std::int64_t from = place(begin, stride > 0 ? 0 : size - 1), to = place(end, stride > 0 ? size : -1);
  if (const auto* text = object.text(); text != nullptr && stride == 1) {
    if (from >= to) return marked_as(object, "");
    const std::size_t first = byte_of(*text, static_cast<std::size_t>(from));
    const auto rest = std::string_view(*text).substr(first);
    return marked_as(object, std::string(rest.substr(0, byte_of(rest, static_cast<std::size_t>(to - from)))));
  }
  std::vector<std::size_t> chosen;
  for (std::int64_t at = from; stride > 0 ? at < to : at > to;) {
    chosen.push_back(static_cast<std::size_t>(at));
    if (__builtin_add_overflow(at, stride, &at)) break;
  }
  if (const auto* text = object.text()) {
    std::vector<std::size_t> starts;
    for (std::size_t at = 0; at < text->size(); at += char_bytes((*text)[at])) starts.push_back(at);
    std::string out;
    for (const auto at : chosen) out += text->substr(starts[at], char_bytes((*text)[starts[at]]));
    return marked_as(object, std::move(out));
  }
  const auto& sequence = **object.sequence();
  std::vector<Value> items;
  for (const auto at : chosen) items.push_back(sequence.items[at]);
  return Value::sequence(sequence.kind, std::move(items));
}

}  // namespace pst::jinja
