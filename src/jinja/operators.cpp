// SPDX-License-Identifier: Apache-2.0
#include <algorithm>
#include <array>
#include <cmath>

#include "core/clock.hpp"
#include "core/error.hpp"
#include "core/strings.hpp"
#include "core/text_search.hpp"
#include "jinja/characters.hpp"
#include "jinja/library.hpp"

namespace pst::jinja {

void refuse(const std::string& what) { throw Error(Fault::data, what); }

void refuse_undefined(const Value& value) {
  const auto* undefined = value.as<Undefined>();
  refuse(undefined && undefined->what ? *undefined->what : std::string("a value is undefined"));
}

void Budget::spend(std::int64_t steps) {
  constexpr double kLongest_s = 20;  // ten times what the steps should take: the last line, should one be too cheap
  if (steps > left_) refuse("the template does too much (more than 10 million steps)");
  left_ -= steps;
  if (left_ > next_look_) return;
  next_look_ = left_ - 100'000;
  const double now_s = thread_cpu_seconds();
  if (started_s_ == 0) started_s_ = now_s;
  if (now_s - started_s_ > kLongest_s) refuse("the template takes more than 20 s");
}

void Budget::spend_bytes(std::size_t bytes) {
  if (bytes > kLongestText) refuse("the template makes a text of more than 64 MiB");
  spend(static_cast<std::int64_t>(bytes / 16) + 1);
}

void look_for(Budget& budget, const Dict& dict, const Value& key) {
  if (const auto* text = key.text()) return budget.look_at(text->size());
  budget.spend(static_cast<std::int64_t>(dict.size()) * key.weight());
}

namespace {

constexpr std::int64_t kExact = std::int64_t{1} << 53;  // beyond it Python's int / int is not double / double

[[noreturn]] void refuse_types(const char* sign, const Value& left, const Value& right) {
  refuse(cat("unsupported operand types for ", sign, ": '", left.type_name(), "' and '", right.type_name(), "'"));
}

void check(bool overflow) {
  if (overflow) refuse("reckoning with integers beyond 63 bits is not supported");
}

Value integer_power(std::int64_t base, std::int64_t exponent) {
  if (exponent < 0) {
    if (base == 0) refuse("0 cannot be raised to a negative power");
    return std::pow(static_cast<double>(base), static_cast<double>(exponent));
  }
  std::int64_t result = 1;
  while (exponent > 0) {
    if (exponent & 1) check(__builtin_mul_overflow(result, base, &result));
    exponent >>= 1;
    if (exponent > 0) check(__builtin_mul_overflow(base, base, &base));
  }
  return result;
}

Value integer_arithmetic(Operation operation, std::int64_t a, std::int64_t b) {
  std::int64_t out = 0;
  const bool by_zero = b == 0 && (operation == Operation::divide || operation == Operation::floor_divide ||
                                  operation == Operation::modulo);
  if (by_zero) refuse("division by zero");
  switch (operation) {
    case Operation::add: return check(__builtin_add_overflow(a, b, &out)), out;
    case Operation::subtract: return check(__builtin_sub_overflow(a, b, &out)), out;
    case Operation::multiply: return check(__builtin_mul_overflow(a, b, &out)), out;
    case Operation::divide:
      if (a > kExact || a < -kExact || b > kExact || b < -kExact)
        refuse("dividing integers beyond 53 bits is not supported");
      return static_cast<double>(a) / static_cast<double>(b);
    case Operation::floor_divide:
      if (b == -1) return check(__builtin_sub_overflow(std::int64_t{0}, a, &out)), out;
      return a / b - (a % b != 0 && (a < 0) != (b < 0) ? 1 : 0);
    case Operation::modulo:
      if (b == -1) return 0;
      return a % b + (a % b != 0 && (a < 0) != (b < 0) ? b : 0);
    case Operation::power: return integer_power(a, b);
  }
  return {};
}

Value real_arithmetic(Operation operation, double a, double b) {
  const auto remainder = [&] {
    double rest = std::fmod(a, b);
    if (rest != 0 && (rest < 0) != (b < 0)) rest += b;
    return rest == 0 ? std::copysign(0.0, b) : rest;
  };
  if (b == 0 &&
      (operation == Operation::divide || operation == Operation::floor_divide || operation == Operation::modulo))
    refuse("division by zero");
  switch (operation) {
    case Operation::add: return a + b;
    case Operation::subtract: return a - b;
    case Operation::multiply: return a * b;
    case Operation::divide: return a / b;
    case Operation::floor_divide: {  // as CPython: exact where the quotient is near an integer
      const double rest = std::fmod(a, b);
      const double whole = (a - rest) / b - (rest != 0 && (rest < 0) != (b < 0) ? 1.0 : 0.0);
      if (whole == 0) return std::copysign(0.0, a / b);
      return std::floor(whole) + (whole - std::floor(whole) > 0.5 ? 1.0 : 0.0);
    }
    case Operation::modulo: return remainder();
    case Operation::power: {
      const double out = std::pow(a, b);
      if (std::isnan(out) && !std::isnan(a) && !std::isnan(b))
        refuse("the power of a negative number is not supported");
      if (std::isinf(out) && !std::isinf(a) && !std::isinf(b)) refuse("a power is too large");
      return out;
    }
  }
  return {};
}

Value repeated(Budget& budget, const Value& value, std::int64_t times) {
  times = std::max<std::int64_t>(times, 0);
  if (const auto* text = value.text()) {
    if (!text->empty() && static_cast<std::uint64_t>(times) > kLongestText / text->size())
      budget.spend_bytes(kLongestText + 1);
    budget.spend_bytes(text->size() * static_cast<std::size_t>(times));
    std::string out;
    for (std::int64_t i = 0; i < times && !text->empty(); ++i) out += *text;
    return marked_as(value, std::move(out));
  }
  const auto& sequence = **value.sequence();
  const auto size = static_cast<std::int64_t>(sequence.items.size());
  if (size > 0) budget.spend(times > 10'000'000 / size ? 10'000'001 : times * size * 4);
  std::vector<Value> items;
  for (std::int64_t i = 0; i < times && size > 0; ++i)
    items.insert(items.end(), sequence.items.begin(), sequence.items.end());
  return Value::sequence(sequence.kind, std::move(items));
}

bool is_plain_sequence(const Value& value) {
  return value.sequence() &&
         ((*value.sequence())->kind == Sequence::Kind::list || (*value.sequence())->kind == Sequence::Kind::tuple);
}

bool contains(Budget& budget, const Value& item, const Value& container) {
  if (const auto* text = container.text()) {
    if (!item.text()) refuse(cat("'in <string>' requires string as left operand, not ", item.type_name()));
    budget.spend_bytes(text->size());
    budget.look_at(item.text()->size());
    return find_text(*text, *item.text()) != std::string::npos;
  }
  if (const Dict* dict = container.dict()) {
    if (item.dict() || (is_plain_sequence(item) && (*item.sequence())->kind == Sequence::Kind::list))
      refuse(cat("unhashable type: '", item.type_name(), "'"));
    look_for(budget, *dict, item);
    return dict->find(item) != nullptr;
  }
  budget.spend(container.weight());
  const auto items = items_of(budget, container);
  return std::any_of(items.begin(), items.end(), [&](const Value& other) { return equal(item, other); });
}

}  // namespace

Value arithmetic(Budget& budget, Operation operation, const Value& left, const Value& right) {
  static constexpr const char* kSigns[] = {"+", "-", "*", "/", "//", "%", "**"};
  if (operation == Operation::modulo && left.text()) return percent_format(budget, left, right);
  if (left.is_undefined()) refuse_undefined(left);
  if (right.is_undefined()) refuse_undefined(right);
  if (left.is_number() && right.is_number()) {
    std::int64_t a = 0, b = 0;
    if (left.to_integer(a) && right.to_integer(b)) return integer_arithmetic(operation, a, b);
    return real_arithmetic(operation, left.to_double(), right.to_double());
  }
  if (operation == Operation::add && left.text() && right.text()) return text_sum(budget, left, right);
  if (operation == Operation::add && is_plain_sequence(left) && is_plain_sequence(right) &&
      (*left.sequence())->kind == (*right.sequence())->kind) {
    auto items = (*left.sequence())->items;
    const auto& more = (*right.sequence())->items;
    budget.spend(static_cast<std::int64_t>(items.size() + more.size()) * 4);
    items.insert(items.end(), more.begin(), more.end());
    return Value::sequence((*left.sequence())->kind, std::move(items));
  }
  if (operation == Operation::multiply) {
    std::int64_t times = 0;
    if ((left.text() || is_plain_sequence(left)) && right.to_integer(times)) return repeated(budget, left, times);
    if ((right.text() || is_plain_sequence(right)) && left.to_integer(times)) return repeated(budget, right, times);
  }
  if (left.long_integer() || right.long_integer()) check(true);
  refuse_types(kSigns[static_cast<int>(operation)], left, right);
}

Value negative(const Value& value) {
  if (value.is_undefined()) refuse_undefined(value);
  std::int64_t integer = 0;
  if (value.to_integer(integer)) return integer_arithmetic(Operation::subtract, 0, integer);
  if (const auto* real = value.as<double>()) return -*real;
  if (const auto* digits = value.long_integer()) {
    const std::string other = digits->starts_with('-') ? digits->substr(1) : "-" + *digits;
    const auto small = to_int(other);
    return small ? Value(*small) : Value::long_integer(other);
  }
  refuse(cat("bad operand type for unary -: '", value.type_name(), "'"));
}

void spend_on_order(Budget& budget, const Value& a, const Value& b) {
  // Lists in lists: each level is compared for equality before one goes down into the next.
  budget.spend(std::min(a.weight(), b.weight()) * std::min(a.depth(), b.depth()));
}

bool less(const Value& a, const Value& b) {
  if (a.is_undefined()) refuse_undefined(a);
  if (b.is_undefined()) refuse_undefined(b);
  if (a.is_number() && b.is_number()) {
    std::int64_t x = 0, y = 0;
    if (a.to_integer(x) && b.to_integer(y)) return x < y;
    return a.to_double() < b.to_double();
  }
  if (a.text() && b.text()) return *a.text() < *b.text();  // UTF-8 sorts as its characters do
  if (is_plain_sequence(a) && is_plain_sequence(b) && (*a.sequence())->kind == (*b.sequence())->kind) {
    const auto &x = (*a.sequence())->items, &y = (*b.sequence())->items;
    for (std::size_t i = 0; i < std::min(x.size(), y.size()); ++i)
      if (!equal(x[i], y[i])) return less(x[i], y[i]);
    return x.size() < y.size();
  }
  refuse(cat("'<' not supported between instances of '", a.type_name(), "' and '", b.type_name(), "'"));
}

bool compare(Budget& budget, const std::string& sign, const Value& left, const Value& right) {
  if (sign == "in") return contains(budget, left, right);
  if (sign == "not in") return !contains(budget, left, right);
  budget.spend(std::min(left.weight(), right.weight()));
  if (sign == "==") return equal(left, right);
  if (sign == "!=") return !equal(left, right);
  spend_on_order(budget, left, right);
  if (sign == "<") return less(left, right);
  if (sign == ">") return less(right, left);
  const bool numbers = left.is_number() && right.is_number();  // NaN is neither
  if (sign == "<=") return numbers ? less(left, right) || equal(left, right) : !less(right, left);
  return numbers ? less(right, left) || equal(left, right) : !less(left, right);
}

namespace {

const Value& ascii_character(char c) {
  static const auto kAll = [] {
    std::array<Value, 128> all;
    for (std::size_t i = 0; i < all.size(); ++i) all[i] = Value(std::string(1, static_cast<char>(i)));
    return all;
  }();
  return kAll[static_cast<unsigned char>(c)];
}

}  // namespace

std::vector<Value> items_of(Budget& budget, const Value& value) {
  if (value.is_undefined()) return {};
  std::vector<Value> items;
  if (const auto* text = value.text()) {
    budget.spend(static_cast<std::int64_t>(text->size()));
    items.reserve(length_of(*text));
    for (std::size_t at = 0; at < text->size(); at += char_bytes((*text)[at])) {
      const auto character = std::string_view(*text).substr(at, char_bytes((*text)[at]));
      if (character.size() > 1) budget.spend(6);  // its text is made; those of ASCII are there
      items.push_back(character.size() > 1 ? Value(character) : ascii_character(character[0]));
    }
    return items;
  }
  if (const Dict* dict = value.dict()) {
    budget.spend(static_cast<std::int64_t>(dict->size()));
    for (const auto& [key, item] : dict->items()) items.push_back(key);
    return items;
  }
  const auto* held = value.sequence();
  if (!held) refuse(cat("'", value.type_name(), "' object is not iterable"));
  auto& sequence = **held;
  budget.spend(static_cast<std::int64_t>(sequence.items.size() - sequence.used));
  items.assign(sequence.items.begin() + static_cast<std::ptrdiff_t>(sequence.used), sequence.items.end());
  if (sequence.kind == Sequence::Kind::generator) sequence.used = sequence.items.size();
  return items;
}

std::int64_t python_length(const Value& value) {
  if (value.is_undefined()) return 0;
  if (const auto* text = value.text()) return static_cast<std::int64_t>(length_of(*text));
  if (const Dict* dict = value.dict()) return static_cast<std::int64_t>(dict->size());
  const auto* held = value.sequence();
  if (!held || (*held)->kind == Sequence::Kind::generator)
    refuse(cat("object of type '", value.type_name(), "' has no len()"));
  return static_cast<std::int64_t>((*held)->items.size());
}

}  // namespace pst::jinja
