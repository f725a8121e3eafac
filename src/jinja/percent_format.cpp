// SPDX-License-Identifier: Apache-2.0
// "%s is %d" % (name, age), as Python writes it.
#include <algorithm>
#include <array>
#include <cmath>
#include <cstdio>

#include "core/strings.hpp"
#include "jinja/characters.hpp"
#include "jinja/library.hpp"

namespace pst::jinja {
namespace {

constexpr int kMostDigits = 1000;          // behind a point
constexpr std::int64_t kWidest = 100'000;  // of one conversion, in characters

/// What stands between '%' and its letter.
struct Conversion {
  bool left = false, sign = false, blank = false, alternative = false, zeros = false;
  std::int64_t width = 0;
  std::optional<std::int64_t> precision;
  char letter = 's';
};

class PercentFormat {
 public:
  PercentFormat(Budget& budget, const Value& format, const Value& values)
      : budget_(budget), format_(*format.text()), escapes_(format.is_markup()), values_(values) {
    const auto* const held = values.sequence();
    if (held && (*held)->kind == Sequence::Kind::tuple) tuple_ = held->get();
  }

  std::string run() {
    budget_.spend_bytes(format_.size());
    while (at_ < format_.size()) {
      const auto percent = std::min(format_.find('%', at_), format_.size());
      out_ += format_.substr(at_, percent - at_);
      at_ = percent + 1;
      if (percent < format_.size()) conversion();
    }
    const bool is_all_used = tuple_ ? next_ >= tuple_->items.size() : next_ > 0 || has_names();
    if (!is_all_used) refuse("not all arguments converted during string formatting");
    return std::move(out_);
  }

 private:
  /// What has members need not be used: a list counts, and what is undefined, as Python has it.
  bool has_names() const { return values_.dict() || values_.is_undefined() || (values_.sequence() && !tuple_); }

  char peek() const {
    if (at_ >= format_.size()) refuse("incomplete format");
    return format_[at_];
  }

  const Value& next_value() {
    if (!tuple_) {
      if (next_++ > 0) refuse("not enough arguments for format string");
      return values_;
    }
    if (next_ >= tuple_->items.size()) refuse("not enough arguments for format string");
    return tuple_->items[next_++];
  }

  /// The value of %(name)s.
  Value named_value() {
    if (!values_.dict()) refuse("format requires a mapping");
    std::size_t end = ++at_;
    for (int depth = 1; depth > 0; ++end) {
      if (end >= format_.size()) refuse("incomplete format key");
      depth += format_[end] == '(' ? 1 : format_[end] == ')' ? -1 : 0;
    }
    const Value key(format_.substr(at_, end - 1 - at_));
    at_ = end;
    look_for(budget_, *values_.dict(), key);
    const Value* const found = values_.dict()->find(key);
    if (!found) refuse(cat("the format's key '", brief(*key.text()), "' is not in the dict"));
    return *found;
  }

  std::int64_t number() {
    if (peek() == '*') {
      ++at_;
      std::int64_t out = 0;
      if (!next_value().to_integer(out)) refuse("* wants int");
      if (out > kWidest || out < -kWidest) refuse(cat("a width of more than ", kWidest, " in a format"));
      return out;
    }
    std::int64_t out = 0;
    for (; peek() >= '0' && peek() <= '9'; ++at_) {
      out = out * 10 + (peek() - '0');
      if (out > kWidest) refuse(cat("a width of more than ", kWidest, " in a format"));
    }
    return out;
  }

  Conversion read() {
    Conversion read;
    for (bool is_flag = true; is_flag; at_ += is_flag ? 1 : 0) {
      switch (peek()) {
        case '-': read.left = true; break;
        case '+': read.sign = true; break;
        case ' ': read.blank = true; break;
        case '#': read.alternative = true; break;
        case '0': read.zeros = true; break;
        default: is_flag = false;
      }
    }
    read.width = number();
    if (read.width < 0) read.left = true, read.width = -read.width;
    if (peek() == '.') {
      ++at_;
      read.precision = std::max<std::int64_t>(0, number());
    }
    if (peek() == 'h' || peek() == 'l' || peek() == 'L') ++at_;
    read.letter = peek();
    ++at_;
    return read;
  }

  void conversion() {
    if (peek() == '%') return ++at_, void(out_ += '%');
    std::optional<Value> named;
    if (peek() == '(') named = named_value();
    const Conversion c = read();
    const Value value = named ? *named : next_value();
    budget_.spend(8);
    switch (c.letter) {
      case 's': return put_text(c, escapes_ ? escaped_text(budget_, value) : to_text(budget_, value));
      case 'r': return put_text(c, of_text(to_repr(budget_, value)));
      case 'a': return put_text(c, of_text(to_ascii(to_repr(budget_, value))));
      case 'c': return put_text(c, character(value));
      case 'd':
      case 'i':
      case 'u': return put_number(c, integer(c, value, 10));
      case 'x':
      case 'X': return put_number(c, integer(c, value, 16));
      case 'o': return put_number(c, integer(c, value, 8));
      case 'e':
      case 'E':
      case 'f':
      case 'F':
      case 'g':
      case 'G': return put_number(c, real(c, value));
      default: refuse(cat("unsupported format character ", pst::quoted(std::string(1, c.letter))));
    }
  }

  std::string of_text(const std::string& text) { return escapes_ ? escaped(budget_, text) : text; }

  std::string to_ascii(const std::string& text) {
    budget_.spend_bytes(10 * text.size());
    std::string out;
    for (std::size_t at = 0; at < text.size(); at += char_bytes(text[at]))
      out += char_bytes(text[at]) == 1 ? std::string(1, text[at]) : cat("\\", hex_escape(char_at(text, at)));
    return out;
  }

  std::string character(const Value& value) {
    std::int64_t code = 0;
    if (value.text() && length_of(*value.text()) == 1) return of_text(*value.text());
    if (!value.to_integer(code) || code < 0 || code > 0x10ffff || (code >= 0xd800 && code < 0xe000))
      refuse("%c requires an int of a character or a text of one character");
    std::string out;
    append_char(out, static_cast<char32_t>(code));
    return out;
  }

  /// Digits with their sign.
  std::string integer(const Conversion& c, const Value& value, int base) {
    if (const auto* const digits = value.long_integer()) {
      if (base != 10) refuse("writing an integer beyond 63 bits in another base than 10 is not supported");
      return padded_digits(c, *digits);
    }
    std::int64_t whole = 0;
    if (const auto* const held = value.as<double>(); held && base == 10) {
      if (!std::isfinite(*held) || std::fabs(*held) >= 9.2e18) refuse("this number cannot be written as an integer");
      whole = static_cast<std::int64_t>(*held);
    } else if (!value.to_integer(whole)) {
      refuse(cat("%", c.letter, " format: a number is required, not ", value.type_name()));
    }
    std::uint64_t rest = whole < 0 ? 0 - static_cast<std::uint64_t>(whole) : static_cast<std::uint64_t>(whole);
    std::string digits;
    do {
      digits += (c.letter == 'X' ? "0123456789ABCDEF" : "0123456789abcdef")[rest % static_cast<std::uint64_t>(base)];
      rest /= static_cast<std::uint64_t>(base);
    } while (rest > 0);
    if (whole < 0) digits += '-';
    std::reverse(digits.begin(), digits.end());
    return padded_digits(c, std::move(digits));
  }

  std::string padded_digits(const Conversion& c, std::string digits) {
    const bool minus = digits[0] == '-';
    if (minus) digits.erase(0, 1);
    if (c.precision && *c.precision > static_cast<std::int64_t>(digits.size()))
      digits.insert(0, static_cast<std::size_t>(*c.precision) - digits.size(), '0');
    std::string prefix = minus ? "-" : "";
    if (c.alternative && (c.letter == 'x' || c.letter == 'X' || c.letter == 'o')) prefix += {'0', c.letter};
    return prefix + digits;
  }

  std::string real(const Conversion& c, const Value& value) {
    if (!value.is_number()) refuse(cat("must be real number, not ", value.type_name()));
    const std::int64_t digits = c.precision.value_or(6);
    if (digits > kMostDigits) refuse(cat("more than ", kMostDigits, " digits of a number are not supported"));
    return printed(c.letter, static_cast<int>(digits), c.alternative, value.to_double());
  }

  void put_number(const Conversion& c, std::string text) {
    if (text[0] != '-' && (c.sign || c.blank)) text.insert(0, 1, c.sign ? '+' : ' ');
    const auto size = static_cast<std::int64_t>(text.size());
    if (c.zeros && !c.left && c.width > size) {
      std::size_t at = text[0] == '-' || text[0] == '+' || text[0] == ' ' ? 1 : 0;
      if (c.alternative && text.size() > at + 1 && text[at] == '0' && (text[at + 1] | 0x20) >= 'o') at += 2;
      text.insert(at, static_cast<std::size_t>(c.width - size), '0');
    }
    put(c, text);
  }

  void put_text(const Conversion& c, const std::string& text) {
    put(c, c.precision ? text.substr(0, byte_of(text, static_cast<std::size_t>(*c.precision))) : text);
  }

  void put(const Conversion& c, const std::string& text) {
    const auto missing = c.width - static_cast<std::int64_t>(length_of(text));
    budget_.spend_bytes(text.size() + static_cast<std::size_t>(std::max<std::int64_t>(0, missing)));
    const std::string blanks(static_cast<std::size_t>(std::max<std::int64_t>(0, missing)), ' ');
    out_ += c.left ? text + blanks : blanks + text;
    if (out_.size() > kLongestText) budget_.spend_bytes(out_.size());
  }

  Budget& budget_;
  const std::string& format_;
  const bool escapes_;
  const Value& values_;
  const Sequence* tuple_ = nullptr;  // null: the format has one value, or names
  std::size_t at_ = 0, next_ = 0;
  std::string out_;
};

}  // namespace

std::string printed(char conversion, int digits, bool alternative, double value) {
  if (!std::isfinite(value)) {
    std::string text = std::isnan(value) ? "nan" : value > 0 ? "inf" : "-inf";
    if (conversion < 'a')
      std::transform(text.begin(), text.end(), text.begin(), [](char c) { return c == '-' ? c : char(c - 32); });
    return text;
  }
  const std::array<char, 7> form = {'%', alternative ? '#' : '-', '.', '*', conversion, '\0', '\0'};
  std::array<char, 1400> text{};  // of 1e308, and 1000 digits behind the point
  const int size = std::snprintf(text.data(), text.size(), form.data(), digits, value);
  return {text.data(), static_cast<std::size_t>(size)};
}

Value percent_format(Budget& budget, const Value& format, const Value& values) {
  return marked_as(format, PercentFormat(budget, format, values).run());
}

}  // namespace pst::jinja
