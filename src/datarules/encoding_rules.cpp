// SPDX-License-Identifier: Apache-2.0
#include <algorithm>
#include <array>

#include "core/strings.hpp"
#include "datarules/mojibake.hpp"
#include "datarules/rule_table.hpp"
#include "tokenizer/unicode.hpp"

namespace pst::datarules {
namespace {

enum Kind : std::size_t { replacement, c1, control, wide_to_latin, zero_width, bidi, private_use, no_break, entity };

constexpr const char* kDecodeAgain = "decode the source again with its true encoding, or repair it with ftfy";
constexpr std::array<Rule, 9> kRules = {
    {{"replacement-character",
      Level::warning,
      "U+FFFD, which stands where a program lost bytes",
      "decode the source again with its true encoding",
      {},
      "Unicode 3.9"},
     {"c1-control",
      Level::warning,
      "a control character of U+0080 to U+009F: bytes of Windows-1252 read as Latin-1",
      kDecodeAgain,
      {},
      "ftfy 6.3"},
     {"control-character", Level::warning, "a control character below U+0020 that is no tab or line end, or DEL",
      "take it out; sequences for terminals begin so"},
     {"mojibake",
      Level::warning,
      "UTF-8 that was read as Windows-1252 or Latin-1: it can be read back",
      kDecodeAgain,
      {},
      "ftfy 6.3"},
     {"zero-width-character", Level::warning,
      "U+200B, U+2060, U+FEFF, a soft hyphen, or a joiner between Latin letters: nobody sees it, the tokenizer does",
      "take it out"},
     {"hidden-text",
      Level::warning,
      "controls of the writing direction (U+202A-E, U+2066-9) or tag characters (U+E00xx)",
      "read the record as bytes: such text can say what nobody sees",
      {},
      "Unicode TR 36"},
     {"private-use-character", Level::warning, "a character whose meaning is a font's (U+E000-F8FF, planes 15 and 16)",
      "replace it by what the font showed"},
     {"no-break-space", Level::info, "U+00A0 or U+202F, which a web page left",
      "replace it by a blank, unless the language writes it (French does)"},
     {"html-entity",
      Level::warning,
      "an HTML entity outside of code: `&amp;`, `&#39;`",
      "unescape the text once",
      {},
      "ftfy 6.3"}}};

/// What one text has of each kind.
struct Seen {
  std::array<std::size_t, kRules.size()> count{}, first{};
  void add(Kind kind, std::size_t at) {
    if (count[kind]++ == 0) first[kind] = at;
  }
};

bool is_latin(std::string_view text, std::size_t at) {
  return at < text.size() && ((text[at] >= 'a' && text[at] <= 'z') || (text[at] >= 'A' && text[at] <= 'Z'));
}

void look_at_character(char32_t c, std::string_view text, std::size_t begin, std::size_t end, Seen& seen) {
  if (c == 0xfffd) seen.add(replacement, begin);
  if (c >= 0x80 && c < 0xa0 && c != 0x85) seen.add(c1, begin);
  const bool is_joiner = (c == 0x200c || c == 0x200d) && begin > 0 && is_latin(text, begin - 1) && is_latin(text, end);
  if (c == 0x200b || c == 0x2060 || c == 0xfeff || c == 0xad || is_joiner) seen.add(zero_width, begin);
  if ((c >= 0x202a && c <= 0x202e) || (c >= 0x2066 && c <= 0x2069)) seen.add(bidi, begin);
  if ((c >= 0xe000 && c <= 0xf8ff) || c >= 0xf0000) seen.add(private_use, begin);
  if (c == 0xa0 || c == 0x202f) seen.add(no_break, begin);
}

/// Flags of regions are written with tag characters behind a black flag.
bool is_flag(std::string_view text, std::size_t at) {
  constexpr std::size_t kLongest = 32;
  const std::size_t from = at > kLongest ? at - kLongest : 0;
  return text.substr(from, at - from).find("\xf0\x9f\x8f\xb4") != text.npos;
}

/// The entity that begins here, or nothing.
std::size_t entity_length(std::string_view text) {
  constexpr std::array<std::string_view, 12> kNames = {"&amp;",   "&lt;",    "&gt;",     "&quot;",
                                                       "&apos;",  "&nbsp;",  "&rsquo;",  "&lsquo;",
                                                       "&rdquo;", "&ldquo;", "&hellip;", "&mdash;"};
  for (const auto name : kNames)
    if (text.starts_with(name)) return name.size();
  if (!text.starts_with("&#")) return 0;
  std::size_t end = 2;
  constexpr std::size_t kMostDigits = 8;
  if (end < text.size() && text[end] == 'x') ++end;
  const std::size_t digits = end;
  while (end < text.size() && end - digits < kMostDigits && std::isxdigit(static_cast<unsigned char>(text[end]))) ++end;
  return end > digits && end < text.size() && text[end] == ';' ? end + 1 : 0;
}

/// Text about HTML has entities that are meant.
bool is_about_markup(std::string_view text) {
  for (const std::string_view word : {"```", "`&", "</", "<br", "html", "HTML", "XML", "xml", "escape"})
    if (text.find(word) != text.npos) return true;
  return false;
}

Seen look_at(std::string_view text) {
  Seen seen;
  bool has_wide = false;
  for (std::size_t at = 0; at < text.size();) {
    const auto c = static_cast<unsigned char>(text[at]);
    if (c >= 0x80) {
      has_wide = true;
      const std::size_t begin = at;
      const char32_t code = tokenizer::next_char(text, at);
      look_at_character(code, text, begin, at, seen);
      if (code >= 0xe0000 && code <= 0xe007f && !is_flag(text, begin)) seen.add(bidi, begin);
      continue;
    }
    if ((c < 0x20 && c != '\n' && c != '\t' && c != '\r') || c == 0x7f) seen.add(control, at);
    if (c == '&' && entity_length(text.substr(at)) != 0) seen.add(entity, at);
    ++at;
  }
  if (seen.count[entity] > 0 && is_about_markup(text)) seen.count[entity] = 0;
  if (has_wide)
    if (const auto damaged = find_mojibake(text)) {
      seen.count[wide_to_latin] = 1;
      seen.first[wide_to_latin] = damaged->begin;
      // Its second characters are often of these kinds: one fault, one finding.
      seen.count[c1] = seen.count[no_break] = seen.count[zero_width] = 0;
    }
  return seen;
}

class EncodingChecker final : public Checker {
 public:
  void look(const RecordView& record, Findings& findings) override {
    for (const Text& text : record.texts) {
      const Seen seen = look_at(text.text);
      for (std::size_t i = 0; i < kRules.size(); ++i)
        if (seen.count[i] > 0)
          findings.add(kRules[i], record, text, seen.count[i] > 1 ? cat(seen.count[i], " of them") : std::string(),
                       seen.first[i], seen.first[i]);
    }
  }
};

}  // namespace

const RuleFamily kEncodingRules{[] {
                                  RuleGroup group{"Encoding", {}};
                                  for (const Rule& rule : kRules) group.rules.push_back(&rule);
                                  return group;
                                },
                                [](const CheckContext&, const RuleChoices&) -> std::unique_ptr<Checker> {
                                  return std::make_unique<EncodingChecker>();
                                }};

}  // namespace pst::datarules
