// SPDX-License-Identifier: Apache-2.0
#include "tokenizer/text_pattern.hpp"

#define PCRE2_CODE_UNIT_WIDTH 8
#include <pcre2.h>

#include <array>

#include "core/clock.hpp"
#include "core/error.hpp"
#include "core/strings.hpp"
#include "core/text_search.hpp"
#include "tokenizer/translate.hpp"
#include "tokenizer/unicode.hpp"

namespace pst::tokenizer {
namespace {

constexpr std::size_t kLongestPattern = 1 << 16;
constexpr std::uint32_t kHeapLimitKib = 128 * 1024;  // of the interpreter, which takes over where the JIT's stack ends

/// Called at the guards that translate.cpp puts into every pattern. PCRE2's own limit cannot do this: machine code
/// counts some steps only, each may walk over all of the text, and no clock is read until it returns.
int guard(pcre2_callout_block* at, void* effort) {
  const bool goes_on = static_cast<Effort*>(effort)->step(at->current_position - at->start_match);
  return goes_on ? 0 : PCRE2_ERROR_MATCHLIMIT;
}

/// Everything that must be the same for all patterns, made once and never changed.
struct Settings {
  std::unique_ptr<pcre2_compile_context, decltype(&pcre2_compile_context_free)> compile{
      pcre2_compile_context_create(nullptr), pcre2_compile_context_free};
  std::unique_ptr<pcre2_match_context, decltype(&pcre2_match_context_free)> match{pcre2_match_context_create(nullptr),
                                                                                  pcre2_match_context_free};
  Settings() {
    if (!compile || !match) throw std::bad_alloc();
    pcre2_set_newline(compile.get(), PCRE2_NEWLINE_LF);     // Oniguruma's '.', '^' and '$' know no other
    pcre2_set_match_limit(match.get(), ~std::uint32_t{0});  // the guards count
    pcre2_set_heap_limit(match.get(), kHeapLimitKib);
  }
};
const Settings& settings() {
  static const Settings once;
  return once;
}

std::string message_of(int code) {
  std::array<PCRE2_UCHAR, 256> text{};
  pcre2_get_error_message(code, text.data(), text.size());
  return reinterpret_cast<const char*>(text.data());
}

PCRE2_SPTR units(std::string_view text) { return reinterpret_cast<PCRE2_SPTR>(text.data()); }

std::shared_ptr<pcre2_code> compiled(std::string_view source, const std::string& translated) {
  int error = 0;
  PCRE2_SIZE offset = 0;
  std::shared_ptr<pcre2_code> code(pcre2_compile(units(translated), translated.size(),
                                                 PCRE2_UTF | PCRE2_UCP | PCRE2_MULTILINE | PCRE2_NEVER_BACKSLASH_C,
                                                 &error, &offset, settings().compile.get()),
                                   pcre2_code_free);
  if (!code)
    throw Error(Fault::data, cat("pattern ", pst::quoted(source), " cannot be compiled (as ", pst::quoted(translated),
                                 "): ", message_of(error), " at byte ", offset));
  pcre2_jit_compile(code.get(), PCRE2_JIT_COMPLETE);  // where that fails, it is interpreted
  return code;
}

}  // namespace

Pattern Pattern::regex(std::string_view source) {
  if (source.size() > kLongestPattern)
    throw Error(Fault::data, cat("a pattern of ", source.size(), " bytes is too long"));
  const std::string older = pcre2_from_oniguruma(source, Unicode::of_pcre2),
                    newer = pcre2_from_oniguruma(source, Unicode::newest);
  Pattern pattern;
  pattern.source_ = source;
  pattern.cutter_ = cutter_of(source);
  pattern.code_ = compiled(source, older);
  pattern.newer_ = older == newer ? pattern.code_ : compiled(source, newer);
  return pattern;
}

Pattern Pattern::literal(std::string text) {
  PST_ASSERT(!text.empty(), "an empty text is found everywhere");
  Pattern pattern;
  pattern.source_ = std::move(text);
  return pattern;
}

Scan::Scan(const Pattern& pattern, bool newer, Effort& effort)
    : pattern_(pattern),
      effort_(effort),
      code_(newer ? pattern.newer_.get() : pattern.code_.get()),
      compiled_(false),
      found_(code_ ? pcre2_match_data_create(1, nullptr) : nullptr, pcre2_match_data_free),
      settings_(code_ ? pcre2_match_context_copy(settings().match.get()) : nullptr, pcre2_match_context_free) {
  if (!code_) return;
  if (!found_ || !settings_) throw std::bad_alloc();
  pcre2_set_callout(settings_.get(), guard, &effort_);
  std::size_t size = 0;
  compiled_ = pcre2_pattern_info(code_, PCRE2_INFO_JITSIZE, &size) == 0 && size > 0;
}

Scan::~Scan() = default;

void Scan::start(std::string_view text) {
  text_ = text;
  at_ = 0;
  last_end_.reset();
}

std::optional<Range> Scan::next() {
  while (at_ <= text_.size()) {
    const auto match = search(at_);
    if (!match) break;
    if (match->size() > 0 || last_end_ != match->end) {
      at_ = match->end;
      last_end_ = match->end;
      return match;
    }
    at_ += at_ < text_.size() ? char_length(text_[at_]) : 1;
  }
  at_ = text_.size() + 1;
  return std::nullopt;
}

int Scan::match(std::size_t from) {
  int result = PCRE2_ERROR_JIT_STACKLIMIT;
  if (compiled_)
    result =
        pcre2_jit_match(code_, units(text_), text_.size(), from, PCRE2_NO_UTF_CHECK, found_.get(), settings_.get());
  if (result == PCRE2_ERROR_JIT_STACKLIMIT)
    result = pcre2_match(code_, units(text_), text_.size(), from, PCRE2_NO_UTF_CHECK | PCRE2_NO_JIT, found_.get(),
                         settings_.get());
  return result;
}

std::optional<Range> Scan::search(std::size_t from) {
  effort_.search(text_.size() - from);
  if (!code_) {
    const auto begin = find_text(text_, pattern_.source_, from);
    if (begin == std::string_view::npos) return std::nullopt;
    return Range{begin, begin + pattern_.source_.size()};
  }
  const int result = match(from);
  if (result == PCRE2_ERROR_NOMATCH) return std::nullopt;
  if (result == PCRE2_ERROR_MATCHLIMIT) effort_.look_at_clock();
  if (result < 0)
    throw Error(Fault::data,
                cat("pattern ", pst::quoted(pattern_.source_), " failed on a text of ", text_.size(),
                    " bytes: ", message_of(result)),
                "simplify the pattern in tokenizer.json, or shorten the text");
  const auto* ends = pcre2_get_ovector_pointer(found_.get());
  return Range{ends[0], ends[1]};
}

}  // namespace pst::tokenizer
