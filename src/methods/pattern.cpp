// SPDX-License-Identifier: Apache-2.0
#include "methods/pattern.hpp"

#define PCRE2_CODE_UNIT_WIDTH 8
#include <pcre2.h>

#include <algorithm>
#include <array>
#include <utility>

#include "core/error.hpp"
#include "core/strings.hpp"

namespace pst::methods {

struct Pattern::Impl {
  std::string key, expression;
  pcre2_code* code = nullptr;
  pcre2_match_context* limits = nullptr;
  ~Impl() {
    pcre2_match_context_free(limits);
    pcre2_code_free(code);
  }
};

Pattern::Pattern(std::string key, const std::string& expression, const std::string& before, const std::string& after)
    : impl_(std::make_unique<Impl>()) {
  impl_->key = std::move(key);
  const std::string whole = before + expression + after;
  impl_->expression = expression;
  int status = 0;
  PCRE2_SIZE at = 0;
  impl_->code = pcre2_compile(reinterpret_cast<PCRE2_SPTR>(whole.data()), whole.size(),
                              PCRE2_ANCHORED | PCRE2_ENDANCHORED | PCRE2_NEVER_BACKSLASH_C, &status, &at, nullptr);
  if (impl_->code == nullptr) {
    std::array<PCRE2_UCHAR, 160> text{};
    pcre2_get_error_message(status, text.data(), text.size());
    throw Error(Fault::usage,
                cat(impl_->key, ": the regular expression ", quoted(expression), " is wrong at character ",
                    std::min(at > before.size() ? at - before.size() : 0, expression.size()), ": ",
                    reinterpret_cast<const char*>(text.data())),
                "correct it, or give a list of name endings: [q_proj, v_proj]");
  }
  impl_->limits = pcre2_match_context_create(nullptr);
  pcre2_set_match_limit(impl_->limits, 100000);
  pcre2_set_depth_limit(impl_->limits, 1000);
}

Pattern::~Pattern() = default;
Pattern::Pattern(Pattern&&) noexcept = default;
Pattern& Pattern::operator=(Pattern&&) noexcept = default;

bool Pattern::matches_all(std::string_view text) const {
  pcre2_match_data* const found = pcre2_match_data_create(1, nullptr);
  const int status =
      pcre2_match(impl_->code, reinterpret_cast<PCRE2_SPTR>(text.data()), text.size(), 0, 0, found, impl_->limits);
  pcre2_match_data_free(found);
  if (status >= 0) return true;
  if (status == PCRE2_ERROR_NOMATCH) return false;
  throw Error(Fault::usage,
              cat(impl_->key, ": the regular expression ", quoted(impl_->expression), " takes too many steps on ",
                  quoted(text)),
              "write it without nested repetitions, or give a list of name endings: [q_proj, v_proj]");
}

}  // namespace pst::methods
