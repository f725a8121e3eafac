// SPDX-License-Identifier: Apache-2.0
// Filters that lay a text out in lines and columns.
#include <algorithm>
#include <cmath>

#include "core/strings.hpp"
#include "jinja/characters.hpp"
#include "jinja/filters.hpp"
#include "jinja/text.hpp"

namespace pst::jinja {
namespace {

const std::string& text_of(const char* what, const Value& value) {
  if (value.is_undefined()) refuse_undefined(value);
  if (!value.text()) refuse(cat(what, " needs a text, not ", value.type_name()));
  return *value.text();
}

Value filter_indent(Budget& budget, const Value& value, const Given& given) {
  const auto args = given.bind("indent", {"width", "first", "blank"});
  const std::string& text = text_of("indent", value);
  std::string indention = "    ";
  if (args[0] && args[0]->text())
    indention = value.is_markup() ? escaped_text(budget, *args[0]) : *args[0]->text();
  else if (args[0])
    indention = std::string(
        static_cast<std::size_t>(std::clamp<std::int64_t>(integer_argument("indent: width", *args[0]), 0, 1000)), ' ');
  const bool first = flag(args[1]), blank = flag(args[2]);
  budget.spend_bytes(text.size());
  std::string out;
  bool at_first = true;
  split_lines(text + "\n", [&](std::string_view line) {
    budget.spend_bytes(indention.size());
    if (!at_first) out += '\n';
    if (at_first ? first : blank || !line.empty()) out += indention;
    out += line;
    at_first = false;
    if (out.size() > kLongestText) budget.spend_bytes(out.size());
  });
  return marked_as(value, std::move(out));
}

Value filter_center(Budget& budget, const Value& value, const Given& given) {
  const auto args = given.bind("center", {"width"});
  return call_method(budget, marked_as(value, to_text(budget, value)), "center", {{args[0].value_or(Value(80))}, {}});
}

Value filter_format(Budget& budget, const Value& value, const Given& given) {
  if (!given.positional.empty() && !given.named.empty())
    refuse("can't handle positional and keyword arguments at the same time");
  const Value format = marked_as(value, to_text(budget, value));
  if (given.named.empty())
    return percent_format(budget, format, Value::sequence(Sequence::Kind::tuple, given.positional));
  Dict names;
  for (const auto& [name, item] : given.named) {
    look_for(budget, names, Value(name));
    names.set(Value(name), item);
  }
  return percent_format(budget, format, Value::dict(std::move(names)));
}

Value filter_truncate(Budget& budget, const Value& value, const Given& given) {
  const auto args = given.bind("truncate", {"length", "killwords", "end", "leeway"});
  const std::int64_t length = args[0] ? integer_argument("truncate: length", *args[0]) : 255;
  const Value end = args[2].value_or(Value("..."));
  const std::int64_t leeway = args[3] && !args[3]->is_none() ? integer_argument("truncate: leeway", *args[3]) : 5;
  const auto end_length = static_cast<std::int64_t>(length_of(text_of("truncate: end", end)));
  if (length < end_length) refuse(cat("truncate: the length must be at least ", end_length));
  if (leeway < 0) refuse("truncate: the leeway must not be negative");
  const std::int64_t size = python_length(value);
  if (size <= length || size - length <= leeway) return value;
  const std::string& text = text_of("truncate", value);
  std::string kept = text.substr(0, byte_of(text, static_cast<std::size_t>(length - end_length)));
  if (const auto blank = kept.rfind(' '); !flag(args[1]) && blank != std::string::npos) kept.resize(blank);
  return text_sum(budget, marked_as(value, std::move(kept)), end);
}

// ---- wordwrap

/// Lines of at most `width` characters, as Python's textwrap makes them of one line without tabs to expand.
class Wrapper {
 public:
  Wrapper(Budget& budget, std::int64_t width, bool breaks_words)
      : budget_(budget), width_(width), breaks_words_(breaks_words) {}

  std::vector<std::string> lines(std::string_view line) {
    cut(line);
    while (at_ < chunks_.size()) {
      if (is_blank(chunks_[at_]) && !lines_.empty() && ++at_ == chunks_.size()) break;
      add_line();
    }
    return std::move(lines_);
  }

 private:
  static bool is_space(char c) { return std::string_view(" \t\n\v\f\r").find(c) != std::string_view::npos; }
  static bool is_blank(std::string_view chunk) { return strip_left(chunk).empty(); }

  /// Into words and what is between them.
  void cut(std::string_view line) {
    while (!line.empty()) {
      std::size_t end = 0;
      while (end < line.size() && is_space(line[end]) == is_space(line[0])) ++end;
      budget_.spend(2);
      chunks_.push_back(line.substr(0, end));
      line.remove_prefix(end);
    }
  }

  void add_line() {
    std::vector<std::string_view> kept;
    std::int64_t size = 0;
    const auto fits = [&] { return size + static_cast<std::int64_t>(length_of(chunks_[at_])) <= width_; };
    for (; at_ < chunks_.size() && fits(); ++at_) {
      size += static_cast<std::int64_t>(length_of(chunks_[at_]));
      kept.push_back(chunks_[at_]);
    }
    if (at_ < chunks_.size() && static_cast<std::int64_t>(length_of(chunks_[at_])) > width_) add_part(kept, size);
    if (!kept.empty() && is_blank(kept.back())) kept.pop_back();
    std::string line;
    for (const auto chunk : kept) line += chunk;
    budget_.spend_bytes(line.size() + 16);
    if (!kept.empty()) lines_.push_back(std::move(line));
  }

  /// Of a word that is longer than a line.
  void add_part(std::vector<std::string_view>& kept, std::int64_t size) {
    std::string_view& chunk = chunks_[at_];
    budget_.look_at(chunk.size());
    if (breaks_words_) {
      const std::size_t end = byte_of(chunk, static_cast<std::size_t>(width_ - size));
      kept.push_back(chunk.substr(0, end));
      chunk.remove_prefix(end);
    } else if (kept.empty()) {
      kept.push_back(chunks_[at_++]);
    }
  }

  Budget& budget_;
  const std::int64_t width_;
  const bool breaks_words_;
  std::vector<std::string_view> chunks_;
  std::size_t at_ = 0;
  std::vector<std::string> lines_;
};

Value filter_wordwrap(Budget& budget, const Value& value, const Given& given) {
  const auto args = given.bind("wordwrap", {"width", "break_long_words", "wrapstring", "break_on_hyphens"});
  const std::string& text = text_of("wordwrap", value);
  const std::int64_t width = args[0] ? integer_argument("wordwrap: width", *args[0]) : 79;
  if (width <= 0) refuse(cat("wordwrap: invalid width ", width, " (must be > 0)"));
  const bool breaks_words = !args[1] || truth(*args[1]);
  const std::string between = args[2] && !args[2]->is_none() ? text_of("wordwrap: wrapstring", *args[2]) : "\n";
  if ((!args[3] || truth(*args[3])) && text.find('-') != std::string::npos)
    refuse("'wordwrap' of a text with hyphens is not supported, but for break_on_hyphens=false");
  std::string out;
  bool is_first = true;
  const auto add = [&](std::string_view line) {
    if (!is_first) out += between;
    is_first = false;
    out += line;
    budget.spend_bytes(line.size() + between.size());
    if (out.size() > kLongestText) budget.spend_bytes(out.size());
  };
  split_lines(text, [&](std::string_view line) {
    const auto lines = Wrapper(budget, width, breaks_words).lines(line);
    for (const auto& part : lines) add(part);
    if (lines.empty()) add("");
  });
  return out;
}

/// Runs of letters, digits and '_'.
Value filter_wordcount(Budget& budget, const Value& value, const Given& given) {
  given.bind("wordcount", {});
  const std::string text = to_text(budget, value);
  std::int64_t words = 0;
  bool is_inside = false;
  for (std::size_t at = 0; at < text.size(); at += char_bytes(text[at])) {
    const char32_t c = char_at(text, at);
    const bool is_word = c == '_' || is_letter(c) || is_digit_like(c);
    words += is_word && !is_inside ? 1 : 0;
    is_inside = is_word;
  }
  return words;
}

constexpr NamedFilter kLayoutFilters[] = {
    {"center", filter_center},     {"format", filter_format},       {"indent", filter_indent},
    {"truncate", filter_truncate}, {"wordcount", filter_wordcount}, {"wordwrap", filter_wordwrap},
};

}  // namespace

std::span<const NamedFilter> layout_filters() { return kLayoutFilters; }

}  // namespace pst::jinja
