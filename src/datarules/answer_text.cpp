// SPDX-License-Identifier: Apache-2.0
#include "datarules/answer_text.hpp"

#include <algorithm>
#include <array>
#include <functional>

#include "core/strings.hpp"
#include "datafiles/record_json.hpp"

namespace pst::datarules {
namespace {

std::size_t occurrences(std::string_view text, std::string_view word) {
  std::size_t count = 0;
  for (auto at = text.find(word); at != text.npos; at = text.find(word, at + word.size())) ++count;
  return count;
}

bool ends_well(std::string_view text) {
  constexpr std::array<std::string_view, 12> kWide = {"\u2026", "\u3002", "\uff01", "\uff1f", "\u201d", "\u2019",
                                                      "\u00bb", "\u300d", "\u0964", "\u061f", "\uff09", "\u06d4"};
  if (std::string_view(".!?:;\"')]}>`*|$~_").find(text.back()) != std::string_view::npos) return true;
  return std::any_of(kWide.begin(), kWide.end(), [&](std::string_view end) { return text.ends_with(end); });
}

/// Text in lower case with straight apostrophes, as far as `most` bytes.
std::string plain_front(std::string_view text, std::size_t most) {
  std::string front = lower(text.substr(0, most));
  for (auto at = front.find("\u2019"); at != front.npos; at = front.find("\u2019", at)) front.replace(at, 3, "'");
  return front;
}

}  // namespace

std::optional<std::string> open_at_end(std::string_view answer) {
  answer = trim(answer);
  if (answer.empty()) return std::nullopt;
  if (occurrences(answer, "```") % 2 == 1) return "a ``` fence";
  const bool begins_json = answer.front() == '{' || answer.front() == '[';
  constexpr std::size_t kLeastJson = 8;
  if (begins_json && answer.size() >= kLeastJson && answer.find("\":") != answer.npos &&
      !datafiles::json_in_text(answer)) {
    const auto opened = occurrences(answer, "{") + occurrences(answer, "[");
    if (opened > occurrences(answer, "}") + occurrences(answer, "]")) return "a JSON value";
  }
  if (occurrences(answer, "\\begin{") > occurrences(answer, "\\end{")) return "a LaTeX environment";
  if (ends_well(answer)) return std::nullopt;
  // Sums of money have dollar signs, too: a formula has commands.
  if (occurrences(answer, "$$") % 2 == 1 && answer.find('\\') != answer.npos) return "a formula in $$";
  int open = 0;
  for (const char c : answer) {
    if (c == '(' || c == '[' || c == '{') ++open;
    if (c == ')' || c == ']' || c == '}') --open;
  }
  if (open > 0) return "a bracket";
  if (occurrences(answer, "\u201c") > occurrences(answer, "\u201d") + occurrences(answer, "\u201f"))
    return "a quotation";
  return std::nullopt;
}

std::optional<Loop> find_loop(const std::vector<std::string_view>& words, std::size_t least) {
  constexpr std::size_t kLongest = 32;
  std::vector<std::size_t> hashes;
  hashes.reserve(words.size());
  for (const auto word : words) hashes.push_back(std::hash<std::string_view>{}(word));
  for (std::size_t length = 1; length <= kLongest && length * least <= words.size(); ++length) {
    std::size_t same = 0;
    for (std::size_t i = length; i < words.size(); ++i) {
      same = hashes[i] == hashes[i - length] ? same + 1 : 0;
      if (same >= length * (least - 1)) {
        const std::size_t first = i + 1 - same - length;
        std::size_t end = i + 1;
        while (end < words.size() && hashes[end] == hashes[end - length]) ++end;
        return Loop{first, length, (end - first) / length};
      }
    }
  }
  return std::nullopt;
}

bool is_refusal(std::string_view answer) {
  constexpr std::size_t kFront = 120;
  constexpr std::array<std::string_view, 14> kBegins = {
      "i'm sorry, but i can't", "i'm sorry, but i cannot", "i am sorry, but i can",  "i'm sorry, i can't",
      "sorry, but i can't",     "sorry, i can't",          "i apologize, but i can", "i cannot assist",
      "i can't assist",         "i cannot help with",      "i can't help with",      "i cannot provide",
      "i'm unable to",          "i am unable to"};
  const std::string front = plain_front(trim(answer), kFront);
  return std::any_of(kBegins.begin(), kBegins.end(), [&](std::string_view begin) { return front.starts_with(begin); });
}

std::optional<std::size_t> find_as_an_ai(std::string_view answer) {
  constexpr std::array<std::string_view, 6> kPhrases = {"as an ai language model",  "as a large language model",
                                                        "as an ai assistant",       "as an ai, i",
                                                        "i'm an ai language model", "i am an ai language model"};
  const std::string text = lower(answer);
  for (const auto phrase : kPhrases)
    if (const auto at = text.find(phrase); at != text.npos) return at;
  return std::nullopt;
}

}  // namespace pst::datarules
