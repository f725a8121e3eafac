// SPDX-License-Identifier: Apache-2.0
#include "config/yaml_value.hpp"

#include <charconv>
#include <cmath>

#include "core/strings.hpp"

namespace pst::config {
namespace {

bool is_plain(const Node& node) { return node.kind == Node::Kind::scalar && !node.quoted; }

/// Advice for a number or a switch that somebody put in quotes.
std::string unquote(const Node& node) {
  return node.kind == Node::Kind::scalar && node.quoted ? "remove the quotes" : "";
}

}  // namespace

bool Reading::wrong(const Node& node, const std::string& wish, const std::string& advice) const {
  problems.add(node.mark,
               cat(path, " is ", node.describe(), "; it must be ", wish, advice.empty() ? "" : "; ", advice));
  return false;
}

bool Reading::check_number(const Node& node, double value) const {
  return !constraint.number || constraint.number(value) || wrong(node, constraint.wish);
}

bool Reading::check_text(const Node& node) const {
  return !constraint.text || constraint.text(node.text) || wrong(node, constraint.wish);
}

bool Reading::check_size(const Node& node, std::size_t size) const {
  return !constraint.size || constraint.size(size) || wrong(node, constraint.wish);
}

bool read_bool(const Node& node, bool& value, const Reading& reading) {
  if (is_plain(node) && (node.text == "true" || node.text == "false")) {
    value = node.text == "true";
    return true;
  }
  std::string advice;
  if (node.kind == Node::Kind::scalar) {
    const std::string word = lower(node.text);
    if (word == "yes" || word == "on" || word == "y" || word == "1" || word == "true") advice = "write true";
    if (word == "no" || word == "off" || word == "n" || word == "0" || word == "false") advice = "write false";
  }
  return reading.wrong(node, "true or false", advice);
}

bool read_signed(const Node& node, std::int64_t& value, std::int64_t least, std::int64_t most, const Reading& reading) {
  const auto parsed = is_plain(node) ? to_int(node.text) : std::nullopt;
  if (!parsed) return reading.wrong(node, "an integer", unquote(node));
  if (*parsed < least || *parsed > most) return reading.wrong(node, cat("an integer from ", least, " to ", most));
  if (!reading.check_number(node, static_cast<double>(*parsed))) return false;
  value = *parsed;
  return true;
}

bool read_unsigned(const Node& node, std::uint64_t& value, const Reading& reading) {
  std::uint64_t parsed = 0;
  const char* const begin = node.text.data();
  const char* const end = begin + node.text.size();
  const auto result = std::from_chars(begin, end, parsed);
  if (!is_plain(node) || result.ec != std::errc{} || result.ptr != end)
    return reading.wrong(node, cat("an integer from 0 to ", std::numeric_limits<std::uint64_t>::max()), unquote(node));
  if (!reading.check_number(node, static_cast<double>(parsed))) return false;
  value = parsed;
  return true;
}

bool read_double(const Node& node, double& value, const Reading& reading) {
  const auto parsed = is_plain(node) ? to_double(node.text) : std::nullopt;
  // Infinities and NaN parse, and make no recipe.
  if (!parsed || !std::isfinite(*parsed)) return reading.wrong(node, "a number", unquote(node));
  if (!reading.check_number(node, *parsed)) return false;
  value = *parsed;
  return true;
}

bool read_string(const Node& node, std::string& value, const Reading& reading) {
  if (node.kind != Node::Kind::scalar) return reading.wrong(node, "text");
  if (const auto control = find_unprintable(node.text))
    return reading.wrong(node, "text without control characters", cat("remove ", *control));
  if (!reading.check_size(node, node.text.size()) || !reading.check_text(node)) return false;
  value = node.text;
  return true;
}

bool read_word(const Node& node, std::size_t& index, const std::vector<std::string>& words, const Reading& reading) {
  for (std::size_t i = 0; i < words.size(); ++i)
    if (node.kind == Node::Kind::scalar && node.text == words[i]) {
      index = i;
      return true;
    }
  const auto meant = node.kind == Node::Kind::scalar ? nearest(node.text, words) : std::nullopt;
  return reading.wrong(node, either(words), meant ? cat("did you mean '", *meant, "'?") : std::string());
}

bool is_list(const Node& node, const Reading& reading, const std::string& of_what) {
  if (node.kind == Node::Kind::list) return true;
  const bool one = node.kind == Node::Kind::scalar;
  return reading.wrong(node, cat("a list of ", of_what), one ? cat("write [", to_flow(node), "]") : std::string());
}

bool check_key(const Node::Entry& entry, const Reading& reading) {
  const auto control = find_unprintable(entry.key);
  if (!control) return true;
  reading.problems.add(entry.key_mark, cat("a key in ", reading.path, " has the control character ", *control));
  return false;
}

std::string number_text(double value) { return number(value); }

std::string either(const std::vector<std::string>& words) {
  std::string all;
  for (std::size_t i = 0; i < words.size(); ++i)
    all += cat(i == 0 ? "" : i + 1 == words.size() ? " or " : ", ", words[i]);
  return all;
}

}  // namespace pst::config
