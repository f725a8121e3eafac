#include <algorithm>
#include <array>
#include <cmath>
#include <cstdlib>

#include "core/strings.hpp"
#include "jinja/library.hpp"
#include "jinja/text.hpp"

namespace pst::jinja {
namespace {

using Filter = Value (*)(Budget&, const Value&, const Given&);

Value generator(std::vector<Value> items) { return Value::sequence(Sequence::Kind::generator, std::move(items)); }

std::int64_t integer(const char* what, const Value& value) {
  std::int64_t out = 0;
  if (!value.to_integer(out)) refuse(cat(what, " must be an integer, not ", value.type_name()));
  return out;
}

/// Jinja2's attribute argument: a position, or names with dots between them.
Value member(Budget& budget, Value value, const Value& path, const std::optional<Value>& otherwise = std::nullopt) {
  if (!path.text()) return item_of(budget, value, path);
  for (const auto& part : split(*path.text(), '.')) {
    const auto position = to_int(part);
    value = item_of(budget, value, position && part[0] != '-' ? Value(*position) : Value(part));
    if (value.is_undefined() && otherwise) value = *otherwise;
  }
  return value;
}

/// What values are sorted and told apart by.
Value sort_key(Budget& budget, const Value& value, const std::optional<Value>& attribute, bool case_sensitive) {
  const Value key = attribute && !attribute->is_none() ? member(budget, value, *attribute) : value;
  if (case_sensitive || !key.text()) return key;
  budget.spend_bytes(key.text()->size());
  return jinja::lower(*key.text());
}

bool flag(const std::optional<Value>& value) { return value && truth(*value); }

// ---- text

Value filter_capitalize(Budget& budget, const Value& value, const Given& given) {
  given.bind("capitalize", {});
  return capitalize(to_text(budget, value));
}
Value filter_lower(Budget& budget, const Value& value, const Given& given) {
  given.bind("lower", {});
  return jinja::lower(to_text(budget, value));
}
Value filter_upper(Budget& budget, const Value& value, const Given& given) {
  given.bind("upper", {});
  return upper(to_text(budget, value));
}
Value filter_string(Budget& budget, const Value& value, const Given& given) {
  given.bind("string", {});
  return to_text(budget, value);
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
  std::optional<std::string> characters;
  if (args[0] && !args[0]->is_none()) {
    if (!args[0]->text()) refuse("trim: the characters must be a text");
    characters = *args[0]->text();
  }
  const std::string text = to_text(budget, value);
  return strip_right(strip_left(text, characters), characters);
}

Value filter_replace(Budget& budget, const Value& value, const Given& given) {
  const auto args = given.bind("replace", {"old", "new", "count"});
  if (!args[0] || !args[1]) refuse("replace needs what to replace, and with what");
  const std::string text = to_text(budget, value), what = to_text(budget, *args[0]), with = to_text(budget, *args[1]);
  budget.spend_bytes((text.size() / std::max<std::size_t>(what.size(), 1) + 1) * with.size() + text.size());
  return replace(text, what, with, args[2] && !args[2]->is_none() ? integer("replace: count", *args[2]) : -1);
}

Value filter_indent(Budget& budget, const Value& value, const Given& given) {
  const auto args = given.bind("indent", {"width", "first", "blank"});
  if (value.is_undefined()) refuse_undefined(value);
  if (!value.text()) refuse(cat("indent needs a text, not ", value.type_name()));
  std::string indention = "    ";
  if (args[0] && args[0]->text())
    indention = *args[0]->text();
  else if (args[0])
    indention = std::string(
        static_cast<std::size_t>(std::clamp<std::int64_t>(integer("indent: width", *args[0]), 0, 1000)), ' ');
  const bool first = flag(args[1]), blank = flag(args[2]);
  const auto lines = split_lines(*value.text() + "\n");
  budget.spend_bytes(value.text()->size() + lines.size() * indention.size());
  std::string out;
  for (std::size_t i = 0; i < lines.size(); ++i) {
    if (i > 0) out += '\n';
    if (i == 0 ? first : blank || !lines[i].empty()) out += indention;
    out += lines[i];
  }
  return out;
}

Value filter_tojson(Budget& budget, const Value& value, const Given& given) { return to_json(budget, value, given); }
Value filter_safe(Budget& budget, const Value& value, const Given& given) {
  given.bind("safe", {});
  return to_text(budget, value);
}

// ---- numbers

Value filter_abs(Budget&, const Value& value, const Given& given) {
  given.bind("abs", {});
  if (const auto* real = value.as<double>()) return std::fabs(*real);
  if (value.is_undefined()) refuse_undefined(value);
  if (integer("abs", value) < 0) return negative(value);
  return integer("abs", value);
}

/// A number as Python's int() and float() read it: blanks around, a sign, single '_' between digits.
std::optional<std::string> cleaned(const std::string& text) {
  const std::string_view inner = strip_right(strip_left(text));
  std::string out;
  for (std::size_t i = 0; i < inner.size(); ++i) {
    const auto digit = [&](std::size_t at) { return at < inner.size() && inner[at] >= '0' && inner[at] <= '9'; };
    if (inner[i] != '_')
      out += inner[i];
    else if (i == 0 || !digit(i - 1) || !digit(i + 1))
      return std::nullopt;
  }
  if (!out.empty() && out[0] == '+' && out.size() > 1 && out[1] != '-' && out[1] != '+') out.erase(0, 1);
  return out;
}

std::optional<double> read_real(const std::string& text) {
  const auto number = cleaned(text);
  if (!number) return std::nullopt;
  const std::string low = pst::lower(*number);
  for (const char* word : {"inf", "infinity", "nan"})
    if (low == word || low == cat("-", word)) return (low[0] == '-' ? -1 : 1) * std::strtod(word, nullptr);
  const auto plain = [](char c) { return (c >= '0' && c <= '9') || c == '.' || c == 'e' || c == '-' || c == '+'; };
  if (!std::all_of(low.begin(), low.end(), plain)) return std::nullopt;
  if (low.size() > 5000) refuse("a number of more than 5000 digits");
  char* end = nullptr;
  const double value = std::strtod(low.c_str(), &end);
  if (low.empty() || *end != '\0') return std::nullopt;
  return value;
}

Value filter_int(Budget&, const Value& value, const Given& given) {
  const auto args = given.bind("int", {"default", "base"});
  const Value otherwise = args[0].value_or(Value(0));
  if (args[1] && !equal(*args[1], Value(10))) refuse("int with another base than 10 is not supported");
  if (value.is_undefined()) refuse_undefined(value);
  std::int64_t exact = 0;
  if (value.to_integer(exact)) return exact;
  std::optional<double> real;
  if (const auto* text = value.text()) {
    const auto number = cleaned(*text);
    if (number)
      if (const auto whole = to_int(*number)) return *whole;
    real = read_real(*text);
  } else if (value.is<double>()) {
    real = value.to_double();
  }
  if (!real || std::isnan(*real) || std::isinf(*real)) return otherwise;
  if (std::fabs(*real) >= 9.2e18) refuse("an integer grows beyond 63 bits");
  return static_cast<std::int64_t>(*real);
}

Value filter_float(Budget&, const Value& value, const Given& given) {
  const auto args = given.bind("float", {"default"});
  if (value.is_undefined()) refuse_undefined(value);
  if (value.is_number()) return value.to_double();
  if (const auto* text = value.text())
    if (const auto real = read_real(*text)) return *real;
  return args[0].value_or(Value(0.0));
}

Value filter_round(Budget&, const Value& value, const Given& given) {
  const auto args = given.bind("round", {"precision", "method"});
  const std::int64_t digits = args[0] ? integer("round: precision", *args[0]) : 0;
  const std::string method = args[1] && args[1]->text() ? *args[1]->text() : "common";
  if (method != "common" && method != "ceil" && method != "floor")
    refuse("round: method must be common, ceil or floor");
  if (value.is_undefined()) refuse_undefined(value);
  if (!value.is_number()) refuse(cat("round needs a number, not ", value.type_name()));
  if (digits < 0 || digits > 300) refuse("round: precision must be 0 to 300");
  const double real = value.to_double();
  if (std::isnan(real) || std::isinf(real)) refuse("round of a number that is not finite");
  if (method == "common") {
    if (!value.is<double>()) return integer("round", value);
    return std::strtod(fixed(real, static_cast<int>(digits)).c_str(),
                       nullptr);  // as Python: half to even, on the exact value
  }
  const double scale = std::pow(10.0, static_cast<double>(digits));
  return (method == "ceil" ? std::ceil(real * scale) : std::floor(real * scale)) / scale;
}

// ---- lists

Value filter_length(Budget& budget, const Value& value, const Given& given) {
  given.bind("length", {});
  if (value.text()) budget.spend_bytes(value.text()->size());
  return python_length(value);
}
Value filter_list(Budget& budget, const Value& value, const Given& given) {
  given.bind("list", {});
  return Value::list(items_of(budget, value));
}

Value filter_first(Budget& budget, const Value& value, const Given& given) {
  given.bind("first", {});
  if (const auto* held = value.sequence(); held && (*held)->kind == Sequence::Kind::generator) {
    auto& sequence = **held;
    if (sequence.used < sequence.items.size()) return sequence.items[sequence.used++];
    return Value::undefined("No first item, sequence was empty.");
  }
  const auto items = items_of(budget, value);
  return items.empty() ? Value::undefined("No first item, sequence was empty.") : items.front();
}

Value filter_last(Budget& budget, const Value& value, const Given& given) {
  given.bind("last", {});
  if (const auto* held = value.sequence(); held && (*held)->kind == Sequence::Kind::generator)
    refuse("'generator' object is not reversible; turn it into a list first");
  const auto items = items_of(budget, value);
  return items.empty() ? Value::undefined("No last item, sequence was empty.") : items.back();
}

Value filter_join(Budget& budget, const Value& value, const Given& given) {
  const auto args = given.bind("join", {"d", "attribute"});
  const std::string separator = args[0] ? to_text(budget, *args[0]) : "";
  std::string out;
  bool first = true;
  for (const Value& item : items_of(budget, value)) {
    if (!first) out += separator;
    first = false;
    out += to_text(budget, args[1] && !args[1]->is_none() ? member(budget, item, *args[1]) : item);
    budget.spend_bytes(separator.size() + 16);
    if (out.size() > kLongestText) budget.spend_bytes(out.size());
  }
  return out;
}

Value filter_reverse(Budget& budget, const Value& value, const Given& given) {
  given.bind("reverse", {});
  auto items = items_of(budget, value);
  std::reverse(items.begin(), items.end());
  if (!value.text()) {
    const auto* held = value.sequence();
    const bool was_generator = held && (*held)->kind == Sequence::Kind::generator;
    return was_generator ? Value::list(std::move(items)) : generator(std::move(items));
  }
  std::string out;
  for (const Value& item : items) out += *item.text();
  return out;
}

Value filter_sort(Budget& budget, const Value& value, const Given& given) {
  const auto args = given.bind("sort", {"reverse", "case_sensitive", "attribute"});
  if (args[2] && args[2]->text() && args[2]->text()->find(',') != std::string::npos)
    refuse("sort by several attributes is not supported");
  std::vector<std::pair<Value, Value>> keyed;
  for (Value& item : items_of(budget, value)) keyed.emplace_back(sort_key(budget, item, args[2], flag(args[1])), item);
  const bool reverse = flag(args[0]);
  std::stable_sort(keyed.begin(), keyed.end(), [&](const auto& a, const auto& b) {
    budget.spend(std::min(a.first.weight(), b.first.weight()));
    return reverse ? less(b.first, a.first) : less(a.first, b.first);
  });
  std::vector<Value> items;
  for (auto& [key, item] : keyed) items.push_back(std::move(item));
  return Value::list(std::move(items));
}

Value filter_unique(Budget& budget, const Value& value, const Given& given) {
  const auto args = given.bind("unique", {"case_sensitive", "attribute"});
  std::vector<Value> items;
  Dict seen;
  for (const Value& item : items_of(budget, value)) {
    const Value key = sort_key(budget, item, args[1], flag(args[0]));
    if (key.dict() || (key.sequence() && (*key.sequence())->kind == Sequence::Kind::list))
      refuse(cat("unhashable type: '", key.type_name(), "'"));
    if (!key.text()) budget.spend(static_cast<std::int64_t>(seen.size()) * key.weight());
    if (seen.find(key)) continue;
    seen.set(key, true);
    items.push_back(item);
  }
  return generator(std::move(items));
}

Value extreme(Budget& budget, const char* what, bool largest, const Value& value, const Given& given) {
  const auto args = given.bind(what, {"case_sensitive", "attribute"});
  const auto items = items_of(budget, value);
  if (items.empty()) return Value::undefined("No aggregated item, sequence was empty.");
  std::size_t best = 0;
  Value best_key = sort_key(budget, items[0], args[1], flag(args[0]));
  for (std::size_t i = 1; i < items.size(); ++i) {
    Value key = sort_key(budget, items[i], args[1], flag(args[0]));
    budget.spend(std::min(key.weight(), best_key.weight()));
    if (!(largest ? less(best_key, key) : less(key, best_key))) continue;
    best = i;
    best_key = std::move(key);
  }
  return items[best];
}
Value filter_min(Budget& budget, const Value& value, const Given& given) {
  return extreme(budget, "min", false, value, given);
}
Value filter_max(Budget& budget, const Value& value, const Given& given) {
  return extreme(budget, "max", true, value, given);
}

Value filter_sum(Budget& budget, const Value& value, const Given& given) {
  const auto args = given.bind("sum", {"attribute", "start"});
  Value total = args[1].value_or(Value(0));
  if (total.text()) refuse("sum cannot add texts; use join");
  for (const Value& item : items_of(budget, value))
    total = arithmetic(budget, Operation::add, total,
                       args[0] && !args[0]->is_none() ? member(budget, item, *args[0]) : item);
  return total;
}

Value filter_batch(Budget& budget, const Value& value, const Given& given) {
  const auto args = given.bind("batch", {"linecount", "fill_with"});
  const std::int64_t size = args[0] ? integer("batch: linecount", *args[0]) : 0;
  if (size < 1 || size > 1'000'000) refuse("batch: linecount must be 1 to 1000000");
  std::vector<Value> rows, row;
  for (const Value& item : items_of(budget, value)) {
    if (static_cast<std::int64_t>(row.size()) == size) rows.push_back(Value::list(std::exchange(row, {})));
    row.push_back(item);
  }
  if (!row.empty()) {
    budget.spend(size);
    if (args[1] && !args[1]->is_none()) row.resize(static_cast<std::size_t>(size), *args[1]);
    rows.push_back(Value::list(std::move(row)));
  }
  return generator(std::move(rows));
}

// ---- dicts

Value filter_items(Budget& budget, const Value& value, const Given& given) {
  given.bind("items", {});
  if (value.is_undefined()) return generator({});
  if (!value.dict()) refuse("Can only get item pairs from a mapping.");
  const Value view = call_method(budget, value, "items", {});
  return generator((*view.sequence())->items);
}

Value filter_dictsort(Budget& budget, const Value& value, const Given& given) {
  const auto args = given.bind("dictsort", {"case_sensitive", "by", "reverse"});
  const std::string by = args[1] && args[1]->text() ? *args[1]->text() : "key";
  if (by != "key" && by != "value") refuse("dictsort: 'by' must be \"key\" or \"value\"");
  if (value.is_undefined()) refuse_undefined(value);
  if (!value.dict()) refuse(cat("dictsort needs a dict, not ", value.type_name()));
  Given sorting;
  sorting.named = {{"reverse", flag(args[2])}, {"case_sensitive", flag(args[0])}, {"attribute", by == "key" ? 0 : 1}};
  return filter_sort(budget, call_method(budget, value, "items", {}), sorting);
}

Value filter_default(Budget&, const Value& value, const Given& given) {
  const auto args = given.bind("default", {"default_value", "boolean"});
  if (value.is_undefined() || (flag(args[1]) && !truth(value))) return args[0].value_or(Value(""));
  return value;
}

// ---- filters that take a filter or test

Value filter_map(Budget& budget, const Value& value, const Given& given) {
  if (!truth(value)) return generator({});  // Jinja2 does not look at what is false, whatever it is
  std::vector<Value> out;
  if (given.positional.empty()) {
    const auto args = given.bind("map", {"attribute", "default"});
    if (!args[0]) refuse("map needs a filter or an attribute");
    for (const Value& item : items_of(budget, value)) out.push_back(member(budget, item, *args[0], args[1]));
    return generator(std::move(out));
  }
  const auto* name = given.positional[0].text();
  if (!name || !known_filter(*name) || *name == "safe") refuse("map: the filter is not supported");
  const Given rest{{given.positional.begin() + 1, given.positional.end()}, given.named};
  for (const Value& item : items_of(budget, value)) out.push_back(apply_filter(budget, *name, item, rest));
  return generator(std::move(out));
}

Value choose(Budget& budget, const Value& value, const Given& given, bool wanted, bool by_attribute) {
  if (!truth(value)) return generator({});
  std::vector<Value> out;
  const std::size_t at = by_attribute ? 1 : 0;
  if (given.positional.size() < at) refuse("selectattr and rejectattr need the name of an attribute");
  const std::string* name = given.positional.size() > at ? given.positional[at].text() : nullptr;
  if (given.positional.size() > at && (!name || !known_test(*name)))
    refuse("select or reject: the test is not supported");
  Given rest;
  if (name)
    rest = {{given.positional.begin() + static_cast<std::ptrdiff_t>(at) + 1, given.positional.end()}, given.named};
  for (const Value& item : items_of(budget, value)) {
    const Value looked_at = by_attribute ? member(budget, item, given.positional[0]) : item;
    if ((name ? apply_test(budget, *name, looked_at, rest) : truth(looked_at)) == wanted) out.push_back(item);
  }
  return generator(std::move(out));
}
Value filter_select(Budget& b, const Value& v, const Given& g) { return choose(b, v, g, true, false); }
Value filter_reject(Budget& b, const Value& v, const Given& g) { return choose(b, v, g, false, false); }
Value filter_selectattr(Budget& b, const Value& v, const Given& g) { return choose(b, v, g, true, true); }
Value filter_rejectattr(Budget& b, const Value& v, const Given& g) { return choose(b, v, g, false, true); }

constexpr std::array<std::pair<std::string_view, Filter>, 36> kFilters = {{
    {"abs", filter_abs},
    {"batch", filter_batch},
    {"capitalize", filter_capitalize},
    {"count", filter_length},
    {"d", filter_default},
    {"default", filter_default},
    {"dictsort", filter_dictsort},
    {"first", filter_first},
    {"float", filter_float},
    {"indent", filter_indent},
    {"int", filter_int},
    {"items", filter_items},
    {"join", filter_join},
    {"last", filter_last},
    {"length", filter_length},
    {"list", filter_list},
    {"lower", filter_lower},
    {"map", filter_map},
    {"max", filter_max},
    {"min", filter_min},
    {"reject", filter_reject},
    {"rejectattr", filter_rejectattr},
    {"replace", filter_replace},
    {"reverse", filter_reverse},
    {"round", filter_round},
    {"safe", filter_safe},
    {"select", filter_select},
    {"selectattr", filter_selectattr},
    {"sort", filter_sort},
    {"string", filter_string},
    {"sum", filter_sum},
    {"title", filter_title},
    {"tojson", filter_tojson},
    {"trim", filter_trim},
    {"unique", filter_unique},
    {"upper", filter_upper},
}};

Filter find_filter(std::string_view name) {
  const auto found =
      std::find_if(kFilters.begin(), kFilters.end(), [&](const auto& entry) { return entry.first == name; });
  return found == kFilters.end() ? nullptr : found->second;
}

}  // namespace

bool known_filter(std::string_view name) { return find_filter(name) != nullptr; }

Value apply_filter(Budget& budget, const std::string& name, const Value& value, const Given& given) {
  budget.spend(1);
  if (const auto* text = value.text()) budget.spend_bytes(text->size());
  return find_filter(name)(budget, value, given);
}

}  // namespace pst::jinja
