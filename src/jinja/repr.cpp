// SPDX-License-Identifier: Apache-2.0
#include <algorithm>
#include <array>
#include <charconv>
#include <cmath>

#include "core/strings.hpp"
#include "jinja/characters.hpp"
#include "jinja/library.hpp"

namespace pst::jinja {
namespace {

constexpr std::string_view kHex = "0123456789abcdef";

void append_hex(std::string& out, char32_t c, int digits) {
  for (int shift = (digits - 1) * 4; shift >= 0; shift -= 4) out += kHex[c >> shift & 15];
}

/// @throws Error(data) where `out` grows beyond 64 MiB
void check_length(Budget& budget, const std::string& out) {
  if (out.size() > kLongestText) budget.spend_bytes(out.size());
}

std::string text_repr(Budget& budget, const std::string& text) {
  budget.spend(static_cast<std::int64_t>(text.size() / 4));  // each character is looked up
  const char quote = text.find('\'') != std::string::npos && text.find('"') == std::string::npos ? '"' : '\'';
  std::string out(1, quote);
  for (std::size_t at = 0; at < text.size(); at += char_bytes(text[at])) {
    const char32_t c = char_at(text, at);
    check_length(budget, out);
    if (c == static_cast<char32_t>(quote) || c == '\\')
      out += cat("\\", text[at]);
    else if (c == '\n')
      out += "\\n";
    else if (c == '\r')
      out += "\\r";
    else if (c == '\t')
      out += "\\t";
    else if (is_printable(c))
      out += text.substr(at, char_bytes(text[at]));
    else
      out += cat("\\", hex_escape(c));
  }
  return out + quote;
}

/// Appends the repr of containers; the weight of a value bounds the work, the budget the text.
class Repr {
 public:
  explicit Repr(Budget& budget) : budget_(budget) {}

  void value(const Value& value) {
    const std::size_t before = out.size();
    if (const auto* held = value.sequence())
      sequence(**held, value);
    else if (const Dict* dict = value.dict())
      members(dict->items(), "{", "}");
    else if (const auto* space = value.as<std::shared_ptr<Namespace>>())
      name_space(**space);
    else
      out += simple(value);
    if (out.size() - before < 4096) budget_.spend_bytes(1);
    if (out.size() > kLongestText) budget_.spend_bytes(out.size());
  }

  std::string simple(const Value& value) {
    if (value.is_undefined()) return "Undefined";
    if (value.is_none()) return "None";
    if (const auto* flag = value.as<bool>()) return *flag ? "True" : "False";
    if (const auto* integer = value.as<std::int64_t>()) return std::to_string(*integer);
    if (const auto* digits = value.long_integer()) return *digits;
    if (const auto* real = value.as<double>()) return float_text(*real);
    if (const auto* text = value.text())
      return value.is_markup() ? cat("Markup(", text_repr(budget_, *text), ")") : text_repr(budget_, *text);
    refuse(cat("printing a ", value.type_name(), " is not supported"));
  }

  std::string out;

 private:
  void sequence(const Sequence& sequence, const Value& value) {
    const bool tuple = sequence.kind == Sequence::Kind::tuple;
    if (!tuple && sequence.kind != Sequence::Kind::list)
      refuse(cat("printing a ", value.type_name(), " is not supported; turn it into a list first"));
    out += tuple ? '(' : '[';
    for (std::size_t i = 0; i < sequence.items.size(); ++i) {
      if (i > 0) out += ", ";
      this->value(sequence.items[i]);
    }
    if (tuple && sequence.items.size() == 1) out += ',';
    out += tuple ? ')' : ']';
  }

  void members(const std::vector<std::pair<Value, Value>>& items, const char* open, const char* close) {
    out += open;
    for (std::size_t i = 0; i < items.size(); ++i) {
      if (i > 0) out += ", ";
      value(items[i].first);
      out += ": ";
      value(items[i].second);
    }
    out += close;
  }

  void name_space(const Namespace& space) {
    std::vector<std::pair<Value, Value>> items;
    for (const auto& [name, member] : space.members.items()) items.emplace_back(Value(name), member);
    members(items, "<Namespace {", "}>");
  }

  Budget& budget_;
};

struct JsonStyle {
  bool ascii = false, sort_keys = false;
  std::optional<std::string> indent;
  std::string item_separator = ", ", key_separator = ": ";
};

class JsonWriter {
 public:
  JsonWriter(Budget& budget, const JsonStyle& style) : budget_(budget), style_(style) {}

  void value(const Value& value, int level) {
    budget_.spend(1);
    check_length(budget_, out);
    if (value.is_none()) {
      out += "null";
    } else if (const auto* flag = value.as<bool>()) {
      out += *flag ? "true" : "false";
    } else if (const auto* integer = value.as<std::int64_t>()) {
      out += std::to_string(*integer);
    } else if (const auto* digits = value.long_integer()) {
      out += *digits;
    } else if (const auto* real = value.as<double>()) {
      out += number(*real);
    } else if (const auto* held = value.text()) {
      text(*held);
    } else if (const Dict* dict = value.dict()) {
      object(*dict, level);
    } else if (value.is_list_like() && (*value.sequence())->kind != Sequence::Kind::range) {
      array((*value.sequence())->items, level);
    } else {
      refuse(cat("Object of type ", value.type_name(), " is not JSON serializable"));
    }
  }

  std::string out;

 private:
  static std::string number(double real) {
    if (std::isnan(real)) return "NaN";
    if (std::isinf(real)) return real > 0 ? "Infinity" : "-Infinity";
    return float_text(real);
  }

  void text(const std::string& text) {
    budget_.spend(static_cast<std::int64_t>(text.size() / 4));
    out += '"';
    for (std::size_t at = 0; at < text.size(); at += char_bytes(text[at])) {
      const char32_t c = char_at(text, at);
      check_length(budget_, out);
      constexpr std::string_view kFrom = "\"\\\n\r\t\f\b", kTo = "\"\\nrtfb";
      const auto found = c < 0x80 ? kFrom.find(static_cast<char>(c)) : std::string_view::npos;
      if (found != std::string_view::npos) {
        out += '\\';
        out += kTo[found];
      } else if (c < 0x20 || (style_.ascii && c > 0x7e && c < 0x10000)) {
        out += "\\u", append_hex(out, c, 4);
      } else if (style_.ascii && c >= 0x10000) {
        out += "\\u", append_hex(out, 0xd800 + ((c - 0x10000) >> 10), 4);
        out += "\\u", append_hex(out, 0xdc00 + ((c - 0x10000) & 0x3ff), 4);
      } else {
        out += text.substr(at, char_bytes(text[at]));
      }
    }
    out += '"';
  }

  void line(int level) {
    if (!style_.indent) return;
    out += '\n';
    for (int i = 0; i < level; ++i) {
      out += *style_.indent;
      check_length(budget_, out);
    }
  }

  void array(const std::vector<Value>& items, int level) {
    if (items.empty()) return void(out += "[]");
    out += '[';
    for (std::size_t i = 0; i < items.size(); ++i) {
      if (i > 0) out += style_.item_separator;
      check_length(budget_, out);
      line(level + 1);
      value(items[i], level + 1);
    }
    line(level);
    out += ']';
  }

  void object(const Dict& dict, int level) {
    if (dict.size() == 0) return void(out += "{}");
    auto items = dict.items();
    if (style_.sort_keys)
      std::stable_sort(items.begin(), items.end(), [&](const auto& a, const auto& b) {
        budget_.spend(std::min(a.first.weight(), b.first.weight()));
        return less(a.first, b.first);
      });
    out += '{';
    bool first = true;
    for (const auto& [key, item] : items) {
      if (!first) out += style_.item_separator;
      first = false;
      line(level + 1);
      text(key_text(key));
      out += style_.key_separator;
      check_length(budget_, out);
      value(item, level + 1);
    }
    line(level);
    out += '}';
  }

  static std::string key_text(const Value& key) {
    if (const auto* held = key.text()) return *held;
    if (key.is_none()) return "null";
    if (const auto* flag = key.as<bool>()) return *flag ? "true" : "false";
    if (const auto* integer = key.as<std::int64_t>()) return std::to_string(*integer);
    if (const auto* real = key.as<double>()) return number(*real);
    refuse(cat("JSON keys must be strings or numbers, not ", key.type_name()));
  }

  Budget& budget_;
  const JsonStyle& style_;
};

}  // namespace

std::string float_text(double value) {
  if (std::isnan(value)) return "nan";
  if (std::isinf(value)) return value > 0 ? "inf" : "-inf";
  std::array<char, 40> buffer{};
  const auto written =
      std::to_chars(buffer.data(), buffer.data() + buffer.size(), value, std::chars_format::scientific);
  const std::string_view shortest(buffer.data(), static_cast<std::size_t>(written.ptr - buffer.data()));
  const auto e = shortest.find('e');
  const bool minus = shortest[0] == '-';
  std::string digits;
  for (const char c : shortest.substr(0, e))
    if (c >= '0' && c <= '9') digits += c;
  const auto power =
      static_cast<int>(*to_int(shortest[e + 1] == '+' ? shortest.substr(e + 2) : shortest.substr(e + 1)));
  std::string out;
  if (power < -4 || power >= 16) {  // where Python changes to an exponent
    out = digits.substr(0, 1);
    if (digits.size() > 1) out += "." + digits.substr(1);
    const int size = power < 0 ? -power : power;
    out += cat("e", power < 0 ? "-" : "+", size < 10 ? "0" : "", size);
  } else if (power < 0) {
    out = "0." + std::string(static_cast<std::size_t>(-power - 1), '0') + digits;
  } else {
    const auto whole = static_cast<std::size_t>(power) + 1;
    if (digits.size() < whole) digits.append(whole - digits.size(), '0');
    out = digits.substr(0, whole) + "." + (digits.size() > whole ? digits.substr(whole) : "0");
  }
  return minus ? "-" + out : out;
}

std::string to_text(Budget& budget, const Value& value) {
  if (const auto* text = value.text()) return budget.look_at(text->size()), *text;
  if (value.is_undefined()) return {};
  return to_repr(budget, value);
}

void append_text(Budget& budget, std::string& out, const Value& value) {
  if (const auto* text = value.text()) {
    budget.look_at(text->size());
    out += *text;
  } else {
    out += to_text(budget, value);
  }
  check_length(budget, out);
}

std::string to_repr(Budget& budget, const Value& value) {
  Repr repr(budget);
  repr.value(value);
  budget.spend_bytes(repr.out.size());
  return std::move(repr.out);
}

std::string to_json(Budget& budget, const Value& value, const Given& given) {
  const auto args = given.bind("tojson", {"ensure_ascii", "indent", "separators", "sort_keys"});
  JsonStyle style;
  if (args[0]) style.ascii = truth(*args[0]);
  if (args[1] && !args[1]->is_none()) {
    std::int64_t width = 0;
    if (const auto* text = args[1]->text())
      style.indent = *text;
    else if (args[1]->to_integer(width) && width <= 1000)
      style.indent = std::string(static_cast<std::size_t>(std::max<std::int64_t>(width, 0)), ' ');
    else
      refuse("tojson: indent must be a text or an integer up to 1000");
    style.item_separator = ",";
  }
  if (args[2] && !args[2]->is_none()) {
    const auto* pair = args[2]->sequence();
    if (!pair || (*pair)->items.size() != 2 || !(*pair)->items[0].text() || !(*pair)->items[1].text())
      refuse("tojson: separators must be two texts");
    style.item_separator = *(*pair)->items[0].text();
    style.key_separator = *(*pair)->items[1].text();
  }
  if (args[3]) style.sort_keys = truth(*args[3]);
  JsonWriter writer(budget, style);
  writer.value(value, 0);
  budget.spend_bytes(writer.out.size());
  return std::move(writer.out);
}

}  // namespace pst::jinja
