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
  const auto found = !inside.data()      ? std::string_view::npos
                     : method == "rfind" ? rfind_text(inside, part)
                                         : find_text(inside, part);
  if (found == std::string_view::npos) {
    if (method == "index") refuse("substring not found");
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
    if (method == "rsplit" && at_most >= 0) refuse("rsplit() at white space with a limit is not supported");
    split_space(text, at_most, pieces.taker());
    return pieces.list();
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

}  // namespace

Value text_method(Budget& budget, const std::string& text, const std::string& name, const Given& given) {
  budget.spend_bytes(text.size());
  if (name == "strip" || name == "lstrip" || name == "rstrip") {
    const auto characters = characters_argument(budget, name, given.bind(name, {"chars"})[0]);
    std::string_view rest = text;
    if (name != "rstrip") rest = strip_left(rest, characters);
    if (name != "lstrip") rest = strip_right(rest, characters);
    return rest;
  }
  if (name == "split" || name == "rsplit") return split_text(budget, text, name, given);
  if (name == "partition" || name == "rpartition") return partition_text(budget, text, name, given);
  if (name == "startswith" || name == "endswith") return has_end(budget, text, name, given, name == "startswith");
  if (name == "find" || name == "rfind" || name == "index") return find_part(text, name, given);
  if (name == "count") return count_text(text, given);
  if (name == "zfill") return pad_with_zeros(budget, text, given);
  if (name == "join") return join_texts(budget, text, given);
  if (name == "replace") {
    const auto args = given.bind(name, {"old", "new", "count"});
    const auto &what = text_argument(name, args[0]), &with = text_argument(name, args[1]);
    budget.spend_bytes((text.size() / std::max<std::size_t>(what.size(), 1) + 1) * with.size() + text.size());
    budget.look_at(what.size());
    return replace(text, what, with, count_argument(name, args[2], -1));
  }
  if (name == "removeprefix" || name == "removesuffix") {
    const auto& part = text_argument(name, given.bind(name, {"part"})[0]);
    if (name == "removeprefix") return text.starts_with(part) ? text.substr(part.size()) : text;
    return text.ends_with(part) ? text.substr(0, text.size() - part.size()) : text;
  }
  if (name == "splitlines") {
    if (!given.positional.empty() || !given.named.empty()) refuse("splitlines() with arguments is not supported");
    Pieces pieces(budget);
    return split_lines(text, pieces.taker()), pieces.list();
  }
  given.bind(name, {});
  if (name == "upper") return upper(text);
  if (name == "lower") return jinja::lower(text);
  if (name == "title") return title(text);
  if (name == "capitalize") return capitalize(text);
  if (name == "isdigit") return all_are(text, is_digit_like);
  if (name == "isdecimal") return all_are(text, is_decimal_digit);
  if (name == "isalpha") return all_are(text, is_letter);
  if (name == "isspace") return all_are(text, is_python_space);
  return all_are(text, [](char32_t c) { return is_letter(c) || is_digit_like(c); });  // isalnum
}

}  // namespace pst::jinja
