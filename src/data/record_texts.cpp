// SPDX-License-Identifier: Apache-2.0
#include "data/record_texts.hpp"

#include <algorithm>

#include "core/strings.hpp"
#include "data/record_checks.hpp"

namespace pst::data {
namespace {

constexpr std::string_view kSpace = " \t\r\n";

/// The length of the JSON value at the front of `text`, as far as brackets and quotes tell; npos when it does not end.
std::size_t length_of_value(std::string_view text) {
  std::size_t depth = 0;
  for (std::size_t at = 0; at < text.size(); ++at) {
    const char c = text[at];
    if (c == '"') {
      for (++at; at < text.size() && text[at] != '"'; ++at)
        if (text[at] == '\\') ++at;
      if (at >= text.size()) return std::string_view::npos;
    } else if (c == '{' || c == '[') {
      ++depth;
    } else if (depth == 0 && (c == ',' || c == '}' || c == ']' || kSpace.find(c) != kSpace.npos)) {
      return at;
    } else if (c == '}' || c == ']') {
      if (--depth == 0) return at + 1;
    }
  }
  return std::string_view::npos;
}

}  // namespace

RecordTexts::RecordTexts(std::string_view text) : lines_(text) {
  if (text.starts_with("\xef\xbb\xbf")) text.remove_prefix(3);
  const auto first = text.find_first_not_of(kSpace);
  is_list_ = first != text.npos && text[first] == '[';
  if (!is_list_) return;
  list_line_ += static_cast<int>(std::count(text.begin(), text.begin() + static_cast<std::ptrdiff_t>(first), '\n'));
  list_ = text.substr(first + 1);
}

std::optional<std::string_view> RecordTexts::next() {
  if (is_list_) return next_element();
  while (const auto line = lines_.next()) {
    line_ = lines_.number();
    if (!trim(*line).empty()) return line;
  }
  return std::nullopt;
}

void RecordTexts::skip_space() {
  const auto end = std::min(list_.find_first_not_of(kSpace), list_.size());
  list_line_ += static_cast<int>(std::count(list_.begin(), list_.begin() + static_cast<std::ptrdiff_t>(end), '\n'));
  list_.remove_prefix(end);
}

void RecordTexts::fail(const char* what) {
  is_over_ = true;
  refuse(what);
}

std::optional<std::string_view> RecordTexts::next_element() {
  if (is_over_) return std::nullopt;
  skip_space();
  line_ = list_line_;
  if (list_.empty()) fail("the file is a JSON list that does not end");
  const bool closes = list_.front() == ']';
  if (!closes && !is_first_) {
    if (list_.front() != ',') fail("the file is a JSON list; a comma or its end is missing here");
    list_.remove_prefix(1);
    skip_space();
    line_ = list_line_;
  }
  is_first_ = false;
  if (closes) {
    list_.remove_prefix(1);
    skip_space();
    line_ = list_line_;
    if (!list_.empty()) fail("there is more behind the end of the JSON list");
    is_over_ = true;
    return std::nullopt;
  }
  const auto length = length_of_value(list_);
  if (length == list_.npos) fail("the file is a JSON list, and this record of it does not end");
  if (length == 0) fail("the file is a JSON list; a record is missing here");
  const auto element = list_.substr(0, length);
  list_.remove_prefix(length);
  list_line_ += static_cast<int>(std::count(element.begin(), element.end(), '\n'));
  return element;
}

}  // namespace pst::data
