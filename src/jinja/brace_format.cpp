// SPDX-License-Identifier: Apache-2.0
// "{} is {age:>5}".format(...), as Python writes it.
#include <algorithm>
#include <cmath>

#include "core/strings.hpp"
#include "jinja/characters.hpp"
#include "jinja/library.hpp"

namespace pst::jinja {
namespace {

constexpr int kMostDigits = 1000;          // behind a point
constexpr std::int64_t kWidest = 100'000;  // of one field, in characters

/// What stands behind the colon: [[fill]align][sign][#][0][width][grouping][.precision][type].
struct Layout {
  std::string fill = " ";
  char align = 0, sign = '-', grouping = 0, type = 0;
  bool alternative = false, zeros = false;
  std::int64_t width = 0;
  std::optional<int> precision;
};

class LayoutReader {
 public:
  LayoutReader(std::string_view text, const Value& value) : text_(text), value_(value) {}

  Layout read() {
    Layout out;
    constexpr std::string_view kAligns = "<>=^", kSigns = "+- ";
    bool has_fill = false;
    const std::size_t first = text_.empty() ? 0 : char_bytes(text_[0]);
    if (first < text_.size() && kAligns.find(text_[first]) != std::string_view::npos) {
      out.fill = text_.substr(0, first);
      out.align = text_[first];
      has_fill = true;
      text_.remove_prefix(first + 1);
    } else if (next_is(kAligns)) {
      out.align = take();
    }
    if (next_is(kSigns)) out.sign = take();
    if (next_is("z")) refuse("'z' in a format is not supported");
    if (next_is("#")) out.alternative = take() == '#';
    if (next_is("0")) out.zeros = take() == '0';
    if (out.zeros && !has_fill) out.fill = "0";
    out.width = number();
    if (next_is(",_")) out.grouping = take();
    if (next_is(".")) {
      take();
      if (text_.empty() || text_[0] < '0' || text_[0] > '9') refuse("Format specifier missing precision");
      const std::int64_t digits = number();
      if (digits > kMostDigits) refuse(cat("more than ", kMostDigits, " digits in a format are not supported"));
      out.precision = static_cast<int>(digits);
    }
    if (text_.size() > 1) refuse(cat("Invalid format specifier for object of type '", value_.type_name(), "'"));
    if (!text_.empty()) out.type = text_[0];
    return out;
  }

 private:
  bool next_is(std::string_view any) const { return !text_.empty() && any.find(text_[0]) != std::string_view::npos; }
  char take() {
    const char c = text_[0];
    text_.remove_prefix(1);
    return c;
  }
  std::int64_t number() {
    std::int64_t out = 0;
    while (!text_.empty() && text_[0] >= '0' && text_[0] <= '9') {
      out = out * 10 + (take() - '0');
      if (out > kWidest) refuse(cat("a width of more than ", kWidest, " in a format is not supported"));
    }
    return out;
  }

  std::string_view text_;
  const Value& value_;
};

/// Writes one value by its layout.
class Field {
 public:
  Field(Budget& budget, const Value& value, const Layout& layout) : budget_(budget), value_(value), layout_(layout) {}

  std::string write() {
    if (value_.text()) return text();
    std::int64_t whole = 0;
    constexpr std::string_view kReals = "eEfFgG%";
    const bool as_real = layout_.type != 0 && kReals.find(layout_.type) != std::string_view::npos;
    if (!as_real && value_.to_integer(whole)) return integer(whole);
    if (value_.is_number()) return real(value_.to_double());
    if (value_.long_integer()) refuse("laying out an integer beyond 63 bits is not supported");
    refuse(cat("unsupported format string passed to ", value_.type_name(), ".__format__"));
  }

 private:
  [[noreturn]] void refuse_type() const {
    refuse(cat("Unknown format code ", pst::quoted(std::string(1, layout_.type)), " for object of type '",
               value_.type_name(), "'"));
  }

  std::string text() {
    if (layout_.type != 0 && layout_.type != 's') refuse_type();
    if (layout_.sign != '-') refuse("Sign not allowed in string format specifier");
    if (layout_.alternative) refuse("Alternate form (#) not allowed in string format specifier");
    if (layout_.align == '=') refuse("'=' alignment not allowed in string format specifier");
    if (layout_.grouping != 0) refuse("Cannot specify ',' or '_' with 's'.");
    const std::string& all = *value_.text();
    budget_.look_at(all.size());
    return aligned(layout_.precision ? all.substr(0, byte_of(all, static_cast<std::size_t>(*layout_.precision))) : all,
                   '<');
  }

  std::string integer(std::int64_t whole) {
    if (layout_.precision) refuse("Precision not allowed in integer format specifier");
    std::uint64_t rest = whole < 0 ? 0 - static_cast<std::uint64_t>(whole) : static_cast<std::uint64_t>(whole);
    std::uint64_t base = 10;
    std::string prefix, digits;
    switch (layout_.type) {
      case 0:
      case 'd': break;
      case 'n': break;  // the grouping of the locale, which is C's
      case 'b': base = 2, prefix = "0b"; break;
      case 'o': base = 8, prefix = "0o"; break;
      case 'x': base = 16, prefix = "0x"; break;
      case 'X': base = 16, prefix = "0X"; break;
      case 'c': return character(whole);
      default: refuse_type();
    }
    if (layout_.grouping == ',' && base != 10) refuse("Cannot specify ',' with this format code");
    do {
      digits += (layout_.type == 'X' ? "0123456789ABCDEF" : "0123456789abcdef")[rest % base];
      rest /= base;
    } while (rest > 0);
    std::reverse(digits.begin(), digits.end());
    return number(whole < 0, layout_.alternative ? prefix : "", digits, "", base == 10 ? 3 : 4);
  }

  std::string character(std::int64_t code) {
    if (code < 0 || code > 0x10ffff || (code >= 0xd800 && code < 0xe000)) refuse("%c arg not in range(0x110000)");
    if (layout_.sign != '-') refuse("Sign not allowed with integer format specifier 'c'");
    std::string out;
    append_char(out, static_cast<char32_t>(code));
    return aligned(std::move(out), '<');
  }

  std::string real(double value) {
    std::string text, tail;
    const int digits = layout_.precision.value_or(6);
    switch (layout_.type) {
      case 0: text = plain(value); break;
      case '%':
        text = printed('f', digits, layout_.alternative, value * 100);
        tail = "%";
        break;
      case 'n': text = printed('g', digits, layout_.alternative, value); break;
      case 'e':
      case 'E':
      case 'f':
      case 'F':
      case 'g':
      case 'G': text = printed(layout_.type, digits, layout_.alternative, value); break;
      default: refuse_type();
    }
    const bool minus = text[0] == '-';
    if (minus) text.erase(0, 1);
    const std::size_t whole = std::min(text.find_first_not_of("0123456789"), text.size());
    return number(minus, "", text.substr(0, whole), text.substr(whole) + tail, 3);
  }

  /// Without a type: the shortest text, or so many digits, as repr has them.
  std::string plain(double value) const {
    if (!layout_.precision) return float_text(value);
    if (!std::isfinite(value)) return float_text(value);
    const int digits = std::max(1, *layout_.precision);
    // An exponent is taken one digit earlier than %g does, and a point is always there.
    const std::string as_power = printed('e', digits - 1, false, value);
    const auto e = as_power.find('e');
    const auto power = to_int(as_power[e + 1] == '+' ? as_power.substr(e + 2) : as_power.substr(e + 1)).value_or(0);
    if (power < -4 || power >= digits - (layout_.alternative ? 0 : 1) || power >= digits) {
      std::string text = printed('g', digits, layout_.alternative, value);
      if (text.find('e') != std::string::npos) return text;
      if (power >= digits - 1) {
        std::string mantissa = as_power.substr(0, e);
        if (!layout_.alternative && mantissa.find('.') != std::string::npos) {
          mantissa.erase(mantissa.find_last_not_of('0') + 1);
          if (mantissa.back() == '.') mantissa.pop_back();
        }
        return mantissa + as_power.substr(e);
      }
      return text;
    }
    std::string text = printed('g', digits, layout_.alternative, value);
    if (text.find('.') == std::string::npos) text += ".0";
    return text;
  }

  /// @param every  digits between two signs of grouping
  std::string number(bool minus, const std::string& prefix, std::string digits, const std::string& tail,
                     std::size_t every) {
    std::string sign = minus ? "-" : layout_.sign == '-' ? "" : std::string(1, layout_.sign);
    sign += prefix;
    const bool fills_inside = layout_.align == '=' || (layout_.align == 0 && layout_.zeros);
    if (fills_inside && layout_.fill == "0") {
      const auto missing = layout_.width - static_cast<std::int64_t>(sign.size() + tail.size());
      digits = grouped(std::move(digits), every, std::max<std::int64_t>(0, missing));
      return aligned(sign + digits + tail, '>');
    }
    digits = grouped(std::move(digits), every, 0);
    if (!fills_inside) return aligned(sign + digits + tail, '>');
    const auto missing = layout_.width - static_cast<std::int64_t>(sign.size() + digits.size() + tail.size());
    for (std::int64_t i = 0; i < missing; ++i) sign += layout_.fill;
    return sign + digits + tail;
  }

  /// With signs of grouping, and zeros in front for at least `width` characters.
  std::string grouped(std::string digits, std::size_t every, std::int64_t width) const {
    const auto wanted = static_cast<std::size_t>(width);
    if (layout_.grouping == 0) {
      if (digits.size() < wanted) digits.insert(0, wanted - digits.size(), '0');
      return digits;
    }
    std::string out;  // backwards
    std::size_t count = 0;
    for (auto digit = digits.rbegin(); digit != digits.rend() || out.size() < wanted; ++count) {
      if (count > 0 && count % every == 0) out += layout_.grouping;
      out += digit != digits.rend() ? *digit++ : '0';
    }
    std::reverse(out.begin(), out.end());
    return out;
  }

  std::string aligned(std::string text, char otherwise) {
    const auto missing = layout_.width - static_cast<std::int64_t>(length_of(text));
    if (missing <= 0) return text;
    budget_.spend_bytes(static_cast<std::size_t>(missing) * layout_.fill.size());
    const char align = layout_.align == 0 || layout_.align == '=' ? otherwise : layout_.align;
    const std::int64_t before = align == '<' ? 0 : align == '>' ? missing : missing / 2;
    std::string out;
    for (std::int64_t i = 0; i < before; ++i) out += layout_.fill;
    out += text;
    for (std::int64_t i = before; i < missing; ++i) out += layout_.fill;
    return out;
  }

  Budget& budget_;
  const Value& value_;
  const Layout& layout_;
};

class BraceFormat {
 public:
  BraceFormat(Budget& budget, const Given& given) : budget_(budget), given_(given) {}

  /// @param depth  of formats inside formats
  std::string write(std::string_view format, int depth) {
    if (depth > 2) refuse("Max string recursion exceeded");
    std::string out;
    for (std::size_t at = 0; at < format.size();) {
      const auto brace = std::min(format.find_first_of("{}", at), format.size());
      out += format.substr(at, brace - at);
      at = brace;
      if (at == format.size()) break;
      if (at + 1 < format.size() && format[at + 1] == format[at]) {
        out += format[at];
        at += 2;
      } else if (format[at] == '}') {
        refuse("Single '}' encountered in format string");
      } else {
        const std::size_t end = end_of_field(format, at + 1);
        out += field(format.substr(at + 1, end - at - 1), depth);
        at = end + 1;
      }
      if (out.size() > kLongestText) budget_.spend_bytes(out.size());
    }
    return out;
  }

 private:
  /// Of the brace that closes the field which begins at `at`.
  static std::size_t end_of_field(std::string_view format, std::size_t at) {
    int depth = 1;
    for (; at < format.size(); ++at) {
      depth += format[at] == '{' ? 1 : format[at] == '}' ? -1 : 0;
      if (depth == 0) return at;
    }
    refuse("expected '}' before end of string");
  }

  std::string field(std::string_view all, int depth) {
    budget_.spend(8);
    std::size_t name_end = 0;  // brackets may hold '!' and ':'
    for (bool in_brackets = false; name_end < all.size(); ++name_end) {
      const char c = all[name_end];
      if (c == '[') in_brackets = true;
      if (c == ']') in_brackets = false;
      if (!in_brackets && (c == '!' || c == ':')) break;
    }
    const std::string_view name = all.substr(0, name_end);
    if (name.find('{') != std::string_view::npos) refuse("unexpected '{' in field name");
    std::string_view rest = all.substr(name_end);
    char conversion = 0;
    if (rest.starts_with("!")) {
      if (rest.size() < 2 || (rest.size() > 2 && rest[2] != ':')) refuse("expected ':' after conversion specifier");
      conversion = rest[1];
      rest.remove_prefix(2);
    }
    const Value value = converted(conversion, value_of(name));
    const std::string layout = rest.starts_with(":") ? write(rest.substr(1), depth + 1) : "";
    if (layout.empty()) {
      std::string text = to_text(budget_, value);
      budget_.spend_bytes(text.size());
      return text;
    }
    const Layout read = LayoutReader(layout, value).read();
    return Field(budget_, value, read).write();
  }

  Value converted(char conversion, Value value) {
    switch (conversion) {
      case 0: return value;
      case 's': return to_text(budget_, value);
      case 'r': return to_repr(budget_, value);
      default: refuse(cat("the conversion '!", conversion, "' in a format is not supported"));
    }
  }

  /// The value of "0", "name", "name.member[key]" or, by its place, of "".
  Value value_of(std::string_view name) {
    const std::size_t end = std::min(name.find_first_of(".["), name.size());
    Value value = argument(name.substr(0, end));
    for (std::size_t at = end; at < name.size();) {
      budget_.spend(2);
      if (name[at] == '.') {
        const std::size_t next = std::min(name.find_first_of(".[", at + 1), name.size());
        if (next == at + 1) refuse("Empty attribute in format string");
        value = attribute_of(budget_, value, std::string(name.substr(at + 1, next - at - 1)));
        at = next;
        continue;
      }
      if (name[at] != '[') refuse("Only '.' or '[' may follow ']' in format field specifier");
      const std::size_t close = name.find(']', at);
      if (close == std::string_view::npos) refuse("Missing ']' in format string");
      const std::string key(name.substr(at + 1, close - at - 1));
      if (key.empty()) refuse("Empty attribute in format string");
      const bool is_index = key.find_first_not_of("0123456789") == std::string::npos && to_int(key);
      value = item_of(budget_, value, is_index ? Value(*to_int(key)) : Value(key));
      at = close + 1;
    }
    return value;
  }

  Value argument(std::string_view name) {
    const bool is_number = name.find_first_not_of("0123456789") == std::string_view::npos;
    if (!is_number) {
      budget_.spend(static_cast<std::int64_t>(given_.named.size() / 8));
      for (const auto& [key, value] : given_.named)
        if (key == name) return value;
      refuse(cat("the format's name '", brief(name), "' is no argument"));
    }
    if (name.empty() == is_by_number_.value_or(name.empty()) && is_by_number_)
      refuse("cannot switch between automatic field numbering and manual field specification");
    is_by_number_ = !name.empty();
    const auto index = name.empty() ? static_cast<std::int64_t>(next_++) : to_int(name).value_or(-1);
    if (index < 0 || index >= static_cast<std::int64_t>(given_.positional.size()))
      refuse("Replacement index out of range for positional args tuple");
    return given_.positional[static_cast<std::size_t>(index)];
  }

  Budget& budget_;
  const Given& given_;
  std::optional<bool> is_by_number_;  // absent: no field yet
  std::size_t next_ = 0;
};

}  // namespace

Value brace_format(Budget& budget, const std::string& format, const Given& given) {
  return BraceFormat(budget, given).write(format, /*depth=*/1);
}

}  // namespace pst::jinja
