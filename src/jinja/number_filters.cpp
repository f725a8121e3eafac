// SPDX-License-Identifier: Apache-2.0
#include <algorithm>
#include <cmath>
#include <cstdlib>

#include "core/strings.hpp"
#include "jinja/filters.hpp"
#include "jinja/text.hpp"

namespace pst::jinja {
namespace {

Value filter_abs(Budget&, const Value& value, const Given& given) {
  given.bind("abs", {});
  if (const auto* real = value.as<double>()) return std::fabs(*real);
  if (value.is_undefined()) refuse_undefined(value);
  if (integer_argument("abs", value) < 0) return negative(value);
  return integer_argument("abs", value);
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

/// Digits and nothing else, too many for 64 bits. Python reads 4300 at most.
bool is_long_integer(const std::string& number) {
  const std::string_view digits = std::string_view(number).substr(number.starts_with('-') ? 1 : 0);
  return digits.size() > 18 && digits.size() <= 4300 && digits[0] != '0' &&
         digits.find_first_not_of("0123456789") == std::string_view::npos;
}

Value filter_int(Budget&, const Value& value, const Given& given) {
  const auto args = given.bind("int", {"default", "base"});
  const Value otherwise = args[0].value_or(Value(0));
  if (args[1] && !equal(*args[1], Value(10)) && value.text())
    refuse("'int' of a text with another base than 10 is not supported");
  if (value.is_undefined()) refuse_undefined(value);
  std::int64_t exact = 0;
  if (value.to_integer(exact)) return exact;
  std::optional<double> real;
  if (const auto* text = value.text()) {
    const auto number = cleaned(*text);
    if (number)
      if (const auto whole = to_int(*number)) return *whole;
    if (number && is_long_integer(*number)) return Value::long_integer(*number);
    real = read_real(*text);
  } else if (value.is<double>()) {
    real = value.to_double();
  }
  if (!real || std::isnan(*real) || std::isinf(*real)) return otherwise;
  if (std::fabs(*real) >= 9.2e18) refuse("reckoning with integers beyond 63 bits is not supported");
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
  const std::int64_t digits = args[0] ? integer_argument("round: precision", *args[0]) : 0;
  const std::string method = args[1] && args[1]->text() ? *args[1]->text() : "common";
  if (method != "common" && method != "ceil" && method != "floor")
    refuse("round: method must be common, ceil or floor");
  if (value.is_undefined()) refuse_undefined(value);
  if (!value.is_number()) refuse(cat("round needs a number, not ", value.type_name()));
  if (digits < 0 || digits > 300) refuse("round: precision must be 0 to 300");
  const double real = value.to_double();
  if (std::isnan(real) || std::isinf(real)) refuse("round of a number that is not finite");
  if (method == "common") {
    if (!value.is<double>()) return integer_argument("round", value);
    return std::strtod(fixed(real, static_cast<int>(digits)).c_str(),
                       nullptr);  // as Python: half to even, on the exact value
  }
  const double scale = std::pow(10.0, static_cast<double>(digits));
  return (method == "ceil" ? std::ceil(real * scale) : std::floor(real * scale)) / scale;
}

/// "4.1 kB".
Value filter_filesizeformat(Budget& budget, const Value& value, const Given& given) {
  const auto args = given.bind("filesizeformat", {"binary"});
  const Value number = filter_float(budget, value, {{Value(None{})}, {}});
  if (number.is_none()) refuse("filesizeformat needs a number");
  const double bytes = number.to_double();
  const bool is_binary = flag(args[0]);
  const double base = is_binary ? 1024 : 1000;
  if (!std::isfinite(bytes)) refuse("filesizeformat of a number that is not finite");
  if (bytes == 1) return "1 Byte";
  if (bytes < base) {
    if (bytes < -9.2e18) refuse("reckoning with integers beyond 63 bits is not supported");
    return cat(static_cast<std::int64_t>(bytes), " Bytes");
  }
  double unit = base;
  constexpr std::string_view kLetters = "kMGTPEZY";
  std::size_t letter = 0;
  for (; letter + 1 < kLetters.size() && bytes >= unit * base; ++letter) unit *= base;
  const char prefix = is_binary && letter == 0 ? 'K' : kLetters[letter];
  return cat(fixed(base * bytes / (unit * base), 1), " ", std::string(1, prefix), is_binary ? "iB" : "B");
}

constexpr NamedFilter kNumberFilters[] = {
    {"abs", filter_abs},     {"filesizeformat", filter_filesizeformat}, {"float", filter_float}, {"int", filter_int},
    {"round", filter_round},
};

}  // namespace

std::span<const NamedFilter> number_filters() { return kNumberFilters; }

}  // namespace pst::jinja
