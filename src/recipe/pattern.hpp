#pragma once
#include <memory>
#include <string>
#include <string_view>

namespace pst::recipe {

/// A regular expression (Perl's syntax, which Python's is close to) with bounded effort.
class Pattern {
 public:
  /// @throws Error(usage) with the place of the mistake in `expression`
  explicit Pattern(const std::string& expression);
  ~Pattern();
  Pattern(Pattern&&) noexcept;
  Pattern& operator=(Pattern&&) noexcept;
  /// True when it matches all of `text`. @throws Error(usage) when the match takes too many steps
  bool matches_all(std::string_view text) const;

 private:
  struct Impl;
  std::unique_ptr<Impl> impl_;
};

}  // namespace pst::recipe
