// SPDX-License-Identifier: Apache-2.0
#include "regex/regex.hpp"

#define PCRE2_CODE_UNIT_WIDTH 8
#include <pcre2.h>

#include <array>
#include <new>

#include "core/strings.hpp"

namespace pst {
namespace {

constexpr std::size_t kLongest = 10'000;
constexpr std::uint32_t kMatchLimit = 100'000, kDepthLimit = 1000, kHeapLimitKib = 16 * 1024;

template <auto Free>
struct Freed {
  template <class T>
  void operator()(T* held) const {
    Free(held);
  }
};
PCRE2_SPTR units(std::string_view text) { return reinterpret_cast<PCRE2_SPTR>(text.data()); }

}  // namespace

struct Regex::Impl {
  std::unique_ptr<pcre2_code, Freed<pcre2_code_free>> code;
  std::unique_ptr<pcre2_match_context, Freed<pcre2_match_context_free>> limits;
};

Regex::Regex(std::unique_ptr<Impl> impl) : impl_(std::move(impl)) {}
Regex::Regex(Regex&&) noexcept = default;
Regex& Regex::operator=(Regex&&) noexcept = default;
Regex::~Regex() = default;

std::optional<Regex> Regex::compile(std::string_view expression, Fits fits, Mistake& mistake) {
  if (expression.size() > kLongest) {
    mistake = {kLongest, cat("it has more than ", kLongest, " bytes")};
    return std::nullopt;
  }
  int status = 0;
  PCRE2_SIZE at = 0;
  const std::uint32_t ends = fits == Fits::all_of ? PCRE2_ANCHORED | PCRE2_ENDANCHORED : PCRE2_DOLLAR_ENDONLY;
  auto impl = std::make_unique<Impl>();
  impl->code.reset(
      pcre2_compile(units(expression), expression.size(), ends | PCRE2_NEVER_BACKSLASH_C, &status, &at, nullptr));
  if (!impl->code) {
    std::array<PCRE2_UCHAR, 160> text{};
    pcre2_get_error_message(status, text.data(), text.size());
    mistake = {at, reinterpret_cast<const char*>(text.data())};
    return std::nullopt;
  }
  impl->limits.reset(pcre2_match_context_create(nullptr));
  if (!impl->limits) throw std::bad_alloc();
  pcre2_set_match_limit(impl->limits.get(), kMatchLimit);
  pcre2_set_depth_limit(impl->limits.get(), kDepthLimit);
  pcre2_set_heap_limit(impl->limits.get(), kHeapLimitKib);
  return Regex(std::move(impl));
}

std::optional<bool> Regex::fits(std::string_view text) const {
  const std::unique_ptr<pcre2_match_data, Freed<pcre2_match_data_free>> found(pcre2_match_data_create(1, nullptr));
  if (!found) throw std::bad_alloc();
  const int status = pcre2_match(impl_->code.get(), units(text), text.size(), 0, 0, found.get(), impl_->limits.get());
  if (status >= 0) return true;
  if (status == PCRE2_ERROR_NOMATCH) return false;
  return std::nullopt;
}

}  // namespace pst
