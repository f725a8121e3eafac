// SPDX-License-Identifier: Apache-2.0
#include <algorithm>
#include <array>

#include "core/printable.hpp"
#include "core/strings.hpp"
#include "jinja/characters.hpp"
#include "jinja/letter_case.hpp"
#include "jinja/library.hpp"
#include "jinja/text.hpp"

namespace pst::jinja {
namespace {

constexpr std::array<std::string_view, 5> kDictMethods = {"items", "keys", "values", "get", "copy"};
constexpr std::array<std::string_view, 2> kTupleMethods = {"index", "count"};
constexpr std::array<std::string_view, 3> kListMethods = {"index", "count", "copy"};
constexpr std::array<std::string_view, 7> kUnsupportedTextMethods = {
    "encode", "translate", "maketrans", "isidentifier", "isnumeric", "istitle", "format_map"};
// HF renders in a sandbox that refuses to change lists and dicts; these names hide a dict's members all the same.
constexpr std::array<std::string_view, 5> kDictChanges = {"clear", "pop", "popitem", "setdefault", "update"};
constexpr std::array<std::string_view, 8> kListChanges = {"append", "clear",  "extend",  "insert",
                                                          "pop",    "remove", "reverse", "sort"};
constexpr std::int64_t kLongestRange = 100'000;  // the limit of Jinja2's sandbox

bool is_list(const Value& value) { return value.sequence() && (*value.sequence())->kind == Sequence::Kind::list; }

template <class Names>
bool one_of(const Names& names, std::string_view name) {
  return std::find(names.begin(), names.end(), name) != names.end();
}

Value dict_method(Budget& budget, const Value& object, const std::string& name, const Given& given) {
  const Dict& dict = *object.dict();
  if (name == "get") {
    const auto args = given.bind(name, {"key", "default"});
    if (!args[0]) refuse("get() needs a key");
    look_for(budget, dict, *args[0]);
    const Value* found = dict.find(*args[0]);
    return found ? *found : args[1].value_or(None{});
  }
  given.bind(name, {});
  if (name == "copy") return object;
  std::vector<Value> items;
  budget.spend(static_cast<std::int64_t>(dict.size()) * 4);
  for (const auto& [key, item] : dict.items()) {
    if (name == "keys")
      items.push_back(key);
    else if (name == "values")
      items.push_back(item);
    else
      items.push_back(Value::sequence(Sequence::Kind::tuple, {key, item}));
  }
  return Value::sequence(Sequence::Kind::view, std::move(items));
}

Value list_method(Budget& budget, const Value& object, const std::string& name, const Given& given) {
  const auto& items = (*object.sequence())->items;
  if (name == "copy") return given.bind(name, {}), object;
  const auto args = given.bind(name, {"value"});
  if (!args[0]) refuse(cat(name, "() needs a value"));
  budget.spend(object.weight());
  const auto same = [&](const Value& item) { return equal(item, *args[0]); };
  if (name == "count") return static_cast<std::int64_t>(std::count_if(items.begin(), items.end(), same));
  const auto found = std::find_if(items.begin(), items.end(), same);
  if (found == items.end()) refuse("index(): the value is not in the list");
  return static_cast<std::int64_t>(found - items.begin());
}

Value make_range(Budget& budget, const Given& given) {
  std::int64_t begin = 0, end = 0, step = 1;
  const auto& args = given.positional;
  if (args.empty() || args.size() > 3 || !given.named.empty()) refuse("range() takes one to three integers");
  const auto number = [&](std::size_t at, std::int64_t& out) {
    if (args[at].is_undefined()) refuse_undefined(args[at]);
    if (!args[at].to_integer(out)) refuse(cat("range() takes integers, not ", args[at].type_name()));
  };
  number(args.size() > 1 ? 1 : 0, end);
  if (args.size() > 1) number(0, begin);
  if (args.size() > 2) number(2, step);
  if (step == 0) refuse("range(): the step must not be zero");
  std::vector<Value> items;
  for (std::int64_t at = begin; step > 0 ? at < end : at > end;) {
    if (static_cast<std::int64_t>(items.size()) >= kLongestRange)
      refuse(cat("range() of more than ", kLongestRange, " items"));
    items.emplace_back(at);
    if (__builtin_add_overflow(at, step, &at)) break;
  }
  budget.spend(static_cast<std::int64_t>(items.size()));
  return Value::sequence(Sequence::Kind::range, std::move(items));
}

/// The members that dict(...) and namespace(...) start with.
Dict initial_members(Budget& budget, const std::string& what, const Given& given) {
  Dict made;
  const auto put = [&](const Value& key, const Value& value) {
    budget.spend(4);
    look_for(budget, made, key);
    made.set(key, value);
  };
  if (given.positional.size() > 1) refuse(cat(what, "() takes one argument without a name"));
  if (!given.positional.empty()) {
    const Value& first = given.positional[0];
    if (const Dict* dict = first.dict()) {
      for (const auto& [key, item] : dict->items()) put(key, item);
    } else if (const auto* held = first.sequence()) {
      for (const Value& item : (*held)->items) {
        if (!item.is_list_like() || (*item.sequence())->items.size() != 2) refuse(cat(what, "() needs pairs"));
        if ((*item.sequence())->items[0].sequence() || (*item.sequence())->items[0].dict())
          refuse("a key must not be a list or dict");
        put((*item.sequence())->items[0], (*item.sequence())->items[1]);
      }
    } else {
      refuse(cat(what, "() cannot be made from a ", first.type_name()));
    }
  }
  for (const auto& [name, value] : given.named) put(Value(name), value);
  return made;
}

}  // namespace

std::vector<std::optional<Value>> Given::bind(const std::string& what,
                                              std::initializer_list<const char*> parameters) const {
  if (positional.size() > parameters.size())
    refuse(cat(what, " takes at most ", parameters.size(), " arguments, not ", positional.size()));
  std::vector<std::optional<Value>> out(parameters.size());
  for (std::size_t i = 0; i < positional.size(); ++i) out[i] = positional[i];
  for (const auto& [name, value] : named) {
    const auto found = std::find_if(parameters.begin(), parameters.end(), [&](const char* p) { return name == p; });
    if (found == parameters.end()) refuse(cat(what, " has no argument '", name, "'"));
    auto& slot = out[static_cast<std::size_t>(found - parameters.begin())];
    if (slot) refuse(cat(what, ": the argument '", name, "' is given twice"));
    slot = value;
  }
  return out;
}

bool is_forbidden(const Value& object, std::string_view name) {
  if (object.dict()) return one_of(kDictChanges, name);
  return is_list(object) && one_of(kListChanges, name);
}

bool has_method(const Value& object, std::string_view name) {
  if (object.text()) return has_text_method(name);
  if (object.dict()) return one_of(kDictMethods, name);
  return is_list(object) ? one_of(kListMethods, name) : object.is_list_like() && one_of(kTupleMethods, name);
}

bool is_unsupported_method(const Value& object, std::string_view name) {
  if (object.text()) return one_of(kUnsupportedTextMethods, name);
  return object.dict() && name == "fromkeys";
}

Value call_method(Budget& budget, const Value& object, const std::string& name, const Given& given) {
  if (object.is_undefined()) refuse_undefined(object);
  if (!has_method(object, name)) refuse(cat("'", object.type_name(), " object' has no method '", name, "'"));
  if (object.text()) return text_method(budget, object, name, given);
  return object.dict() ? dict_method(budget, object, name, given) : list_method(budget, object, name, given);
}

Value call_function(Budget& budget, Function function, const Given& given, const std::optional<Day>& today) {
  budget.spend(1);
  switch (function) {
    case Function::range: return make_range(budget, given);
    case Function::dict: return Value::dict(initial_members(budget, "dict", given));
    case Function::namespace_: {
      auto space = std::make_shared<Namespace>();
      const Dict members = initial_members(budget, "namespace", given);
      for (const auto& [key, value] : members.items()) {
        if (!key.text()) refuse("the names in a namespace are texts");
        if (key.text()->starts_with("_"))
          refuse(cat("the name '", brief(*key.text()), "' is not allowed in a namespace"));
        budget.look_at(key.text()->size());
        budget.spend(value.weight());
        if (value.holds_mutable()) refuse("a namespace or macro inside a namespace is not supported");
        space->members.set(*key.text(), value);
      }
      return Value::Data(std::move(space));
    }
    case Function::raise_exception: {
      const auto args = given.bind("raise_exception", {"message"});
      const std::string message = to_text(budget, args[0].value_or(Value()));
      refuse(cat("the template refuses this conversation: ", printable(brief(message, /*most=*/2000))));
    }
    case Function::strftime_now: return strftime_now(given, today);
  }
  return {};
}

}  // namespace pst::jinja
