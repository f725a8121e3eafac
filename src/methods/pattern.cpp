// SPDX-License-Identifier: Apache-2.0
#include "methods/pattern.hpp"

#include <algorithm>
#include <utility>

#include "core/error.hpp"
#include "core/strings.hpp"
#include "regex/regex.hpp"

namespace pst::methods {

struct Pattern::Impl {
  std::string key, expression;
  Regex regex;
};

Pattern::Pattern(std::string key, const std::string& expression, const std::string& before, const std::string& after) {
  Regex::Mistake mistake;
  auto regex = Regex::compile(before + expression + after, Regex::Fits::all_of, mistake);
  if (!regex)
    throw Error(Fault::usage,
                cat(key, ": the regular expression ", quoted(expression), " is wrong at character ",
                    std::min(mistake.at > before.size() ? mistake.at - before.size() : 0, expression.size()), ": ",
                    mistake.what),
                "correct it, or give a list of name endings: [q_proj, v_proj]");
  impl_ = std::make_unique<Impl>(Impl{std::move(key), expression, *std::move(regex)});
}

Pattern::~Pattern() = default;
Pattern::Pattern(Pattern&&) noexcept = default;
Pattern& Pattern::operator=(Pattern&&) noexcept = default;

bool Pattern::matches_all(std::string_view text) const {
  if (const auto fits = impl_->regex.fits(text)) return *fits;
  throw Error(Fault::usage,
              cat(impl_->key, ": the regular expression ", quoted(impl_->expression), " takes too many steps on ",
                  quoted(text)),
              "write it without nested repetitions, or give a list of name endings: [q_proj, v_proj]");
}

}  // namespace pst::methods
