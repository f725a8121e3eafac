// SPDX-License-Identifier: Apache-2.0
// The methods of Python's str.
#include <algorithm>

#include "core/strings.hpp"
#include "core/text_search.hpp"
#include "jinja/characters.hpp"
#include "jinja/letter_case.hpp"
#include "jinja/library.hpp"
#include "jinja/text.hpp"

namespace pst::jinja {

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

namespace {

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

bool has_end(Budget& budget, const std::string& text, const std::string& method, const Given& given, bool at_start) {
  const auto args = given.bind(method, {"prefix", "start", "end"});
  std::size_t first = 0;
  const auto inside = window(text, method, args[1], args[2], first);
  const auto fits = [&](const Value& value) {
    const auto& part = text_argument(method, value);
    budget.spend(1);
    budget.look_at(std::min(part.size(), inside.size()));
    if (!inside.data()) return false;
    return at_start ? inside.starts_with(part) : inside.ends_with(part);
  };
  if (args[0] && args[0]->sequence() && (*args[0]->sequence())->kind == Sequence::Kind::tuple) {
    const auto& items = (*args[0]->sequence())->items;
    return std::any_of(items.begin(), items.end(), fits);
  }
  return fits(args[0].value_or(Value()));
}

Value find_part(const std::string& text, const std::string& method, const Given& given) {
  const auto args = given.bind(method, {"sub", "start", "end"});
  const auto& part = text_argument(method, args[0]);
  std::size_t first = 0;
  const auto inside = window(text, method, args[1], args[2], first);
  const auto found = !inside.data()     ? std::string_view::npos
                     : method[0] == 'r' ? rfind_text(inside, part)
                                        : find_text(inside, part);
  if (found == std::string_view::npos) {
    if (method.ends_with("index")) refuse("substring not found");
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
  for (auto at = find_text(inside, part); at != std::string_view::npos; at = find_text(inside, part, at + part.size()))
    ++count;
  return count;
}

/// A list of texts that is paid for piece by piece, before it is there.
class Pieces {
 public:
  explicit Pieces(Budget& budget) : budget_(budget) {}
  void add(std::string_view piece) {
    budget_.spend(4);
    items_.emplace_back(piece);
  }
  TakePiece taker() {
    return [this](std::string_view piece) { add(piece); };
  }
  Value list() { return Value::list(std::move(items_)); }
  Value reversed_list() {
    std::reverse(items_.begin(), items_.end());
    return list();
  }

 private:
  Budget& budget_;
  std::vector<Value> items_;
};

Value split_text(Budget& budget, const std::string& text, const std::string& method, const Given& given) {
  const auto args = given.bind(method, {"sep", "maxsplit"});
  const std::int64_t at_most = count_argument(method, args[1], -1);
  Pieces pieces(budget);
  if (!args[0] || args[0]->is_none()) {
    if (method == "split") return split_space(text, at_most, pieces.taker()), pieces.list();
    return split_space_from_right(text, at_most, pieces.taker()), pieces.reversed_list();
  }
  const auto& separator = text_argument(method, args[0]);
  if (separator.empty()) refuse("empty separator");
  budget.look_at(separator.size());
  if (method == "split") return split_by(text, separator, at_most, pieces.taker()), pieces.list();
  return split_by_from_right(text, separator, at_most, pieces.taker()), pieces.reversed_list();
}

Value partition_text(Budget& budget, const std::string& text, const std::string& method, const Given& given) {
  const auto& separator = text_argument(method, given.bind(method, {"sep"})[0]);
  if (separator.empty()) refuse("empty separator");
  budget.look_at(separator.size());
  budget.spend(12);
  const auto at = method == "partition" ? find_text(text, separator) : rfind_text(text, separator);
  const auto tuple = [](std::string_view a, std::string_view b, std::string_view c) {
    return Value::sequence(Sequence::Kind::tuple, {a, b, c});
  };
  if (at == std::string::npos) return method == "partition" ? tuple(text, "", "") : tuple("", "", text);
  const std::string_view whole = text;
  return tuple(whole.substr(0, at), separator, whole.substr(at + separator.size()));
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

Stripped characters_argument(Budget& budget, const std::string& method, const std::optional<Value>& value) {
  if (!value || value->is_none()) return {};
  const auto& characters = text_argument(method, value);
  budget.spend(static_cast<std::int64_t>(characters.size()));
  return Stripped(characters);
}

Value split_text_into_lines(Budget& budget, const std::string& text, const Given& given) {
  const auto args = given.bind("splitlines", {"keepends"});
  const bool with_ends = args[0] && truth(*args[0]);
  Pieces pieces(budget);
  return split_lines(text, pieces.taker(), with_ends ? LineEnds::kept : LineEnds::dropped), pieces.list();
}

/// What is put around a text that is shorter than `width` characters.
Value padded(Budget& budget, const std::string& text, const std::string& method, const Given& given) {
  const auto args = given.bind(method, {"width", "fillchar"});
  const std::int64_t width = count_argument(method, args[0], 0),
                     missing = width - static_cast<std::int64_t>(length_of(text));
  const std::string fill = args[1] ? text_argument(method, args[1]) : " ";
  if (length_of(fill) != 1) refuse(cat(method, "(): the fill character must be exactly one character long"));
  if (missing <= 0) return text;
  if (static_cast<std::uint64_t>(missing) > kLongestText) budget.spend_bytes(kLongestText + 1);
  budget.spend_bytes(static_cast<std::size_t>(missing) * fill.size() + text.size());
  const std::int64_t left = method == "ljust"   ? 0
                            : method == "rjust" ? missing
                                                : missing / 2 + (missing & width & 1);  // as CPython shares them
  std::string out;
  for (std::int64_t i = 0; i < left; ++i) out += fill;
  out += text;
  for (std::int64_t i = left; i < missing; ++i) out += fill;
  return out;
}

Value with_expanded_tabs(Budget& budget, const std::string& text, const Given& given) {
  const auto args = given.bind("expandtabs", {"tabsize"});
  const std::int64_t size = count_argument("expandtabs", args[0], 8);
  std::string out;
  std::int64_t column = 0;
  for (std::size_t at = 0; at < text.size(); at += char_bytes(text[at])) {
    if (text[at] != '\t') {
      out += std::string_view(text).substr(at, char_bytes(text[at]));
      column = text[at] == '\n' || text[at] == '\r' ? 0 : column + 1;
      continue;
    }
    if (size <= 0) continue;
    const std::int64_t missing = size - column % size;
    if (static_cast<std::uint64_t>(missing) > kLongestText) budget.spend_bytes(kLongestText + 1);
    budget.spend_bytes(static_cast<std::size_t>(missing));
    out.append(static_cast<std::size_t>(missing), ' ');
    column += missing;
    if (out.size() > kLongestText) budget.spend_bytes(out.size());
  }
  return out;
}

Value replaced(Budget& budget, const std::string& text, const Given& given) {
  const auto args = given.bind("replace", {"old", "new", "count"});
  const auto &what = text_argument("replace", args[0]), &with = text_argument("replace", args[1]);
  budget.spend_bytes((text.size() / std::max<std::size_t>(what.size(), 1) + 1) * with.size() + text.size());
  budget.look_at(what.size());
  return replace(text, what, with, count_argument("replace", args[2], -1));
}

Value stripped(Budget& budget, const std::string& text, const std::string& method, const Given& given) {
  const auto characters = characters_argument(budget, method, given.bind(method, {"chars"})[0]);
  std::string_view rest = text;
  if (method != "rstrip") rest = strip_left(rest, characters);
  if (method != "lstrip") rest = strip_right(rest, characters);
  return rest;
}

Value without_end(Budget&, const std::string& text, const std::string& method, const Given& given) {
  const auto& part = text_argument(method, given.bind(method, {"part"})[0]);
  if (method == "removeprefix") return text.starts_with(part) ? text.substr(part.size()) : text;
  return text.ends_with(part) ? text.substr(0, text.size() - part.size()) : text;
}

/// All characters with a case have that one, and there is one.
bool all_cased(const std::string& text, bool (*wanted)(char32_t)) {
  bool is_some = false;
  for (std::size_t at = 0; at < text.size(); at += char_bytes(text[at])) {
    const char32_t c = char_at(text, at);
    if (wanted(c)) is_some = true;
    if (!wanted(c) && is_cased(c)) return false;
  }
  return is_some;
}

/// Methods that take no argument.
Value changed_or_asked(const std::string& text, const std::string& name) {
  if (name == "upper") return upper(text);
  if (name == "lower") return jinja::lower(text);
  if (name == "title") return title(text);
  if (name == "capitalize") return capitalize(text);
  if (name == "swapcase") return swapcase(text);
  if (name == "casefold") return casefold(text);
  if (name == "isdigit") return all_are(text, is_digit_like);
  if (name == "isdecimal") return all_are(text, is_decimal_digit);
  if (name == "isalpha") return all_are(text, is_letter);
  if (name == "isspace") return all_are(text, is_python_space);
  if (name == "isprintable") return text.empty() || all_are(text, is_printable);
  if (name == "isascii") return text.empty() || all_are(text, [](char32_t c) { return c < 0x80; });
  if (name == "islower") return all_cased(text, is_lower);
  if (name == "isupper") return all_cased(text, is_upper);
  return all_are(text, [](char32_t c) { return is_letter(c) || is_digit_like(c); });  // isalnum
}

using Method = Value (*)(Budget&, const std::string& text, const std::string& name, const Given&);

struct NamedMethod {
  std::string_view name;
  Method run;
};

Value plain_method(Budget& budget, const std::string& text, const std::string& name, const Given& given) {
  given.bind(name, {});
  budget.spend(static_cast<std::int64_t>(text.size() / 4));  // each character is looked up
  return changed_or_asked(text, name);
}

constexpr NamedMethod kMethods[] = {
    {"capitalize", plain_method},
    {"casefold", plain_method},
    {"center", padded},
    {"count", [](Budget&, const std::string& t, const std::string&, const Given& g) { return count_text(t, g); }},
    {"endswith",
     [](Budget& b, const std::string& t, const std::string& n, const Given& g) -> Value {
       return has_end(b, t, n, g, false);
     }},
    {"expandtabs",
     [](Budget& b, const std::string& t, const std::string&, const Given& g) { return with_expanded_tabs(b, t, g); }},
    {"find", [](Budget&, const std::string& t, const std::string& n, const Given& g) { return find_part(t, n, g); }},
    {"format",
     [](Budget& b, const std::string& t, const std::string&, const Given& g) { return brace_format(b, t, g); }},
    {"index", [](Budget&, const std::string& t, const std::string& n, const Given& g) { return find_part(t, n, g); }},
    {"isalnum", plain_method},
    {"isalpha", plain_method},
    {"isascii", plain_method},
    {"isdecimal", plain_method},
    {"isdigit", plain_method},
    {"islower", plain_method},
    {"isprintable", plain_method},
    {"isspace", plain_method},
    {"isupper", plain_method},
    {"join", [](Budget& b, const std::string& t, const std::string&, const Given& g) { return join_texts(b, t, g); }},
    {"ljust", padded},
    {"lower", plain_method},
    {"lstrip", stripped},
    {"partition", partition_text},
    {"removeprefix", without_end},
    {"removesuffix", without_end},
    {"replace", [](Budget& b, const std::string& t, const std::string&, const Given& g) { return replaced(b, t, g); }},
    {"rfind", [](Budget&, const std::string& t, const std::string& n, const Given& g) { return find_part(t, n, g); }},
    {"rindex", [](Budget&, const std::string& t, const std::string& n, const Given& g) { return find_part(t, n, g); }},
    {"rjust", padded},
    {"rpartition", partition_text},
    {"rsplit", split_text},
    {"rstrip", stripped},
    {"split", split_text},
    {"splitlines", [](Budget& b, const std::string& t, const std::string&,
                      const Given& g) { return split_text_into_lines(b, t, g); }},
    {"startswith",
     [](Budget& b, const std::string& t, const std::string& n, const Given& g) -> Value {
       return has_end(b, t, n, g, true);
     }},
    {"strip", stripped},
    {"swapcase", plain_method},
    {"title", plain_method},
    {"upper", plain_method},
    {"zfill",
     [](Budget& b, const std::string& t, const std::string&, const Given& g) { return pad_with_zeros(b, t, g); }},
};

const NamedMethod* find_method(std::string_view name) {
  const auto* const end = std::end(kMethods);
  const auto* const found =
      std::lower_bound(std::begin(kMethods), end, name, [](const auto& row, auto wanted) { return row.name < wanted; });
  return found != end && found->name == name ? found : nullptr;
}

// ---- marked texts

Value marked(const Value& value) {
  if (value.text()) return Value::markup(*value.text());
  if (!value.sequence()) return value;
  std::vector<Value> items;
  for (const Value& item : (*value.sequence())->items) items.push_back(marked(item));
  return Value::sequence((*value.sequence())->kind, std::move(items));
}

/// The arguments of a marked text's method, those escaped that become part of the result.
Given escaped_arguments(Budget& budget, const std::string& name, Given given) {
  auto& args = given.positional;
  const auto escape_at = [&](std::size_t at) {
    if (args.size() > at && args[at].text()) args[at] = escaped_text(budget, args[at]);
  };
  if (name == "replace" || name == "center" || name == "ljust" || name == "rjust") escape_at(1);
  if (name != "join" || args.size() != 1) return given;
  std::vector<Value> items;
  for (const Value& item : items_of(budget, args[0])) items.emplace_back(escaped_text(budget, item));
  args[0] = Value::list(std::move(items));
  return given;
}

}  // namespace

bool has_text_method(std::string_view name) { return find_method(name) != nullptr; }

Value text_method(Budget& budget, const Value& object, const std::string& name, const Given& given) {
  const std::string& text = *object.text();
  budget.spend_bytes(text.size());
  const Method run = find_method(name)->run;
  if (!object.is_markup()) return run(budget, text, name, given);
  if (name == "format") refuse("the method 'format' of a text marked by 'safe' is not supported");
  return marked(run(budget, text, name, escaped_arguments(budget, name, given)));
}

}  // namespace pst::jinja
