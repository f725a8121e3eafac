// SPDX-License-Identifier: Apache-2.0
#include "tokenizer/known_pattern.hpp"

#include <bit>
#include <cstdint>
#include <cstring>
#include <string>

#include "tokenizer/character_class.hpp"
#include "tokenizer/split_patterns.hpp"

namespace pst::tokenizer {
namespace {

using C = CharacterClass;

/// How the patterns differ. All take the first of: an English contraction, a word, a number, a run of signs, white
/// space.
struct Form {
  enum class Contraction { none, before, before_any_case, behind_any_case } contraction = Contraction::none;
  std::uint8_t word = C::letter;     // of what words are made
  bool cased = false;                // upper case, then lower case; what has no case, and marks, are both
  std::uint8_t not_before_word = 0;  // classes of characters that cannot lead a word; 0: only a blank can
  bool command = false;              // a sign of ASCII and letters of ASCII
  int digits = 1;                    // of a number, at most; 0: any number of them, and a blank before
  std::uint8_t not_sign = C::space | C::letter | C::number;  // what is no sign
  bool only_signs = false;                                   // P and S alone are signs, instead of all but not_sign
  enum class Behind { nothing, line_ends, line_ends_and_slashes } behind_signs = Behind::line_ends;
  bool lines = true;  // white space is cut behind its last line end
};

constexpr std::size_t kNoMatch = 0;  // no match has its end there

struct Reader {
  const std::uint8_t* classes;
  std::string_view text;

  Seen at(std::size_t place) const { return look(classes, text, place); }
  unsigned char byte(std::size_t place) const {
    return place < text.size() ? static_cast<unsigned char>(text[place]) : 0;
  }
  /// Behind the characters of these classes that stand at `place`.
  std::size_t behind(std::size_t place, std::uint8_t wanted) const {
    for (Seen next = at(place); (next.classes & wanted) != 0; next = at(place)) place += next.length;
    return place;
  }
  std::size_t behind_others(std::size_t place, std::uint8_t unwanted) const {
    for (Seen next = at(place); next.length > 0 && (next.classes & unwanted) == 0; next = at(place))
      place += next.length;
    return place;
  }
};

/// How many letters of ASCII, or small ones only, stand at the start of these eight bytes, the first one lowest.
template <bool kSmallOnly>
int leading_letters(std::uint64_t eight) {
  constexpr std::uint64_t kEach = 0x0101010101010101u, kHigh = 0x80 * kEach;
  const std::uint64_t low = (kSmallOnly ? eight : eight | 0x20 * kEach) & ~kHigh;
  const std::uint64_t from_a = low + (0x80 - 'a') * kEach, beyond_z = low + (0x80 - 'z' - 1) * kEach;
  const std::uint64_t others = ~(from_a & ~beyond_z & ~eight) & kHigh;
  return others == 0 ? 8 : std::countr_zero(others) / 8;
}

/// Behind the characters of these classes; most are letters of ASCII.
template <std::uint8_t kWord>
std::size_t behind_word(const Reader& reader, std::size_t place) {
  constexpr bool kSmallOnly = (kWord & C::upper) == 0;
  if constexpr (std::endian::native == std::endian::little) {
    while (place + 8 <= reader.text.size()) {
      std::uint64_t eight;
      std::memcpy(&eight, reader.text.data() + place, 8);
      const int letters = leading_letters<kSmallOnly>(eight);
      place += static_cast<std::size_t>(letters);
      if (letters == 8) continue;
      if (reader.byte(place) < 0x80) return place;
      break;
    }
  }
  return reader.behind(place, kWord);
}

/// Behind 's, 't, 're, 've, 'm, 'll, 'd at `place`, or kNoMatch. The long s folds to an s.
std::size_t behind_contraction(const Reader& reader, std::size_t place, bool any_case) {
  if (reader.byte(place) != '\'') return kNoMatch;
  const unsigned char fold = any_case ? 0x20 : 0;
  const auto first = static_cast<unsigned char>(reader.byte(place + 1) | fold);
  const auto second = static_cast<unsigned char>(reader.byte(place + 2) | fold);
  switch (first) {
    case 's':
    case 't':
    case 'm':
    case 'd': return place + 2;
    case 'r':
    case 'v': return second == 'e' ? place + 3 : kNoMatch;
    case 'l': return second == 'l' ? place + 3 : kNoMatch;
    default: break;
  }
  const bool long_s = any_case && reader.byte(place + 1) == 0xc5 && reader.byte(place + 2) == 0xbf;
  return long_s ? place + 3 : kNoMatch;
}

/// [upper]*[lower]+ at `place`, where marks and letters without case are both: a search that takes all of the upper run
/// and then gives back what it must.
std::size_t behind_lower_word(const Reader& reader, std::size_t place) {
  constexpr std::uint8_t kBoth = C::uncased | C::mark;
  std::size_t last_both = kNoMatch;  // the end of it
  Seen next = reader.at(place);
  for (; (next.classes & (C::upper | kBoth)) != 0; next = reader.at(place)) {
    place += next.length;
    if ((next.classes & kBoth) != 0) last_both = place;
  }
  if ((next.classes & C::lower) == 0) return last_both;
  return behind_word<C::lower | kBoth>(reader, place);
}

/// The two ways to write a word with cases, each with one character before it or without.
std::size_t behind_cased_word(const Reader& reader, std::size_t at, Seen first, bool may_lead) {
  if (may_lead)
    if (const auto end = behind_lower_word(reader, at + first.length); end != kNoMatch) return end;
  if (const auto end = behind_lower_word(reader, at); end != kNoMatch) return end;
  const std::size_t start = may_lead ? at + first.length : at;
  const std::size_t end = reader.behind(start, C::upper);
  return end > start ? end : kNoMatch;
}

template <Form kForm>
std::size_t behind_any_word(const Reader& reader, std::size_t at, Seen first) {
  const bool is_blank = reader.byte(at) == ' ';
  const bool may_lead = kForm.not_before_word == 0 ? is_blank : (first.classes & kForm.not_before_word) == 0;
  if constexpr (kForm.cased) return behind_cased_word(reader, at, first, may_lead);
  if ((first.classes & kForm.word) != 0) return behind_word<kForm.word>(reader, at);
  if (!may_lead) return kNoMatch;
  const Seen second = reader.at(at + first.length);
  if ((second.classes & kForm.word) == 0) return kNoMatch;
  return behind_word<kForm.word>(reader, at + first.length);
}

template <Form kForm>
std::size_t behind_number(const Reader& reader, std::size_t at, Seen first) {
  if constexpr (kForm.digits == 0) {
    const std::size_t start = reader.byte(at) == ' ' ? at + 1 : at;
    const std::size_t end = reader.behind(start, C::number);
    return end > start ? end : kNoMatch;
  } else {
    if ((first.classes & C::number) == 0) return kNoMatch;
    at += first.length;
    for (int count = 1; count < kForm.digits; ++count) {
      const Seen next = reader.at(at);
      if ((next.classes & C::number) == 0) break;
      at += next.length;
    }
    return at;
  }
}

template <Form kForm>
std::size_t behind_signs(const Reader& reader, std::size_t at) {
  const std::size_t start = reader.byte(at) == ' ' ? at + 1 : at;
  std::size_t end = kForm.only_signs ? reader.behind(start, C::sign) : reader.behind_others(start, kForm.not_sign);
  if (end == start) return kNoMatch;
  if constexpr (kForm.behind_signs != Form::Behind::nothing) {
    constexpr bool kSlashes = kForm.behind_signs == Form::Behind::line_ends_and_slashes;
    for (char c = 0; end < reader.text.size(); ++end) {
      c = reader.text[end];
      if (c != '\r' && c != '\n' && !(kSlashes && c == '/')) break;
    }
  }
  return end;
}

/// \s*[\r\n]+|\s+(?!\S)|\s+ : up to the last line end; or all but the last character, which leads a word; or that.
template <Form kForm>
std::size_t behind_space(const Reader& reader, std::size_t at) {
  std::size_t end = at, last = at, behind_line = kNoMatch;
  for (Seen next = reader.at(at); (next.classes & C::space) != 0; next = reader.at(end)) {
    last = end;
    end += next.length;
    if ((next.classes & C::line_end) != 0) behind_line = end;
  }
  if (kForm.lines && behind_line != kNoMatch) return behind_line;
  if (end == at) return kNoMatch;
  return end == reader.text.size() || last == at ? end : last;
}

/// A sign of ASCII and letters of ASCII behind it.
std::size_t behind_command(const Reader& reader, std::size_t at, Seen first) {
  if ((first.classes & C::sign) == 0 || reader.byte(at) >= 0x80) return kNoMatch;
  std::size_t end = at + 1;
  while (reader.byte(end) < 0x80 && (reader.classes[reader.byte(end)] & C::letter) != 0) ++end;
  return end > at + 1 ? end : kNoMatch;
}

template <Form kForm>
std::size_t match_at(const Reader& reader, std::size_t at) {
  using Contraction = Form::Contraction;
  const Seen first = reader.at(at);
  if constexpr (kForm.contraction == Contraction::before || kForm.contraction == Contraction::before_any_case)
    if (const auto end = behind_contraction(reader, at, kForm.contraction == Contraction::before_any_case);
        end != kNoMatch)
      return end;
  if constexpr (kForm.command)
    if (const auto end = behind_command(reader, at, first); end != kNoMatch) return end;
  if (const auto end = behind_any_word<kForm>(reader, at, first); end != kNoMatch) {
    if constexpr (kForm.contraction != Contraction::behind_any_case) return end;
    const auto longer = behind_contraction(reader, end, /*any_case=*/true);
    return longer != kNoMatch ? longer : end;
  }
  if constexpr (kForm.digits >= 0)
    if (const auto end = behind_number<kForm>(reader, at, first); end != kNoMatch) return end;
  if (const auto end = behind_signs<kForm>(reader, at); end != kNoMatch) return end;
  return behind_space<kForm>(reader, at);
}

/// Every match of `match(reader, at)`, and what is between two of them.
template <class Match>
void cut(std::string_view text, std::size_t base, std::vector<Range>& out, Match match) {
  const Reader reader{character_classes(), text};
  std::size_t done = 0;
  for (std::size_t at = 0; at < text.size();) {
    const std::size_t end = match(reader, at);
    if (end == kNoMatch) {
      at += char_length(text[at]);
      continue;
    }
    if (done < at) out.push_back({base + done, base + at});
    out.push_back({base + at, base + end});
    at = done = end;
  }
  if (done < text.size()) out.push_back({base + done, base + text.size()});
}

template <Form kForm>
void cut_words(std::string_view text, std::size_t base, std::vector<Range>& out) {
  cut(text, base, out, match_at<kForm>);
}

template <int kDigits>
void cut_numbers(std::string_view text, std::size_t base, std::vector<Range>& out) {
  cut(text, base, out, [](const Reader& reader, std::size_t at) {
    return behind_number<Form{.digits = kDigits}>(reader, at, reader.at(at));
  });
}

void cut_chinese_and_kana(std::string_view text, std::size_t base, std::vector<Range>& out) {
  cut(text, base, out, [](const Reader& reader, std::size_t at) {
    std::size_t end = at;
    while (reader.byte(end) >= 0xe3 && reader.byte(end) <= 0xe9) {
      std::size_t next = end;
      const char32_t c = next_char(reader.text, next);
      if (!(c >= 0x4e00 && c <= 0x9fa5) && !(c >= 0x3040 && c <= 0x30ff)) break;
      end = next;
    }
    return end > at ? end : kNoMatch;
  });
}

// ---- the patterns

constexpr std::uint8_t kNotBeforeWord = C::letter | C::number | C::line_end;

constexpr Form kGpt2 = {
    .contraction = Form::Contraction::before, .digits = 0, .behind_signs = Form::Behind::nothing, .lines = false};
constexpr Form kThreeDigits = {
    .contraction = Form::Contraction::before_any_case, .not_before_word = kNotBeforeWord, .digits = 3};
constexpr Form kOneDigit = {.contraction = Form::Contraction::before_any_case, .not_before_word = kNotBeforeWord};
constexpr Form kMarksInWords = {.contraction = Form::Contraction::before_any_case,
                                .word = C::letter | C::mark,
                                .not_before_word = kNotBeforeWord,
                                .not_sign = C::space | C::letter | C::mark | C::number};
constexpr Form kCased = {
    .cased = true, .not_before_word = kNotBeforeWord, .behind_signs = Form::Behind::line_ends_and_slashes};
constexpr Form kCasedWithContractions = {.contraction = Form::Contraction::behind_any_case,
                                         .cased = true,
                                         .not_before_word = kNotBeforeWord,
                                         .digits = 3,
                                         .behind_signs = Form::Behind::line_ends_and_slashes};
constexpr Form kCommands = {.word = C::letter | C::mark,
                            .not_before_word = C::letter | C::sign | C::line_end,
                            .command = true,
                            .digits = -1,
                            .only_signs = true};

struct Known {
  std::string_view pattern;
  Cutter cutter;
};

constexpr Known kKnown[] = {
    {split_patterns::kGpt2, cut_words<kGpt2>},
    {split_patterns::kThreeDigits, cut_words<kThreeDigits>},
    {split_patterns::kOneDigit, cut_words<kOneDigit>},
    {split_patterns::kMarksInWords, cut_words<kMarksInWords>},
    {split_patterns::kCased, cut_words<kCased>},
    {split_patterns::kCasedWithContractions, cut_words<kCasedWithContractions>},
    {split_patterns::kNumbers, cut_numbers<3>},
    {R"(\p{N})", cut_numbers<1>},
    {split_patterns::kChineseAndKana, cut_chinese_and_kana},
    {split_patterns::kCommands, cut_words<kCommands>},
};

/// Some files write a line end as itself.
std::string with_escapes(std::string_view pattern) {
  std::string out;
  for (const char c : pattern) {
    if (c == '\r')
      out += "\\r";
    else if (c == '\n')
      out += "\\n";
    else
      out += c;
  }
  return out;
}

}  // namespace

Cutter cutter_of(std::string_view pattern) {
  const std::string escaped = with_escapes(pattern);
  for (const Known& known : kKnown)
    if (known.pattern == escaped) return known.cutter;
  return nullptr;
}

std::vector<std::string_view> known_patterns() {
  std::vector<std::string_view> patterns;
  for (const Known& known : kKnown) patterns.push_back(known.pattern);
  return patterns;
}

}  // namespace pst::tokenizer
