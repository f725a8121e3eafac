// SPDX-License-Identifier: Apache-2.0
#include <algorithm>
#include <array>
#include <ctime>

#include "core/strings.hpp"
#include "jinja/characters.hpp"
#include "jinja/letter_case.hpp"
#include "jinja/library.hpp"
#include "jinja/text.hpp"

namespace pst::jinja {
namespace {

constexpr std::array<std::string_view, 28> kTextMethods = {
    "strip",   "lstrip",  "rstrip",     "split",      "rsplit",     "splitlines",   "upper",
    "lower",   "title",   "capitalize", "startswith", "endswith",   "replace",      "find",
    "rfind",   "index",   "count",      "join",       "isdigit",    "isdecimal",    "isalpha",
    "isalnum", "isspace", "zfill",      "partition",  "rpartition", "removeprefix", "removesuffix"};
constexpr std::array<std::string_view, 5> kDictMethods = {"items", "keys", "values", "get", "copy"};
constexpr std::array<std::string_view, 3> kListMethods = {"index", "count", "copy"};
constexpr std::array<std::string_view, 2> kLoopMethods = {"cycle", "changed"};
// HF renders in a sandbox that refuses to change lists and dicts; these names hide a dict's members all the same.
constexpr std::array<std::string_view, 6> kDictChanges = {"clear",      "pop",    "popitem",
                                                          "setdefault", "update", "fromkeys"};
constexpr std::array<std::string_view, 8> kListChanges = {"append", "clear",  "extend",  "insert",
                                                          "pop",    "remove", "reverse", "sort"};
constexpr std::array<std::pair<std::string_view, Function>, 5> kFunctions = {
    {{"range", Function::range},
     {"dict", Function::dict},
     {"namespace", Function::namespace_},
     {"raise_exception", Function::raise_exception},
     {"strftime_now", Function::strftime_now}}};
constexpr std::int64_t kLongestRange = 100'000;  // the limit of Jinja2's sandbox

template <class Names>
bool one_of(const Names& names, std::string_view name) {
  return std::find(names.begin(), names.end(), name) != names.end();
}

const std::string& text_argument(const std::string& method, const std::optional<Value>& value) {
  if (!value || !value->text()) refuse(cat(method, "() needs a text"));
  return *value->text();
}

std::int64_t count_argument(const std::string& method, const std::optional<Value>& value, std::int64_t otherwise) {
  if (!value || value->is_none()) return otherwise;
  std::int64_t out = 0;
  if (!value->to_integer(out)) refuse(cat(method, "() needs an integer, not ", value->type_name()));
  return out;
}

Value list_of(Budget& budget, std::vector<std::string> texts, Sequence::Kind kind = Sequence::Kind::list) {
  budget.spend(static_cast<std::int64_t>(texts.size()) * 4);
  std::vector<Value> items;
  for (auto& text : texts) items.emplace_back(std::move(text));
  return Value::sequence(kind, std::move(items));
}

std::optional<std::string> characters_argument(const std::string& method, const std::optional<Value>& value) {
  if (!value || value->is_none()) return std::nullopt;
  return text_argument(method, value);
}

/// The part of `text` between two character positions, as in str.find(sub, start, end).
std::string_view window(const std::string& text, const std::string& method, const std::optional<Value>& begin,
                        const std::optional<Value>& end, std::size_t& first) {
  const auto size = static_cast<std::int64_t>(length_of(text));
  const auto place = [&](const std::optional<Value>& value, std::int64_t otherwise) {
    std::int64_t at = count_argument(method, value, otherwise);
    if (at < 0) at = at < -size ? 0 : at + size;
    return static_cast<std::size_t>(at);
  };
  first = place(begin, 0);
  const std::size_t last = std::min(place(end, size), static_cast<std::size_t>(size));
  if (first > last) return std::string_view(nullptr, 0);
  const std::size_t from = byte_of(text, first);
  return std::string_view(text).substr(from, byte_of(text, last) - from);
}

bool has_end(const std::string& text, const std::string& method, const Given& given, bool at_start) {
  const auto args = given.bind(method, {"prefix", "start", "end"});
  std::size_t first = 0;
  const auto inside = window(text, method, args[1], args[2], first);
  const auto fits = [&](const Value& value) {
    const auto& part = text_argument(method, value);
    if (!inside.data()) return false;
    return at_start ? inside.starts_with(part) : inside.ends_with(part);
  };
  if (args[0] && args[0]->sequence() && (*args[0]->sequence())->kind == Sequence::Kind::tuple) {
    const auto& items = (*args[0]->sequence())->items;
    return std::any_of(items.begin(), items.end(), fits);
  }
  return fits(args[0].value_or(Value()));
}

Value find_text(const std::string& text, const std::string& method, const Given& given) {
  const auto args = given.bind(method, {"sub", "start", "end"});
  const auto& part = text_argument(method, args[0]);
  std::size_t first = 0;
  const auto inside = window(text, method, args[1], args[2], first);
  const auto found = !inside.data()      ? std::string_view::npos
                     : method == "rfind" ? inside.rfind(part)
                                         : inside.find(part);
  if (found == std::string_view::npos) {
    if (method == "index") refuse("substring not found");
    return -1;
  }
  return static_cast<std::int64_t>(first + length_of(inside.substr(0, found)));
}

Value count_text(const std::string& text, const Given& given) {
  const auto args = given.bind("count", {"sub", "start", "end"});
  const auto& part = text_argument("count", args[0]);
  std::size_t first = 0;
  const auto inside = window(text, "count", args[1], args[2], first);
  if (!inside.data()) return 0;
  if (part.empty()) return static_cast<std::int64_t>(length_of(inside)) + 1;
  std::int64_t count = 0;
  for (auto at = inside.find(part); at != std::string_view::npos; at = inside.find(part, at + part.size())) ++count;
  return count;
}

Value split_text(Budget& budget, const std::string& text, const std::string& method, const Given& given) {
  const auto args = given.bind(method, {"sep", "maxsplit"});
  const std::int64_t at_most = count_argument(method, args[1], -1);
  if (!args[0] || args[0]->is_none()) {
    if (method == "rsplit" && at_most >= 0) refuse("rsplit() at white space with a limit is not supported");
    return list_of(budget, split_space(text, at_most));
  }
  const auto& separator = text_argument(method, args[0]);
  if (separator.empty()) refuse("empty separator");
  return list_of(
      budget, method == "split" ? split_by(text, separator, at_most) : split_by_from_right(text, separator, at_most));
}

Value partition_text(Budget& budget, const std::string& text, const std::string& method, const Given& given) {
  const auto& separator = text_argument(method, given.bind(method, {"sep"})[0]);
  if (separator.empty()) refuse("empty separator");
  const auto at = method == "partition" ? text.find(separator) : text.rfind(separator);
  if (at == std::string::npos) {
    if (method == "partition") return list_of(budget, {text, "", ""}, Sequence::Kind::tuple);
    return list_of(budget, {"", "", text}, Sequence::Kind::tuple);
  }
  return list_of(budget, {text.substr(0, at), separator, text.substr(at + separator.size())}, Sequence::Kind::tuple);
}

bool all_are(const std::string& text, bool (*wanted)(char32_t)) {
  for (std::size_t at = 0; at < text.size(); at += char_bytes(text[at]))
    if (!wanted(char_at(text, at))) return false;
  return !text.empty();
}

Value pad_with_zeros(Budget& budget, const std::string& text, const Given& given) {
  const auto args = given.bind("zfill", {"width"});
  const std::int64_t width = count_argument("zfill", args[0], 0),
                     missing = width - static_cast<std::int64_t>(length_of(text));
  if (missing <= 0) return text;
  budget.spend_bytes(static_cast<std::size_t>(missing) + text.size());
  const bool sign = !text.empty() && (text[0] == '-' || text[0] == '+');
  return text.substr(0, sign ? 1 : 0) + std::string(static_cast<std::size_t>(missing), '0') + text.substr(sign ? 1 : 0);
}

Value join_texts(Budget& budget, const std::string& separator, const Given& given) {
  const auto args = given.bind("join", {"iterable"});
  std::string out;
  const auto items = items_of(budget, args[0].value_or(Value()));
  for (std::size_t i = 0; i < items.size(); ++i) {
    if (!items[i].text()) refuse(cat("join(): item ", i, " is a ", items[i].type_name(), ", not a text"));
    budget.spend_bytes(items[i].text()->size() + separator.size());
    if (i > 0) out += separator;
    out += *items[i].text();
    if (out.size() > kLongestText) budget.spend_bytes(out.size());
  }
  return out;
}

Value text_method(Budget& budget, const std::string& text, const std::string& name, const Given& given) {
  budget.spend_bytes(text.size());
  if (name == "strip" || name == "lstrip" || name == "rstrip") {
    const auto characters = characters_argument(name, given.bind(name, {"chars"})[0]);
    std::string_view rest = text;
    if (name != "rstrip") rest = strip_left(rest, characters);
    if (name != "lstrip") rest = strip_right(rest, characters);
    return rest;
  }
  if (name == "split" || name == "rsplit") return split_text(budget, text, name, given);
  if (name == "partition" || name == "rpartition") return partition_text(budget, text, name, given);
  if (name == "startswith" || name == "endswith") return has_end(text, name, given, name == "startswith");
  if (name == "find" || name == "rfind" || name == "index") return find_text(text, name, given);
  if (name == "count") return count_text(text, given);
  if (name == "zfill") return pad_with_zeros(budget, text, given);
  if (name == "join") return join_texts(budget, text, given);
  if (name == "replace") {
    const auto args = given.bind(name, {"old", "new", "count"});
    const auto &what = text_argument(name, args[0]), &with = text_argument(name, args[1]);
    budget.spend_bytes((text.size() / std::max<std::size_t>(what.size(), 1) + 1) * with.size() + text.size());
    return replace(text, what, with, count_argument(name, args[2], -1));
  }
  if (name == "removeprefix" || name == "removesuffix") {
    const auto& part = text_argument(name, given.bind(name, {"part"})[0]);
    if (name == "removeprefix") return text.starts_with(part) ? text.substr(part.size()) : text;
    return text.ends_with(part) ? text.substr(0, text.size() - part.size()) : text;
  }
  if (name == "splitlines") {
    if (!given.positional.empty() || !given.named.empty()) refuse("splitlines() with arguments is not supported");
    return list_of(budget, split_lines(text));
  }
  given.bind(name, {});
  if (name == "upper") return upper(text);
  if (name == "lower") return jinja::lower(text);
  if (name == "title") return title(text);
  if (name == "capitalize") return capitalize(text);
  if (name == "isdigit") return all_are(text, is_digit_like);
  if (name == "isdecimal") return all_are(text, is_decimal_digit);
  if (name == "isalpha") return all_are(text, is_letter);
  if (name == "isspace") return all_are(text, is_python_space);
  return all_are(text, [](char32_t c) { return is_letter(c) || is_digit_like(c); });  // isalnum
}

Value dict_method(Budget& budget, const Value& object, const std::string& name, const Given& given) {
  const Dict& dict = *object.dict();
  if (name == "get") {
    const auto args = given.bind(name, {"key", "default"});
    if (!args[0]) refuse("get() needs a key");
    if (!args[0]->text()) budget.spend(static_cast<std::int64_t>(dict.size()));
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
Dict initial_members(const std::string& what, const Given& given) {
  Dict made;
  if (given.positional.size() > 1) refuse(cat(what, "() takes one argument without a name"));
  if (!given.positional.empty()) {
    const Value& first = given.positional[0];
    if (const Dict* dict = first.dict()) {
      for (const auto& [key, item] : dict->items()) made.set(key, item);
    } else if (const auto* held = first.sequence()) {
      for (const Value& item : (*held)->items) {
        if (!item.is_list_like() || (*item.sequence())->items.size() != 2) refuse(cat(what, "() needs pairs"));
        if ((*item.sequence())->items[0].sequence() || (*item.sequence())->items[0].dict())
          refuse("a key must not be a list or dict");
        made.set((*item.sequence())->items[0], (*item.sequence())->items[1]);
      }
    } else {
      refuse(cat(what, "() cannot be made from a ", first.type_name()));
    }
  }
  for (const auto& [name, value] : given.named) made.set(Value(name), value);
  return made;
}

Value strftime_now(const Given& given) {
  const auto args = given.bind("strftime_now", {"format"});
  const auto& format = text_argument("strftime_now", args[0]);
  if (format.size() > 1000) refuse("strftime_now(): the format is longer than 1000 bytes");
  if (format.empty()) return "";
  const std::time_t now = std::time(nullptr);
  std::tm local{};
  localtime_r(&now, &local);
  std::array<char, 20000> out{};
  const std::size_t size = std::strftime(out.data(), out.size(), format.c_str(), &local);
  if (!is_utf8({out.data(), size})) refuse("strftime_now(): the locale's date is not UTF-8");
  return std::string_view(out.data(), size);
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

bool known_function(std::string_view name) {
  return std::any_of(kFunctions.begin(), kFunctions.end(), [&](const auto& entry) { return entry.first == name; });
}

bool known_method(std::string_view name) {
  return one_of(kTextMethods, name) || one_of(kDictMethods, name) || one_of(kListMethods, name) ||
         one_of(kLoopMethods, name);
}

bool is_forbidden(const Value& object, std::string_view name) {
  if (object.dict()) return one_of(kDictChanges, name);
  return object.is_list_like() && one_of(kListChanges, name);
}

bool has_method(const Value& object, std::string_view name) {
  if (object.text()) return one_of(kTextMethods, name);
  if (object.is_list_like()) return one_of(kListMethods, name);
  if (!object.dict()) return false;
  return one_of(kDictMethods, name);
}

Value call_method(Budget& budget, const Value& object, const std::string& name, const Given& given) {
  if (object.is_undefined()) refuse_undefined(object);
  if (!has_method(object, name)) refuse(cat("'", object.type_name(), " object' has no method '", name, "'"));
  if (const auto* text = object.text()) return text_method(budget, *text, name, given);
  return object.dict() ? dict_method(budget, object, name, given) : list_method(budget, object, name, given);
}

Value call_function(Budget& budget, Function function, const Given& given) {
  budget.spend(1);
  switch (function) {
    case Function::range: return make_range(budget, given);
    case Function::dict: return Value::dict(initial_members("dict", given));
    case Function::namespace_: {
      auto space = std::make_shared<Namespace>();
      const Dict members = initial_members("namespace", given);
      for (const auto& [key, value] : members.items()) {
        if (!key.text()) refuse("the names in a namespace are texts");
        if (key.text()->starts_with("_")) refuse(cat("the name '", *key.text(), "' is not allowed in a namespace"));
        if (value.holds_mutable()) refuse("a namespace or macro inside a namespace is not supported");
        space->set(*key.text(), value);
      }
      return Value::Data(std::move(space));
    }
    case Function::raise_exception: {
      const auto args = given.bind("raise_exception", {"message"});
      refuse(cat("the template refuses this conversation: ", to_text(budget, args[0].value_or(Value()))));
    }
    case Function::strftime_now: return strftime_now(given);
  }
  return {};
}

}  // namespace pst::jinja
