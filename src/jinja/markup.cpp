// SPDX-License-Identifier: Apache-2.0
// Texts that `safe` and `escape` mark, and what is written for HTML and for addresses.
#include "core/strings.hpp"
#include "jinja/characters.hpp"
#include "jinja/filters.hpp"

namespace pst::jinja {
namespace {

/// How HTML writes a character; empty where it may stand as it is.
std::string_view entity_of(char c) {
  switch (c) {
    case '&': return "&amp;";
    case '<': return "&lt;";
    case '>': return "&gt;";
    case '\'': return "&#39;";
    case '"': return "&#34;";
    default: return {};
  }
}

Value filter_safe(Budget& budget, const Value& value, const Given& given) {
  given.bind("safe", {});
  return value.is_markup() ? value : Value::markup(to_text(budget, value));
}

Value filter_escape(Budget& budget, const Value& value, const Given& given) {
  given.bind("escape", {});
  return value.is_markup() ? value : Value::markup(escaped_text(budget, value));
}

Value filter_forceescape(Budget& budget, const Value& value, const Given& given) {
  given.bind("forceescape", {});
  return Value::markup(escaped(budget, to_text(budget, value)));
}

/// Percent encoding. @param for_query  of a query string, where '/' is encoded and a blank is '+'
std::string quoted_for_url(Budget& budget, const Value& value, bool for_query) {
  constexpr std::string_view kHex = "0123456789ABCDEF", kPlain = "_.-~";
  const std::string text = to_text(budget, value);
  budget.spend_bytes(3 * text.size());
  std::string out;
  for (const char c : text) {
    const auto byte = static_cast<unsigned char>(c);
    const bool is_letter = (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9');
    if (is_letter || kPlain.find(c) != std::string_view::npos || (c == '/' && !for_query))
      out += c;
    else if (c == ' ' && for_query)
      out += '+';
    else
      out += {'%', kHex[byte >> 4], kHex[byte & 15]};
  }
  return out;
}

Value filter_urlencode(Budget& budget, const Value& value, const Given& given) {
  given.bind("urlencode", {});
  if (value.text() || (!value.dict() && !value.sequence() && !value.is_undefined()))
    return quoted_for_url(budget, value, /*for_query=*/false);
  const Value pairs = value.dict() ? call_method(budget, value, "items", {}) : value;
  std::string out;
  for (const Value& pair : items_of(budget, pairs)) {
    const auto parts = items_of(budget, pair);
    if (parts.size() != 2) refuse("urlencode needs pairs of a key and a value");
    if (!out.empty()) out += '&';
    out += cat(quoted_for_url(budget, parts[0], true), "=", quoted_for_url(budget, parts[1], true));
    if (out.size() > kLongestText) budget.spend_bytes(out.size());
  }
  return out;
}

Value filter_xmlattr(Budget& budget, const Value& value, const Given& given) {
  const auto args = given.bind("xmlattr", {"autospace"});
  if (value.is_undefined()) refuse_undefined(value);
  const Dict* const dict = value.dict();
  if (!dict) refuse(cat("xmlattr needs a dict, not ", value.type_name()));
  std::string out;
  budget.spend(static_cast<std::int64_t>(dict->size()));
  for (const auto& [key, item] : dict->items()) {
    if (item.is_none() || item.is_undefined()) continue;
    if (!key.text()) refuse("xmlattr: the names must be texts");
    for (const char c : *key.text())
      if (std::string_view(" \t\n\r\f\v/>=").find(c) != std::string_view::npos)
        refuse(cat("xmlattr: the name '", brief(*key.text()), "' has a character that is not allowed"));
    const bool has_space = !out.empty() || !args[0] || truth(*args[0]);
    out += cat(has_space ? " " : "", escaped_text(budget, key), "=\"", escaped_text(budget, item), "\"");
    if (out.size() > kLongestText) budget.spend_bytes(out.size());
  }
  return out;
}

constexpr NamedFilter kMarkupFilters[] = {
    {"e", filter_escape},  {"escape", filter_escape},       {"forceescape", filter_forceescape},
    {"safe", filter_safe}, {"urlencode", filter_urlencode}, {"xmlattr", filter_xmlattr},
};

}  // namespace

std::span<const NamedFilter> markup_filters() { return kMarkupFilters; }

std::string escaped(Budget& budget, std::string_view text) {
  budget.spend_bytes(text.size());
  std::string out;
  for (const char c : text) {
    const auto entity = entity_of(c);
    if (entity.empty())
      out += c;
    else
      out += entity;
  }
  budget.spend_bytes(out.size());
  return out;
}

std::string escaped_text(Budget& budget, const Value& value) {
  const std::string text = to_text(budget, value);
  return value.is_markup() ? text : escaped(budget, text);
}

Value marked_as(const Value& like, std::string text) {
  return like.is_markup() ? Value::markup(std::move(text)) : Value(std::move(text));
}

Value text_sum(Budget& budget, const Value& left, const Value& right) {
  budget.spend_bytes(left.text()->size() + right.text()->size());
  if (!left.is_markup() && !right.is_markup()) return *left.text() + *right.text();
  std::string sum = escaped_text(budget, left) + escaped_text(budget, right);
  budget.spend_bytes(sum.size());
  return Value::markup(std::move(sum));
}

}  // namespace pst::jinja
