// SPDX-License-Identifier: Apache-2.0
#include <algorithm>
#include <array>

#include "core/strings.hpp"
#include "jinja/characters.hpp"
#include "jinja/library.hpp"

namespace pst::jinja {
namespace {

constexpr std::array<std::pair<std::string_view, const char*>, 16> kComparisons = {{{"==", "=="},
                                                                                    {"eq", "=="},
                                                                                    {"equalto", "=="},
                                                                                    {"!=", "!="},
                                                                                    {"ne", "!="},
                                                                                    {"<", "<"},
                                                                                    {"lt", "<"},
                                                                                    {"lessthan", "<"},
                                                                                    {"<=", "<="},
                                                                                    {"le", "<="},
                                                                                    {">", ">"},
                                                                                    {"gt", ">"},
                                                                                    {"greaterthan", ">"},
                                                                                    {">=", ">="},
                                                                                    {"ge", ">="},
                                                                                    {"in", "in"}}};
constexpr std::array<std::string_view, 23> kPlain = {
    "defined",     "undefined", "none",    "boolean",  "true",     "false",  "string", "number",
    "integer",     "float",     "mapping", "iterable", "sequence", "odd",    "even",   "callable",
    "divisibleby", "lower",     "upper",   "sameas",   "escaped",  "filter", "test"};

const char* comparison(std::string_view name) {
  for (const auto& [test, sign] : kComparisons)
    if (test == name) return sign;
  return nullptr;
}

std::int64_t remainder(Budget& budget, const Value& value, const Value& divisor, bool& fits) {
  const Value rest = arithmetic(budget, Operation::modulo, value, divisor);
  std::int64_t out = 0;
  fits = rest.to_integer(out) || rest.is<double>();
  return rest.is<double>() ? static_cast<std::int64_t>(rest.to_double() == 0 ? 0 : rest.to_double() == 1 ? 1 : 2) : out;
}

bool all_cased(const std::string& text, bool (*wanted)(char32_t), bool (*other)(char32_t)) {
  bool some = false;
  for (std::size_t at = 0; at < text.size(); at += char_bytes(text[at])) {
    const char32_t c = char_at(text, at);
    if (other(c)) return false;
    some = some || wanted(c);
  }
  return some;
}

bool same(const Value& a, const Value& b) {
  if (a.data().index() != b.data().index()) return false;
  if (a.is_none() || a.is<bool>()) return equal(a, b);
  if (a.sequence()) return *a.sequence() == *b.sequence();
  if (a.dict()) return a.dict() == b.dict();
  refuse("the test 'sameas' of numbers and texts is not supported");
}

}  // namespace

bool known_test(std::string_view name) {
  return comparison(name) != nullptr || std::find(kPlain.begin(), kPlain.end(), name) != kPlain.end();
}

bool apply_test(Budget& budget, const std::string& name, const Value& value, const Given& given) {
  budget.spend(1);
  if (const char* sign = comparison(name)) {
    const auto args = given.bind(name, {"other"});
    if (!args[0]) refuse(cat("the test '", name, "' needs something to compare with"));
    return compare(budget, sign, value, *args[0]);
  }
  if (!known_test(name)) refuse(cat("the test '", brief(name), "' is not supported"));
  const auto args = given.bind(name, {"argument"});
  const bool binary = name == "divisibleby" || name == "sameas";
  if (binary != args[0].has_value())
    refuse(cat("the test '", name, binary ? "' needs an argument" : "' takes no argument"));
  if (name == "defined") return !value.is_undefined();
  if (name == "undefined") return value.is_undefined();
  if (name == "none") return value.is_none();
  if (name == "boolean") return value.is<bool>();
  if (name == "true") return value.is<bool>() && *value.as<bool>();
  if (name == "false") return value.is<bool>() && !*value.as<bool>();
  if (name == "string") return value.text() != nullptr;
  if (name == "number") return value.is_number() || value.long_integer();
  if (name == "integer") return value.is<std::int64_t>() || value.long_integer();
  if (name == "float") return value.is<double>();
  if (name == "mapping") return value.dict() != nullptr;
  if (name == "iterable") return value.is_undefined() || value.text() || value.dict() || value.sequence();
  if (name == "sequence") return value.is_undefined() || value.text() || value.dict() || value.is_list_like();
  if (name == "callable")
    return value.is_undefined() || value.is<Function>() || value.is<std::shared_ptr<LoopState>>() ||
           value.is<std::shared_ptr<const Macro>>() || value.is<std::shared_ptr<const BoundMethod>>();
  if (name == "escaped") return value.is_markup();
  if (name == "filter") return value.text() && known_filter(*value.text());
  if (name == "test") return value.text() && known_test(*value.text());
  if (name == "sameas") return same(value, *args[0]);
  if (name == "lower") return all_cased(to_text(budget, value), is_lower, is_upper);
  if (name == "upper") return all_cased(to_text(budget, value), is_upper, is_lower);
  bool fits = false;
  const std::int64_t rest = remainder(budget, value, name == "divisibleby" ? *args[0] : Value(2), fits);
  return name == "odd" ? rest == 1 : rest == 0;
}

}  // namespace pst::jinja
