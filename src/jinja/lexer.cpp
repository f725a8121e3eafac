// SPDX-License-Identifier: Apache-2.0
#include "jinja/lexer.hpp"

#include <algorithm>
#include <array>
#include <cstdint>
#include <iterator>
#include <utility>

#include "core/error.hpp"
#include "core/strings.hpp"
#include "jinja/characters.hpp"
#include "jinja/text.hpp"

namespace pst::jinja {
namespace {

constexpr std::size_t kMostTokens = 500'000;  // real templates have hundreds; each becomes some 400 bytes of program
constexpr std::size_t kLongestName = 1000;
constexpr std::size_t kMostDigits = 4300;       // Python's own limit
constexpr std::size_t kMostDigitsOfBase = 400;  // converting takes time by the square of them

constexpr std::array<std::string_view, 27> kSigns = {"//", "**", "==", "!=", ">=", "<=", "+", "-", "/",
                                                     "*",  "%",  "~",  "[",  "]",  "(",  ")", "{", "}",
                                                     ">",  "<",  "=",  ".",  ":",  "|",  ",", ";", "!"};

bool is_digit(char c) { return c >= '0' && c <= '9'; }
bool starts_name(char c) { return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || c == '_'; }
bool continues_name(char c) { return starts_name(c) || is_digit(c); }

int digit_value(char c) {
  if (is_digit(c)) return c - '0';
  const char low = static_cast<char>(c | 0x20);
  return low >= 'a' && low <= 'f' ? low - 'a' + 10 : 99;
}

std::string in_base_ten(const std::string& digits, int base) {
  std::vector<std::uint32_t> parts = {0};  // of nine decimal digits, the lowest first
  for (const char c : digits) {
    std::uint64_t carry = static_cast<std::uint64_t>(digit_value(c));
    for (auto& part : parts) {
      carry += std::uint64_t{part} * static_cast<std::uint64_t>(base);
      part = static_cast<std::uint32_t>(carry % 1'000'000'000);
      carry /= 1'000'000'000;
    }
    if (carry > 0) parts.push_back(static_cast<std::uint32_t>(carry));
  }
  std::string out = std::to_string(parts.back());
  for (auto part = std::next(parts.rbegin()); part != parts.rend(); ++part) {
    const std::string text = std::to_string(*part);
    out += std::string(9 - text.size(), '0') + text;
  }
  return out;
}

/// \r\n and \r become \n, and one newline at the very end goes.
std::string with_plain_newlines(std::string_view source) {
  std::string out;
  out.reserve(source.size());
  for (std::size_t at = 0; at < source.size(); ++at) {
    if (source[at] != '\r') {
      out += source[at];
      continue;
    }
    out += '\n';
    if (at + 1 < source.size() && source[at + 1] == '\n') ++at;
  }
  if (!out.empty() && out.back() == '\n') out.pop_back();
  return out;
}

class Lexer {
 public:
  Lexer(std::string_view source, const std::string& name) : name_(name), source_(with_plain_newlines(source)) {}

  std::vector<Token> run() {
    if (!is_utf8(source_)) fail("the template is not UTF-8");
    while (at_ < source_.size()) text_and_tag();
    add(Token::Kind::end, "");
    return std::move(tokens_);
  }

 private:
  [[noreturn]] void fail(const std::string& what) const {
    throw Error(Fault::data, cat(name_, ":", line_, ": ", what));
  }
  bool next_is(std::string_view text) const { return source_.compare(at_, text.size(), text) == 0; }
  void add(Token::Kind kind, std::string value) {
    if (tokens_.size() >= kMostTokens) fail(cat("the template has more than ", kMostTokens, " words and signs"));
    tokens_.push_back({kind, std::move(value), line_});
  }
  void advance(std::size_t count) {
    line_ += static_cast<int>(std::count(source_.begin() + static_cast<std::ptrdiff_t>(at_),
                                         source_.begin() + static_cast<std::ptrdiff_t>(at_ + count), '\n'));
    at_ += count;
  }

  std::size_t find_tag(std::size_t from) const {
    for (auto at = source_.find('{', from); at != std::string::npos; at = source_.find('{', at + 1))
      if (at + 1 < source_.size() && (source_[at + 1] == '{' || source_[at + 1] == '%' || source_[at + 1] == '#'))
        return at;
    return std::string::npos;
  }

  /// The text up to the next tag, then the tag.
  void text_and_tag() {
    const std::size_t tag = find_tag(at_);
    const std::size_t end = std::min(tag, source_.size());
    std::string_view text = std::string_view(source_).substr(at_, end - at_);
    if (tag == std::string::npos) return put_text(text), advance(text.size());
    const char kind = source_[tag + 1];
    const char sign = tag + 2 < source_.size() ? source_[tag + 2] : '\0';
    put_text(before_tag(text, sign, kind != '{'));
    advance(end - at_);
    advance(sign == '-' || (sign == '+') ? 3 : 2);
    if (kind == '#') return comment();
    if (kind == '%' && is_keyword("raw")) return raw();
    add(kind == '{' ? Token::Kind::output_begin : Token::Kind::block_begin, "");
    inside(kind == '{' ? "}}" : "%}", kind == '%');
  }

  void put_text(std::string_view text) {
    if (!text.empty()) add(Token::Kind::text, std::string(text));
  }

  /// What is left of the text before a tag: `-` takes all white space, lstrip_blocks that of the tag's own line.
  std::string_view before_tag(std::string_view text, char sign, bool block) const {
    if (sign == '-') return strip_right(text);
    if (sign == '+' || !block) return text;
    const auto newline = text.rfind('\n');
    const std::size_t line_start = newline == std::string_view::npos ? 0 : newline + 1;
    if (newline == std::string_view::npos && !line_starting_) return text;
    const auto rest = text.substr(line_start);
    return strip_right(rest).empty() ? text.substr(0, line_start) : text;
  }

  /// Behind a closing tag of `block` kind: trim_blocks takes one newline, `-` all white space.
  void after_tag(bool minus, bool plus, bool block) {
    const std::size_t start = at_;
    if (minus) {
      const auto rest = std::string_view(source_).substr(at_);
      advance(rest.size() - strip_left(rest).size());
    } else if (block && !plus && at_ < source_.size() && source_[at_] == '\n') {
      advance(1);
    }
    line_starting_ = at_ > start && source_[at_ - 1] == '\n';
  }

  void comment() {
    const auto end = source_.find("#}", at_);
    if (end == std::string::npos) fail("the comment is never closed with '#}'");
    const char sign = end > at_ ? source_[end - 1] : '\0';
    advance(end + 2 - at_);
    after_tag(sign == '-', sign == '+', /*block=*/true);
  }

  /// Whether the tag's first word is `word` and it ends right there; moves behind the tag when so.
  bool is_keyword(std::string_view word) {
    std::size_t at = at_;
    while (at < source_.size() && is_space_byte(source_[at])) ++at;
    if (source_.compare(at, word.size(), word) != 0) return false;
    at += word.size();
    while (at < source_.size() && is_space_byte(source_[at])) ++at;
    const bool minus = at < source_.size() && source_[at] == '-', plus = at < source_.size() && source_[at] == '+';
    if (minus || plus) ++at;
    if (source_.compare(at, 2, "%}") != 0) return false;
    advance(at + 2 - at_);
    after_tag(minus, plus, /*block=*/word != "raw");
    return true;
  }

  static bool is_space_byte(char c) { return c == ' ' || c == '\t' || c == '\n'; }

  void raw() {
    const std::size_t start = at_;
    const int line = line_;
    const bool line_starting = line_starting_;
    for (auto tag = source_.find("{%", at_); tag != std::string::npos; tag = source_.find("{%", tag + 2)) {
      const char sign = tag + 2 < source_.size() ? source_[tag + 2] : '\0';
      advance(tag - at_);
      advance(sign == '-' || sign == '+' ? 3 : 2);
      if (is_keyword("endraw")) {
        const bool after = std::exchange(line_starting_, line_starting);
        const std::string_view text =
            before_tag(std::string_view(source_).substr(start, tag - start), sign, /*block=*/true);
        line_starting_ = after;
        if (!text.empty()) tokens_.push_back({Token::Kind::text, std::string(text), line});
        return;
      }
    }
    line_ = line;
    fail("'raw' is never closed with 'endraw'");
  }

  /// Tokens up to the closing tag.
  void inside(std::string_view close, bool block) {
    const int opened = line_;
    std::string open_brackets;
    while (true) {
      while (at_ < source_.size() && is_python_space(static_cast<unsigned char>(source_[at_]))) advance(1);
      if (at_ >= source_.size()) {
        line_ = opened;
        fail(cat("the tag is never closed with '", close, "'"));
      }
      if (open_brackets.empty()) {
        const bool minus = source_[at_] == '-', plus = block && source_[at_] == '+';
        if (source_.compare(at_ + (minus || plus ? 1 : 0), 2, close) == 0) {
          add(block ? Token::Kind::block_end : Token::Kind::output_end, "");
          advance(minus || plus ? 3 : 2);
          return after_tag(minus, plus, block);
        }
      }
      one(open_brackets);
    }
  }

  void one(std::string& open_brackets) {
    const char c = source_[at_];
    if (starts_name(c) || is_letter_at(at_)) {
      std::size_t end = at_;
      while (end < source_.size() && (continues_name(source_[end]) || is_letter_at(end)))
        end += char_bytes(source_[end]);
      if (end - at_ > kLongestName) fail(cat("a name of more than ", kLongestName, " characters"));
      add(Token::Kind::name, source_.substr(at_, end - at_));
      return advance(end - at_);
    }
    if (is_digit(c)) return number();
    if (c == '"' || c == '\'') return string(c);
    for (const auto sign : kSigns) {
      if (!next_is(sign)) continue;
      if (sign == "(" || sign == "[" || sign == "{") open_brackets += sign[0] == '(' ? ')' : sign[0] == '[' ? ']' : '}';
      if (sign == ")" || sign == "]" || sign == "}") {
        if (open_brackets.empty()) fail(cat("unexpected '", sign, "'"));
        if (open_brackets.back() != sign[0])
          fail(cat("unexpected '", sign, "', expected '", open_brackets.back(), "'"));
        open_brackets.pop_back();
      }
      add(Token::Kind::sign, std::string(sign));
      return advance(sign.size());
    }
    fail(cat("unexpected character ", pst::quoted(source_.substr(at_, char_bytes(c)))));
  }

  /// Whether a letter that is not ASCII begins there: Python's names may have those.
  bool is_letter_at(std::size_t at) const {
    return static_cast<unsigned char>(source_[at]) >= 0x80 && is_letter(char_at(source_, at));
  }

  /// Digits from `end` on, with single '_' between them; they are added to `digits`.
  template <class IsDigit>
  void take_digits(std::size_t& end, std::string& digits, IsDigit is_one) const {
    const auto one_at = [&](std::size_t at) { return at < source_.size() && is_one(source_[at]); };
    while (one_at(end) || (end < source_.size() && source_[end] == '_' && one_at(end + 1))) {
      if (source_[end] != '_') digits += source_[end];
      ++end;
    }
  }

  /// 0x1F, 0o17, 0b11. @return whether there was one
  bool number_with_base() {
    if (source_[at_] != '0' || at_ + 2 >= source_.size()) return false;
    const char letter = static_cast<char>(source_[at_ + 1] | 0x20);
    const int base = letter == 'x' ? 16 : letter == 'o' ? 8 : letter == 'b' ? 2 : 0;
    if (base == 0) return false;
    std::size_t end = at_ + 2;
    std::string digits;
    take_digits(end, digits, [&](char c) { return digit_value(c) < base; });
    if (digits.empty()) return false;
    if (digits.size() > kMostDigitsOfBase)
      add(Token::Kind::odd_string, cat("an integer of more than ", kMostDigitsOfBase, " digits of base ", base));
    else
      add(Token::Kind::integer, in_base_ten(digits, base));
    advance(end - at_);
    return true;
  }

  void number() {
    if (number_with_base()) return;
    std::size_t end = at_;
    std::string digits;
    take_digits(end, digits, is_digit);
    bool real = false;
    const bool after_dot = at_ > 0 && source_[at_ - 1] == '.';
    if (!after_dot && end + 1 < source_.size() && source_[end] == '.' && is_digit(source_[end + 1])) {
      real = true;
      digits += source_[end++];
      take_digits(end, digits, is_digit);
    }
    if (!after_dot && end < source_.size() && (source_[end] == 'e' || source_[end] == 'E')) {
      std::size_t exponent = end + 1;
      if (exponent < source_.size() && (source_[exponent] == '+' || source_[exponent] == '-')) ++exponent;
      if (exponent < source_.size() && is_digit(source_[exponent])) {
        real = true;
        digits += source_.substr(end, exponent - end);
        end = exponent;
        take_digits(end, digits, is_digit);
      }
    }
    if (!real && digits[0] == '0' && digits.find_first_not_of('0') != std::string::npos) fail("a number starts with 0");
    if (!real && digits.size() > kMostDigits) fail(cat("an integer of more than ", kMostDigits, " digits"));
    add(real ? Token::Kind::real : Token::Kind::integer, digits);
    advance(end - at_);
  }

  void string(char quote) {
    std::string value;
    std::size_t at = at_ + 1;
    while (at < source_.size() && source_[at] != quote) {
      if (source_[at] != '\\') {
        value += source_[at++];
        continue;
      }
      if (at + 1 >= source_.size()) break;
      at = escape(at + 1, value);
    }
    if (at >= source_.size()) fail("a string is never closed");
    if (what_is_odd_.empty())
      add(Token::Kind::string, value);
    else
      add(Token::Kind::odd_string, std::exchange(what_is_odd_, {}));
    advance(at + 1 - at_);
  }

  /// Python's escapes. @param at  of the character behind the backslash. @return behind the escape
  std::size_t escape(std::size_t at, std::string& value) {
    constexpr std::string_view kFrom = "\\'\"abfnrtv", kTo = "\\'\"\a\b\f\n\r\t\v";
    const char c = source_[at];
    if (c == '\n') return at + 1;
    if (const auto found = kFrom.find(c); found != std::string_view::npos) return value += kTo[found], at + 1;
    if (c >= '0' && c <= '7') {
      char32_t code = 0;
      std::size_t end = at;
      while (end < source_.size() && end < at + 3 && source_[end] >= '0' && source_[end] <= '7')
        code = code * 8 + static_cast<char32_t>(source_[end++] - '0');
      append_char(value, code);
      return end;
    }
    const std::size_t length = c == 'x' ? 2 : c == 'u' ? 4 : c == 'U' ? 8 : 0;
    if (c == 'N') what_is_odd_ = "'\\N{...}' in a string";
    if (static_cast<unsigned char>(c) >= 0x80) {  // Jinja2 escapes what is not ASCII before it reads escapes
      value += cat("\\", hex_escape(char_at(source_, at)));
      return at + char_bytes(c);
    }
    if (length == 0) return value += '\\', at;  // an unknown escape stays as it is
    char32_t code = 0;
    for (std::size_t i = 1; i <= length; ++i) {
      const char digit = at + i < source_.size() ? source_[at + i] : ' ';
      const auto found = std::string_view("0123456789abcdef")
                             .find(digit >= 'A' && digit <= 'F' ? static_cast<char>(digit + 32) : digit);
      if (found == std::string_view::npos || code > 0x10ffff)
        fail(cat("'\\", c, "' needs ", length, " hexadecimal digits"));
      code = code * 16 + static_cast<char32_t>(found);
    }
    if (code > 0x10ffff) fail(cat("'\\", c, "' names no character"));
    if (code >= 0xd800 && code < 0xe000)
      what_is_odd_ = "half of a character (a surrogate) in a string";
    else
      append_char(value, code);
    return at + 1 + length;
  }

  const std::string& name_;
  std::string source_;
  std::size_t at_ = 0;
  int line_ = 1;
  bool line_starting_ = true;  // the last tag took a newline, or there was none yet
  std::vector<Token> tokens_;
  std::string what_is_odd_;  // in the string that is being read
};

}  // namespace

std::vector<Token> tokenize(std::string_view source, const std::string& name) { return Lexer(source, name).run(); }

}  // namespace pst::jinja
