// SPDX-License-Identifier: Apache-2.0
#include "tokenizer/character_steps.hpp"

#include <utf8proc.h>

#include <array>
#include <optional>
#include <string>

#include "tokenizer/byte_alphabet.hpp"
#include "tokenizer/newer_unicode.hpp"
#include "tokenizer/older_unicode.hpp"
#include "tokenizer/unicode.hpp"

namespace pst::tokenizer {
namespace {

/// What a character becomes; nothing when it stays. `into` is empty when called.
using Rewrite = bool (*)(char32_t c, std::string& into);

/// Applies `rewrite` to every character. Stretches that stay are copied as a whole, and a text that stays is not
/// copied.
struct EachCharacter final : Normalizer::Step {
  /// @param ascii  what happens to the characters below 128, or null where `rewrite` decides
  explicit EachCharacter(Rewrite rewrite) : rewrite_(rewrite) {
    std::string into;
    for (char32_t c = 0; c < 0x80; ++c, into.clear()) ascii_stays_[c] = !rewrite(c, into);
  }

  Aligned apply(Aligned in, Effort& effort) const override {
    const auto text = in.text();
    Aligned out = in.emptied();
    std::size_t copied = 0;
    bool changed = false;
    std::string into;
    for (std::size_t at = 0; at < text.size();) {
      const std::size_t begin = at;
      const char32_t c = next_char(text, at);
      if (c < 0x80 && ascii_stays_[c]) continue;
      into.clear();
      if (!rewrite_(c, into)) continue;
      effort.write(begin - copied + into.size());
      out.append(in, {copied, begin});
      out.append(into, in.original({begin, at}));
      copied = at;
      changed = true;
    }
    if (!changed) return in;
    effort.write(text.size() - copied);
    out.append(in, {copied, text.size()});
    return out;
  }

  Rewrite rewrite_;
  std::array<bool, 0x80> ascii_stays_{};
};

std::unique_ptr<Normalizer::Step> each(Rewrite rewrite) { return std::make_unique<EachCharacter>(rewrite); }

bool lowered(char32_t c, std::string& into) {
  if (c < 0x80) {
    if (c < 'A' || c > 'Z') return false;
    into += static_cast<char>(c | 0x20);
    return true;
  }
  if (c == 0x130) {  // the only character whose full lower case is longer than one
    into = "i\xcc\x87";
    return true;
  }
  const char32_t lower = newer_lower_case(static_cast<char32_t>(utf8proc_tolower(static_cast<utf8proc_int32_t>(c))));
  if (lower == c) return false;
  append_utf8(into, lower);
  return true;
}

bool is_nmt_blank(char32_t c) {
  return c == 0x09 || c == 0x0a || c == 0x0c || c == 0x0d || c == 0x1680 || (c >= 0x200b && c <= 0x200f) ||
         c == 0x2028 || c == 0x2029 || c == 0x2581 || c == 0xfeff || c == 0xfffd;
}
bool is_nmt_nothing(char32_t c) {
  return (c >= 0x01 && c <= 0x08) || c == 0x0b || (c >= 0x0e && c <= 0x1f) || c == 0x7f || c == 0x8f || c == 0x9f;
}

bool is_chinese(char32_t c) {  // 0x2b920 is HF's, for 0x2b820
  return (c >= 0x4e00 && c <= 0x9fff) || (c >= 0x3400 && c <= 0x4dbf) || (c >= 0x20000 && c <= 0x2a6df) ||
         (c >= 0x2a700 && c <= 0x2b81f) || (c >= 0x2b920 && c <= 0x2ceaf) || (c >= 0xf900 && c <= 0xfaff) ||
         (c >= 0x2f800 && c <= 0x2fa1f);
}

}  // namespace

std::unique_ptr<Normalizer::Step> lowercase() { return each(lowered); }

std::unique_ptr<Normalizer::Step> strip_accents() {
  return each([](char32_t c, std::string&) { return is_mark(c); });
}

std::unique_ptr<Normalizer::Step> nmt() {
  return each([](char32_t c, std::string& into) {
    if (is_nmt_nothing(c)) return true;
    if (!is_nmt_blank(c)) return false;
    into = " ";
    return true;
  });
}

std::unique_ptr<Normalizer::Step> byte_letters() {
  return each([](char32_t c, std::string& into) {
    std::string bytes;
    append_utf8(bytes, c);
    for (const char byte : bytes) into += letter_of(static_cast<unsigned char>(byte));
    return into != bytes;
  });
}

std::unique_ptr<Normalizer::Step> clean_text() {
  return each([](char32_t c, std::string& into) {
    if (c == '\t' || c == '\n' || c == '\r' || (c != ' ' && is_white_space(c) && !is_invisible(c))) {
      into = " ";
      return true;
    }
    return is_invisible(c);
  });
}

std::unique_ptr<Normalizer::Step> space_chinese() {
  return each([](char32_t c, std::string& into) {
    if (!is_chinese(c)) return false;
    into = " ";
    append_utf8(into, c);
    into += " ";
    return true;
  });
}

std::unique_ptr<Normalizer::Step> strip_nonspacing() {
  return each([](char32_t c, std::string&) { return is_nonspacing_mark(c); });
}

}  // namespace pst::tokenizer
