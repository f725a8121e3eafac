// SPDX-License-Identifier: Apache-2.0
#pragma once
#include <memory>
#include <optional>
#include <string>
#include <string_view>

#include "tokenizer/aligned.hpp"
#include "tokenizer/effort.hpp"
#include "tokenizer/known_pattern.hpp"

struct pcre2_real_code_8;
struct pcre2_real_match_context_8;
struct pcre2_real_match_data_8;

namespace pst::tokenizer {

/// A regular expression or a plain string to look for. Immutable; any number of Scans may use it at once.
class Pattern {
 public:
  /// @param source in Oniguruma's syntax. @throws Error(data) on a mistake in it, or on what cannot be had exactly
  static Pattern regex(std::string_view source);
  static Pattern literal(std::string text);  ///< `text` must not be empty
  /// What it looks for, where that is one byte.
  std::optional<char> literal_byte() const {
    return !code_ && source_.size() == 1 ? std::optional(source_[0]) : std::nullopt;
  }
  /// Where the expression is a known one: cuts a text at its matches without a search.
  Cutter cutter() const { return cutter_; }

 private:
  friend class Scan;
  std::shared_ptr<pcre2_real_code_8> code_;   // null for a literal
  std::shared_ptr<pcre2_real_code_8> newer_;  // knows the characters of newer_unicode.hpp too, and is slower for it
  std::string source_;
  Cutter cutter_ = nullptr;
};

/// Finds the matches of a pattern in one text after another. One thread at a time.
class Scan {
 public:
  /// @param newer  whether one of the texts has_newer_characters(). @param effort  outlives the scan
  Scan(const Pattern& pattern, bool newer, Effort& effort);
  ~Scan();
  Scan(const Scan&) = delete;
  Scan& operator=(const Scan&) = delete;

  /// @param text well-formed UTF-8 that stays where it is until the last next()
  void start(std::string_view text);
  /// The next match, left to right, without overlaps; an empty match never touches the end of the one before it.
  /// @throws Error(data) when the pattern needs more than the effort that is left
  std::optional<Range> next();

 private:
  std::optional<Range> search(std::size_t from);
  int match(std::size_t from);

  const Pattern& pattern_;
  Effort& effort_;
  const pcre2_real_code_8* code_;
  bool compiled_;  // to machine code
  std::unique_ptr<pcre2_real_match_data_8, void (*)(pcre2_real_match_data_8*)> found_;
  std::unique_ptr<pcre2_real_match_context_8, void (*)(pcre2_real_match_context_8*)> settings_;
  std::string_view text_;
  std::size_t at_ = 0;
  std::optional<std::size_t> last_end_;
};

}  // namespace pst::tokenizer
