// SPDX-License-Identifier: Apache-2.0
#include <algorithm>
#include <nlohmann/json.hpp>

#include "core/strings.hpp"
#include "jinja/characters.hpp"
#include "jinja/filters.hpp"
#include "jinja/letter_case.hpp"
#include "jinja/text.hpp"
#include "json/parse.hpp"

namespace pst::jinja {
namespace {

Value filter_capitalize(Budget& budget, const Value& value, const Given& given) {
  given.bind("capitalize", {});
  return marked_as(value, capitalize(to_text(budget, value)));
}
Value filter_lower(Budget& budget, const Value& value, const Given& given) {
  given.bind("lower", {});
  return marked_as(value, jinja::lower(to_text(budget, value)));
}
Value filter_upper(Budget& budget, const Value& value, const Given& given) {
  given.bind("upper", {});
  return marked_as(value, upper(to_text(budget, value)));
}
Value filter_string(Budget& budget, const Value& value, const Given& given) {
  given.bind("string", {});
  return marked_as(value, to_text(budget, value));
}

/// Upper case behind the start, white space, '-' and opening brackets, lower case elsewhere.
Value filter_title(Budget& budget, const Value& value, const Given& given) {
  given.bind("title", {});
  std::string out, word;
  const std::string text = to_text(budget, value);
  const auto flush = [&] {
    if (word.empty()) return;
    const std::size_t first = char_bytes(word[0]);
    out += upper(word.substr(0, first)) + jinja::lower(word.substr(first));
    word.clear();
  };
  for (std::size_t at = 0; at < text.size(); at += char_bytes(text[at])) {
    const char32_t c = char_at(text, at);
    const bool border = is_python_space(c) || c == '-' || c == '(' || c == '{' || c == '[' || c == '<';
    if (border) flush();
    (border ? out : word) += text.substr(at, char_bytes(text[at]));
  }
  flush();
  return out;
}

Value filter_trim(Budget& budget, const Value& value, const Given& given) {
  const auto args = given.bind("trim", {"chars"});
  Stripped characters;
  if (args[0] && !args[0]->is_none()) {
    if (!args[0]->text()) refuse("trim: the characters must be a text");
    budget.spend(static_cast<std::int64_t>(args[0]->text()->size()));
    characters = Stripped(*args[0]->text());
  }
  const std::string text = to_text(budget, value);
  return marked_as(value, std::string(strip_right(strip_left(text, characters), characters)));
}

Value filter_replace(Budget& budget, const Value& value, const Given& given) {
  const auto args = given.bind("replace", {"old", "new", "count"});
  if (!args[0] || !args[1]) refuse("replace needs what to replace, and with what");
  const std::string text = to_text(budget, value), what = to_text(budget, *args[0]), with = to_text(budget, *args[1]);
  budget.spend_bytes((text.size() / std::max<std::size_t>(what.size(), 1) + 1) * with.size() + text.size());
  budget.look_at(what.size());
  return replace(text, what, with, args[2] && !args[2]->is_none() ? integer_argument("replace: count", *args[2]) : -1);
}

Value filter_tojson(Budget& budget, const Value& value, const Given& given) { return to_json(budget, value, given); }

/// Not one of Jinja2's: templates that call it are written for programs that add it.
Value filter_from_json(Budget& budget, const Value& value, const Given& given) {
  given.bind("from_json", {});
  if (value.is_undefined()) refuse_undefined(value);
  if (!value.text()) refuse(cat("from_json needs a text, not ", value.type_name()));
  budget.spend(static_cast<std::int64_t>(value.text()->size()));
  nlohmann::ordered_json read;
  const std::size_t most = std::size_t{64} << 20;
  if (const auto flaw = json::read(*value.text(), read, {.bytes = most, .long_integers = true}))
    refuse(cat("from_json: ", flaw->reason, " at byte ", flaw->offset));
  return Value::from_json(read);
}

constexpr NamedFilter kTextFilters[] = {
    {"capitalize", filter_capitalize}, {"from_json", filter_from_json}, {"fromjson", filter_from_json},
    {"lower", filter_lower},           {"replace", filter_replace},     {"string", filter_string},
    {"title", filter_title},           {"tojson", filter_tojson},       {"trim", filter_trim},
    {"upper", filter_upper},
};

}  // namespace

std::span<const NamedFilter> text_filters() { return kTextFilters; }

}  // namespace pst::jinja
