// SPDX-License-Identifier: Apache-2.0
// Rules that were made for pages of the web. They are held against texts and answers of more than 50 words that are
// prose: no code, no formulas.
#include <algorithm>
#include <array>
#include <unordered_map>
#include <unordered_set>

#include "core/strings.hpp"
#include "datarules/canonical_text.hpp"
#include "datarules/rule_table.hpp"

namespace pst::datarules {
namespace {

constexpr const char* kLook = "look at the record: pages of the web that are no texts are like this";
constexpr const char* kGopher = "Gopher (arXiv:2112.11446), table A1";
constexpr Limit share(double value) { return {value, "of the text"}; }

enum Kind : std::size_t {
  few_letters,
  short_words,
  long_words,
  hashes,
  bullets,
  ellipses,
  lines_twice,
  paragraphs_twice,
  pairs,
  triples,
  quadruples,
  fives,
  tens,
  digits,
  urls,
  parentheses,
  kinds
};
constexpr std::array<Rule, kinds> kRules = {
    {{"few-letters", Level::warning, "prose with few words that have a letter", kLook, {0.8, "of the words"}, kGopher},
     {"short-words", Level::warning, "prose of very short words", kLook, {3, "characters in the mean"}, kGopher},
     {"long-words", Level::warning, "prose of very long words", kLook, {10, "characters in the mean"}, kGopher},
     {"many-hashes", Level::warning, "prose with many `#` and ellipses", kLook, {0.1, "a word"}, kGopher},
     {"many-bullets",
      Level::warning,
      "prose of which nearly every line is an item of a list",
      kLook,
      {0.9, "of the lines"},
      kGopher},
     {"many-ellipses",
      Level::warning,
      "prose of which many lines end in an ellipsis",
      kLook,
      {0.3, "of the lines"},
      kGopher},
     {"repeated-lines",
      Level::warning,
      "prose with lines that are there before",
      kLook,
      {0.3, "of the lines"},
      kGopher},
     {"repeated-paragraphs",
      Level::warning,
      "prose with paragraphs that are there before",
      kLook,
      {0.3, "of the paragraphs"},
      kGopher},
     {"repeated-pair", Level::warning, "prose in which one pair of words is a large part", kLook, share(0.2), kGopher},
     {"repeated-triple", Level::warning, "prose in which one row of three words is a large part", kLook, share(0.18),
      kGopher},
     {"repeated-quadruple", Level::warning, "prose in which one row of four words is a large part", kLook, share(0.16),
      kGopher},
     {"repeated-fives", Level::warning, "prose with rows of five words that are there before", kLook, share(0.15),
      kGopher},
     {"repeated-tens", Level::warning, "prose with rows of ten words that are there before", kLook, share(0.1),
      kGopher},
     {"many-digits", Level::warning, "prose with many digits", kLook, share(0.15), "NeMo Curator"},
     {"many-addresses", Level::warning, "prose with many web addresses", kLook, share(0.2), "NeMo Curator"},
     {"many-parentheses", Level::warning, "prose with many parentheses", kLook, share(0.1), "NeMo Curator"}}};

constexpr std::size_t kLeastWords = 50;

std::size_t count_if_any(std::string_view text, std::string_view any) {
  return static_cast<std::size_t>(
      std::count_if(text.begin(), text.end(), [&](char c) { return any.find(c) != any.npos; }));
}

bool is_prose(std::string_view text, const std::vector<std::string_view>& words) {
  if (words.size() <= kLeastWords || text.find("```") != text.npos) return false;
  constexpr double kFormulas = 0.01;
  return static_cast<double>(count_if_any(text, "=<>{}\\+*/^_|;$")) <= kFormulas * static_cast<double>(text.size());
}

bool has_letter(std::string_view word) {
  return std::any_of(word.begin(), word.end(), [](char c) {
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || static_cast<unsigned char>(c) >= 0x80;
  });
}

std::size_t characters_of(std::string_view text) {
  return static_cast<std::size_t>(
      std::count_if(text.begin(), text.end(), [](char c) { return (static_cast<unsigned char>(c) & 0xc0) != 0x80; }));
}

double ratio(std::size_t part, std::size_t all) {
  return all == 0 ? 0 : static_cast<double>(part) / static_cast<double>(all);
}

/// Parts of `text` that stand between `separator`s and are not blank.
std::vector<std::string_view> parts_of(std::string_view text, std::string_view separator) {
  std::vector<std::string_view> parts;
  for (std::size_t at = 0; at <= text.size();) {
    const auto end = std::min(text.find(separator, at), text.size());
    if (const auto part = trim(text.substr(at, end - at)); !part.empty()) parts.push_back(part);
    at = end + separator.size();
  }
  return parts;
}

double share_seen_before(const std::vector<std::string_view>& parts) {
  const std::unordered_set<std::string_view> distinct(parts.begin(), parts.end());
  return ratio(parts.size() - distinct.size(), parts.size());
}

/// Rows of n words: what part of the words' characters is in the commonest, and in those that are there before.
struct Rows {
  double commonest = 0, repeated = 0;
};
Rows rows_of(const std::vector<std::string_view>& words, std::size_t n) {
  struct Seen {
    std::size_t times = 0, size = 0;
  };
  std::unordered_map<std::string_view, Seen> rows;
  std::size_t all = 0, repeated = 0, covered = 0;
  for (const auto word : words) all += word.size();
  for (std::size_t i = 0; i + n <= words.size(); ++i) {
    const char* const begin = words[i].data();
    const std::string_view row(begin, static_cast<std::size_t>(words[i + n - 1].end() - begin));
    Seen& seen = rows[row];
    if (seen.times++ == 0)
      for (std::size_t k = 0; k < n; ++k) seen.size += words[i + k].size();
    else
      for (std::size_t k = std::max(i, covered); k < i + n; ++k) repeated += words[k].size();
    if (seen.times > 1) covered = i + n;
  }
  std::size_t most = 0;
  for (const auto& [row, seen] : rows)
    if (seen.times > 1) most = std::max(most, seen.times * seen.size);
  return {ratio(most, all), ratio(repeated, all)};
}

std::array<double, kinds> measures_of(std::string_view text, const std::vector<std::string_view>& words) {
  std::array<double, kinds> found{};
  std::size_t letters = 0, size = 0, addresses = 0;
  for (const auto word : words) {
    letters += has_letter(word) ? 1 : 0;
    size += characters_of(word);
    if (word.find("://") != word.npos || word.starts_with("www.")) addresses += word.size();
  }
  found[few_letters] = ratio(letters, words.size());
  found[short_words] = found[long_words] = ratio(size, words.size());
  std::size_t marks = count_if_any(text, "#");
  for (auto at = text.find("..."); at != text.npos; at = text.find("...", at + 3)) ++marks;
  for (auto at = text.find("\u2026"); at != text.npos; at = text.find("\u2026", at + 3)) ++marks;
  found[hashes] = ratio(marks, words.size());
  const auto lines = parts_of(text, "\n");
  std::size_t items = 0, open = 0;
  for (const auto line : lines) {
    items += line.starts_with("- ") || line.starts_with("* ") || line.starts_with("\u2022") ? 1 : 0;
    open += line.ends_with("...") || line.ends_with("\u2026") ? 1 : 0;
  }
  found[bullets] = lines.size() > 1 ? ratio(items, lines.size()) : 0;
  found[ellipses] = lines.size() > 1 ? ratio(open, lines.size()) : 0;
  found[lines_twice] = share_seen_before(lines);
  found[paragraphs_twice] = share_seen_before(parts_of(text, "\n\n"));
  found[pairs] = rows_of(words, 2).commonest;
  found[triples] = rows_of(words, 3).commonest;
  found[quadruples] = rows_of(words, 4).commonest;
  found[fives] = rows_of(words, 5).repeated;
  found[tens] = rows_of(words, 10).repeated;
  found[digits] = ratio(count_if_any(text, "0123456789"), text.size());
  found[urls] = ratio(addresses, text.size());
  found[parentheses] = ratio(count_if_any(text, "()"), text.size());
  return found;
}

class ProseChecker final : public Checker {
 public:
  explicit ProseChecker(const RuleChoices& choices) {
    for (std::size_t i = 0; i < kinds; ++i) limits_[i] = choices.limit(kRules[i]);
  }

  void look(const RecordView& record, Findings& findings) override {
    for (const Text& text : record.texts) {
      if (!text.is_answer && text.part != std::string_view("text")) continue;
      const auto words = words_of(text.text);
      if (!is_prose(text.text, words)) continue;
      const auto found = measures_of(text.text, words);
      for (std::size_t i = 0; i < kinds; ++i) {
        const bool is_floor = i == few_letters || i == short_words;
        if (is_floor ? found[i] < limits_[i] : found[i] > limits_[i])
          findings.add(kRules[i], record, text, cat(fixed(found[i], 3), " ", kRules[i].limit.unit), 0, 60);
      }
    }
  }

 private:
  std::array<double, kinds> limits_{};
};

}  // namespace

const RuleFamily kProseRules{[] {
                               RuleGroup group{"Prose", {}};
                               for (const Rule& rule : kRules) group.rules.push_back(&rule);
                               return group;
                             },
                             [](const CheckContext&, const RuleChoices& choices) -> std::unique_ptr<Checker> {
                               return std::make_unique<ProseChecker>(choices);
                             }};

}  // namespace pst::datarules
