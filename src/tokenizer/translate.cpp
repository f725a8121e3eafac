// SPDX-License-Identifier: Apache-2.0
#include "tokenizer/translate.hpp"

#include <algorithm>
#include <array>
#include <optional>
#include <vector>

#include "core/error.hpp"
#include "core/strings.hpp"
#include "tokenizer/newer_unicode.hpp"
#include "tokenizer/unicode.hpp"

namespace pst::tokenizer {
namespace {

// Mn and Mc are missing because a character moved between them; C and Cn because every version of Unicode shrinks them.
constexpr std::array kCategories = {"L",  "Lu", "Ll", "Lt", "Lm", "Lo", "M",  "Me", "N",  "Nd",
                                    "Nl", "No", "P",  "Pc", "Pd", "Ps", "Pe", "Pi", "Pf", "Po",
                                    "S",  "Sm", "Sc", "Sk", "So", "Z",  "Zs", "Zl", "Zp", "Cc"};
// Those whose members were compared; see newer_unicode.hpp.
constexpr std::array kScripts = {"Han",   "Hiragana", "Katakana", "Hangul", "Latin",
                                 "Greek", "Cyrillic", "Arabic",   "Hebrew", "Thai"};
// Letter pairs that Unicode folds into one character: under (?i) Oniguruma matches it, PCRE2 does not.
constexpr std::array kFoldingPairs = {"ss", "ff", "fi", "fl", "st"};

constexpr std::size_t kLongest = 1 << 20;  // \w and its like are written out

// A callout. It stands behind every repetition, before each round of a repeated group and behind a choice, so that no
// way through a pattern takes long without meeting one (text_pattern.cpp, guard).
constexpr std::string_view kGuard = "(?C)";
constexpr int kFreeOptions = 8;  // x? without a guard: 2^8 ways at most

bool is_ascii_letter(char32_t c) { return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z'); }
bool is_digit(char32_t c) { return c >= '0' && c <= '9'; }
bool is_hex(char c) { return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'f') || (c >= 'A' && c <= 'F'); }

class Translator {
 public:
  Translator(std::string_view pattern, Unicode version) : in_(pattern), version_(version) {}

  std::string run() {
    if (in_.substr(0, 4) == "(?i)") {  // elsewhere Ruby's meaning of a free-standing option is its own
      at_ = 4;
      out_ = "(?i)";
      ignore_case_ = true;
    }
    while (at_ < in_.size()) {
      one();
      if (out_.size() > kLongest) refuse(cat("a pattern that becomes more than ", kLongest, " bytes"));
    }
    if (!groups_.empty()) refuse("a '(' without its ')'");
    return std::move(out_);
  }

 private:
  struct Group {
    std::size_t start;  // in out_
    bool ignore_case;   // outside of it
    bool has_choice = false;
  };

  [[noreturn]] void refuse(const std::string& what) const {
    throw Error(Fault::data, cat("pattern ", pst::quoted(in_), ", byte ", at_, ": ", what, " is not supported"));
  }
  bool next_is(std::string_view text) const { return in_.substr(at_, text.size()) == text; }

  void one() {
    const char c = in_[at_];
    const bool ends = c == '|' && groups_.empty();  // nothing follows that could send a search back
    if (guard_due_ && c != '*' && c != '+' && c != '?' && c != '{') {
      if (!ends) out_ += kGuard;
      guard_due_ = false;
    }
    switch (c) {
      case '\\': return atom([&] { escape(/*in_class=*/false); });
      case '[': return atom([&] { character_class(); });
      case '(': return open_group();
      case ')': return close_group();
      case '|':
      case '^':
      case '$':
        if (c == '|' && !groups_.empty()) groups_.back().has_choice = true;
        out_ += c;
        ++at_;
        atom_.reset();
        previous_ = 0;
        return;
      case '*':
      case '+':
      case '?': return quantifier(std::string(1, c), 1);
      case '{':
        if (interval()) return;
        break;
      default: break;
    }
    atom([&] { literal(); });
  }

  template <class Body>
  void atom(Body body) {
    const auto start = out_.size();
    body();
    atom_ = start;
    atom_is_group_ = false;
  }

  void literal() {
    const std::size_t start = at_;
    const char32_t c = next_char(in_, at_);
    check_folding(c);
    if (c == 0)
      out_ += "\\x{0}";
    else if (c == '{' || c == '}' || c == ']')
      out_ += cat("\\", static_cast<char>(c));
    else
      out_ += in_.substr(start, at_ - start);
  }

  void check_folding(char32_t c) {
    if (!ignore_case_) return;
    if (c >= 0x80) refuse("a character outside of ASCII under (?i)");
    const char32_t folded = is_ascii_letter(c) ? c | 0x20 : 0;
    for (const std::string_view pair : kFoldingPairs)
      if (previous_ == static_cast<char32_t>(pair[0]) && folded == static_cast<char32_t>(pair[1]))
        refuse(cat("\"", pair, "\" under (?i)"));
    previous_ = folded;
  }

  void open_group() {
    static constexpr std::array kPlain = {"(?:", "(?=", "(?!", "(?<=", "(?<!", "(?>"};
    groups_.push_back({out_.size(), ignore_case_});
    atom_.reset();
    previous_ = 0;
    for (const std::string_view opening : kPlain)
      if (next_is(opening)) return take(opening, opening);
    if (next_is("(?i:")) return ignore_case_ = true, take("(?i:", "(?i:");
    if (next_is("(?-i:")) return ignore_case_ = false, take("(?-i:", "(?-i:");
    if (next_is("(?")) refuse(cat("the group ", pst::quoted(in_.substr(at_, 4))));
    if (next_is("(*")) refuse("'(*'");
    take("(", "(?:");  // nothing refers to what a group captured
  }

  void take(std::string_view from, std::string_view to) {
    at_ += from.size();
    out_ += to;
  }

  void close_group() {
    if (groups_.empty()) refuse("a ')' without its '('");
    take(")", ")");
    atom_ = groups_.back().start;
    atom_is_group_ = true;
    guard_due_ = groups_.back().has_choice;
    ignore_case_ = groups_.back().ignore_case;
    previous_ = 0;
    groups_.pop_back();
  }

  /// @param text what to write for the `length` bytes of the quantifier
  void quantifier(const std::string& text, std::size_t length) {
    if (!atom_) refuse("a quantifier without anything to repeat");
    guard_rounds();
    guard_due_ = atom_is_group_ || text != "?" || ++options_ > kFreeOptions;
    at_ += length;
    out_ += text;
    if (next_is("?") || next_is("+")) out_ += in_[at_++];
    atom_.reset();  // a second quantifier would be read differently by the two engines
    previous_ = 0;
  }

  void guard_rounds() {
    if (!atom_is_group_) return;
    out_.insert(*atom_, cat("(?:", kGuard));
    out_ += ")";
  }

  bool interval() {
    const auto close = in_.find('}', at_);
    if (close == std::string_view::npos) return false;
    const auto inside = in_.substr(at_ + 1, close - at_ - 1);
    const auto comma = inside.find(',');
    const auto low = inside.substr(0, comma);
    const auto high = comma == std::string_view::npos ? low : inside.substr(comma + 1);
    const auto number_or_empty = [](std::string_view s) {
      return s.size() <= 5 && std::all_of(s.begin(), s.end(), is_digit);
    };
    if (!number_or_empty(low) || !number_or_empty(high) || (low.empty() && high.empty())) return false;
    if (!low.empty() && !high.empty() && *to_int(low) > *to_int(high)) refuse("an interval that runs downwards");
    const std::string text =
        comma == std::string_view::npos ? cat("{", low, "}") : cat("{", low.empty() ? "0" : low, ",", high, "}");
    const auto length = close + 1 - at_;
    const auto after = at_ + length < in_.size() ? in_[at_ + length] : '\0';
    if (after == '?' && comma == std::string_view::npos) refuse("'{n}?'");
    if (after != '+') return quantifier(text, length), true;
    // Here Oniguruma repeats the repetition; PCRE2 would take the '+' for "possessive".
    if (!atom_) refuse("a quantifier without anything to repeat");
    guard_rounds();
    guard_due_ = true;
    out_.insert(*atom_, cat("(?:", kGuard));
    out_ += text + ")+";
    at_ += length + 1;
    atom_.reset();
    return true;
  }

  void character_class() {
    out_ += in_[at_++];
    if (next_is("^")) out_ += in_[at_++];
    if (next_is("]")) refuse("an empty class");
    while (true) {
      if (at_ >= in_.size()) refuse("a '[' without its ']'");
      if (next_is("]")) break;
      if (next_is("[")) refuse("a class inside a class");
      if (next_is("&&")) refuse("an intersection of classes");
      if (next_is("\\")) {
        escape(/*in_class=*/true);
        continue;
      }
      const std::size_t start = at_;
      const char32_t c = next_char(in_, at_);
      if (ignore_case_ && c >= 0x80) refuse("a character outside of ASCII under (?i)");
      if (c == 0)
        out_ += "\\x{0}";
      else
        out_ += in_.substr(start, at_ - start);
    }
    out_ += in_[at_++];
    previous_ = 0;
  }

  void escape(bool in_class) {
    if (at_ + 1 >= in_.size()) refuse("a '\\' at the end");
    const char c = in_[at_ + 1];
    previous_ = 0;
    const auto put = [&](std::string_view text) { take(in_.substr(at_, 2), text); };
    switch (c) {
      case 'p':
      case 'P': return property(c == 'P', in_class);
      case 'd':
      case 'D': return put_set(2, "\\p{Nd}", newer("Nd"), c == 'D', in_class);
      case 's': return put("\\p{White_Space}");
      case 'S': return put("\\P{White_Space}");
      case 'w':
      case 'W': return put_set(2, word(), "", c == 'W', in_class);
      case 't':
      case 'n':
      case 'r':
      case 'f':
      case 'a':
      case 'e': return put(in_.substr(at_, 2));
      case 'v': return put("\\x{0b}");
      case 'x':
      case 'u': return code_point(c);
      case 'b':
      case 'B':
        if (!in_class) return word_border(c == 'B');
        if (c == 'b') return put("\\x{08}");
        break;
      case 'A':
      case 'z':
      case 'Z':
        if (!in_class) return put(in_.substr(at_, 2));
        break;
      default:
        if (static_cast<unsigned char>(c) >= 0x80 || c <= 0x1f) break;
        if (!is_ascii_letter(static_cast<char32_t>(c)) && !is_digit(static_cast<char32_t>(c)))
          return put(in_.substr(at_, 2));
    }
    refuse(cat("\\", static_cast<unsigned char>(c) < 0x80 && c > 0x1f ? std::string(1, c) : std::string("?")));
  }

  void code_point(char kind) {
    auto digits = in_.substr(at_ + 2, kind == 'u' ? 4 : 2);
    std::size_t length = 2 + digits.size();
    if (kind == 'x' && !digits.empty() && digits[0] == '{') {
      const auto close = in_.find('}', at_);
      if (close == std::string_view::npos) refuse("'\\x{' without '}'");
      digits = in_.substr(at_ + 3, close - at_ - 3);
      length = close + 1 - at_;
    } else if (kind == 'x' && digits.size() == 2 && digits > "7f") {
      refuse("\\x80 and above (one byte of a character)");
    }
    if (digits.empty() || digits.size() > 6 || !std::all_of(digits.begin(), digits.end(), is_hex))
      refuse("this code point");
    if (kind == 'u' && digits.size() != 4) refuse("this code point");
    if (ignore_case_) refuse("a code point under (?i)");
    out_ += cat("\\x{", digits, "}");
    at_ += length;
  }

  void property(bool negated, bool in_class) {
    const auto close = in_.find('}', at_);
    if (!(at_ + 2 < in_.size() && in_[at_ + 2] == '{') || close == std::string_view::npos) refuse("\\p without {...}");
    std::string name(in_.substr(at_ + 3, close - at_ - 3));
    if (!name.empty() && name[0] == '^') {
      negated = !negated;
      name.erase(0, 1);
    }
    const auto one_of = [&](const auto& names) { return std::find(names.begin(), names.end(), name) != names.end(); };
    const auto length = close + 1 - at_;
    if (one_of(kCategories)) return put_set(length, cat("\\p{", name, "}"), newer(name), negated, in_class);
    if (!one_of(kScripts)) refuse(cat("the property ", pst::quoted(name)));
    const std::string added = version_ == Unicode::newest ? newer_in_script(name) : "";
    put_set(length, cat("\\p{sc:", name, "}"), added, negated, in_class);  // a bare name would mean Script_Extensions
  }

  std::string newer(std::string_view category) const {
    return version_ == Unicode::newest ? newer_in_category(category) : std::string();
  }

  /// Oniguruma's \w, inside brackets. The digits and fractions of Latin-1 are in it, others of their kind are not.
  std::string word() const {
    return "\\p{Alphabetic}\\p{M}\\p{Nd}\\p{Pc}\\x{b2}\\x{b3}\\x{b9}\\x{bc}-\\x{be}" + newer("L") + newer("M") +
           newer("Nd");
  }

  /// PCRE2's own \b goes by its own \w.
  void word_border(bool negated) {
    const std::string inside = cat("[", word(), "]");
    const std::string both = cat("(?<=", inside, ")"), neither = cat("(?<!", inside, ")");
    const std::string_view same = negated ? "=" : "!", other = negated ? "!" : "=";
    take(in_.substr(at_, 2), cat("(?:", both, "(?", same, inside, ")|", neither, "(?", other, inside, "))"));
  }

  /// Writes a set in place of `length` bytes of the pattern. @param set, added  what may stand inside brackets
  void put_set(std::size_t length, const std::string& set, const std::string& added, bool negated, bool in_class) {
    const bool single = added.empty() && set.find('}') + 1 == set.size();  // one \p{..}
    std::string text = set + added;
    if (negated && single)
      text[1] = 'P';
    else if (negated && in_class)
      refuse("this negated set inside a class");  // ranges cannot be taken out of it
    else if (!in_class && !single)
      text = cat(negated ? "[^" : "[", text, "]");
    out_ += text;
    at_ += length;
  }

  std::string_view in_;
  Unicode version_;
  std::string out_;
  std::size_t at_ = 0;
  std::optional<std::size_t> atom_;  // where in out_ the thing starts that a quantifier would repeat
  std::vector<Group> groups_;
  bool atom_is_group_ = false;
  bool guard_due_ = false;  // before what comes next, unless that is a quantifier
  int options_ = 0;
  bool ignore_case_ = false;
  char32_t previous_ = 0;  // the letter just written under (?i)
};

}  // namespace

std::string pcre2_from_oniguruma(std::string_view pattern, Unicode version) {
  return Translator(pattern, version).run();
}

}  // namespace pst::tokenizer
