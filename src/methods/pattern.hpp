// SPDX-License-Identifier: Apache-2.0
#pragma once
#include <memory>
#include <string>
#include <string_view>

namespace pst::methods {

/// A regular expression (Perl's syntax, which Python's is close to) with bounded effort.
class Pattern {
 public:
  /// @param key  of the recipe, for messages. @param before, after  what of ours stands around the user's expression
  /// @throws Error(usage) with the key and the place of the mistake in `expression`
  Pattern(std::string key, const std::string& expression, const std::string& before = "",
          const std::string& after = "");
  ~Pattern();
  Pattern(Pattern&&) noexcept;
  Pattern& operator=(Pattern&&) noexcept;
  /// True when it matches all of `text`. @throws Error(usage) when the match takes too many steps
  bool matches_all(std::string_view text) const;

 private:
  struct Impl;
  std::unique_ptr<Impl> impl_;
};

}  // namespace pst::methods
