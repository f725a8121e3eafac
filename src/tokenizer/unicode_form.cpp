// SPDX-License-Identifier: Apache-2.0
#include "tokenizer/unicode_form.hpp"

#include <utf8proc.h>

#include <algorithm>
#include <array>
#include <optional>
#include <set>

#include "core/error.hpp"
#include "tokenizer/newer_unicode.hpp"
#include "tokenizer/unicode.hpp"

namespace pst::tokenizer {
namespace {

bool is_ascii(std::string_view text) {
  return std::all_of(text.begin(), text.end(), [](char c) { return static_cast<unsigned char>(c) < 0x80; });
}

int combining_class(char32_t c) {
  if (is_unknown_to_forms(c)) return 0;
  return static_cast<int>(utf8proc_get_property(static_cast<utf8proc_int32_t>(c))->combining_class);
}

/// Characters of combining class 0 that may nevertheless merge with the one before: the later parts of canonical
/// decompositions. Hangul's are computed by rule and are no part of the tables.
std::set<char32_t> joining_starters() {
  std::set<char32_t> found;
  std::array<utf8proc_int32_t, 32> parts{};
  for (char32_t c = 0xa0; c < 0x30000; ++c) {
    if ((c >= 0xac00 && c < 0xe000) || is_unknown_to_forms(c)) continue;  // Hangul syllables, surrogates
    const auto count = utf8proc_decompose_char(static_cast<utf8proc_int32_t>(c), parts.data(), parts.size(),
                                               UTF8PROC_DECOMPOSE, nullptr);
    for (utf8proc_ssize_t i = 1; i < count; ++i) {
      const auto part = static_cast<char32_t>(parts[static_cast<std::size_t>(i)]);
      if (combining_class(part) == 0) found.insert(part);
    }
  }
  return found;
}

bool may_join_previous(char32_t c) {
  static const std::set<char32_t> kJoining = joining_starters();
  if (c < 0x300) return false;
  return combining_class(c) != 0 || (c >= 0x1161 && c <= 0x1175) || (c >= 0x11a8 && c <= 0x11c2) ||
         kJoining.count(c) > 0;
}

/// Unicode normalisation, one run at a time: a starter and all that may merge with it. @see Unicode Annex 15
struct UnicodeForm final : Normalizer::Step {
  UnicodeForm(Compatibility compatibility, Composition composition)
      : compatibility_(compatibility), composition_(composition) {}

  Aligned apply(Aligned in, Effort& effort) const override {
    const auto text = in.text();
    if (is_ascii(text)) return in;
    Aligned out = in.emptied();
    std::size_t copied = 0;  // of text, to out
    std::vector<char32_t> run;
    std::size_t run_begin = 0;
    const auto flush = [&](std::size_t end) {
      if (const auto changed = normalized(run, text.substr(run_begin, end - run_begin))) {
        effort.write(run_begin - copied + changed->size());
        out.append(in, {copied, run_begin});
        out.append(*changed, in.original({run_begin, end}));
        copied = end;
      }
      run.clear();
      run_begin = end;
    };
    for (std::size_t at = 0; at < text.size();) {
      const std::size_t begin = at;
      const char32_t c = next_char(text, at);
      if (is_unknown_to_forms(c)) {
        flush(begin);
        run_begin = at;
        continue;
      }
      if (!may_join_previous(c) && !starts_with_joiner(c)) flush(begin);
      run.push_back(c);
    }
    flush(text.size());
    if (copied == 0) return in;
    effort.write(text.size() - copied);
    out.append(in, {copied, text.size()});
    return out;
  }

 private:
  /// A compatibility decomposition may itself begin with a character that joins (U+FF9E, the half-width voiced mark).
  bool starts_with_joiner(char32_t c) const {
    if (c < 0x300) return false;
    std::array<utf8proc_int32_t, 32> parts{};
    const auto count = decompose(c, parts);
    return count > 0 && may_join_previous(static_cast<char32_t>(parts[0]));
  }

  utf8proc_ssize_t decompose(char32_t c, std::array<utf8proc_int32_t, 32>& parts) const {
    const int options =
        UTF8PROC_STABLE | UTF8PROC_DECOMPOSE | (compatibility_ == Compatibility::yes ? UTF8PROC_COMPAT : 0);
    const auto count = utf8proc_decompose_char(static_cast<utf8proc_int32_t>(c), parts.data(), parts.size(),
                                               static_cast<utf8proc_option_t>(options), nullptr);
    PST_ASSERT(count >= 0 && count <= static_cast<utf8proc_ssize_t>(parts.size()), "18 is the longest decomposition");
    return count;
  }

  /// The normal form of `run`, spelled `text`, or nothing when that is what it is already.
  std::optional<std::string> normalized(const std::vector<char32_t>& run, std::string_view text) const {
    std::array<utf8proc_int32_t, 32> some{};
    if (run.empty()) return std::nullopt;
    if (run.size() == 1 && decompose(run[0], some) == 1 && some[0] == static_cast<utf8proc_int32_t>(run[0]))
      return std::nullopt;
    std::vector<utf8proc_int32_t> parts;
    for (const char32_t c : run) parts.insert(parts.end(), some.begin(), some.begin() + decompose(c, some));
    // utf8proc orders marks by swapping neighbours, which is quadratic; it finds nothing left to swap after this.
    for (auto begin = parts.begin(); begin != parts.end();) {
      const auto starter = [](utf8proc_int32_t c) { return combining_class(static_cast<char32_t>(c)) == 0; };
      begin = std::find_if_not(begin, parts.end(), starter);
      const auto end = std::find_if(begin, parts.end(), starter);
      std::stable_sort(begin, end, [](auto a, auto b) {
        return combining_class(static_cast<char32_t>(a)) < combining_class(static_cast<char32_t>(b));
      });
      begin = end;
    }
    auto count = static_cast<utf8proc_ssize_t>(parts.size());
    if (composition_ == Composition::yes)
      count = utf8proc_normalize_utf32(parts.data(), count,
                                       static_cast<utf8proc_option_t>(UTF8PROC_STABLE | UTF8PROC_COMPOSE));
    PST_ASSERT(count >= 0, "the options are ones that utf8proc takes");
    std::string form;
    for (utf8proc_ssize_t i = 0; i < count; ++i)
      append_utf8(form, static_cast<char32_t>(parts[static_cast<std::size_t>(i)]));
    if (form == text) return std::nullopt;
    return form;
  }

  Compatibility compatibility_;
  Composition composition_;
};

}  // namespace

std::unique_ptr<Normalizer::Step> unicode_form(Compatibility compatibility, Composition composition) {
  return std::make_unique<UnicodeForm>(compatibility, composition);
}

}  // namespace pst::tokenizer
