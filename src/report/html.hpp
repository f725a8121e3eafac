// SPDX-License-Identifier: Apache-2.0
#pragma once
#include <cstddef>
#include <string>
#include <type_traits>

#include "core/strings.hpp"

namespace pst::report {

/// A piece of a page. What stands as a literal in our source is markup; every other text may be a stranger's, and is
/// escaped here, in the one place where text becomes a part of a page.
class Html {
 public:
  Html() = default;
  template <std::size_t N>
  Html(const char (&literal)[N]) : code_(literal) {}
  Html(const std::string& text);  ///< escaped, for an element's text and for an attribute in double quotes

  /// What was put together from other pieces already.
  static Html made_of(std::string code);

  Html& operator+=(const Html& more) {
    code_ += more.code_;
    return *this;
  }
  bool empty() const { return code_.empty(); }
  const std::string& code() const { return code_; }

 private:
  std::string code_;
};

/// Its parts, one after the other: literals, texts, numbers and other pieces.
template <class... Parts>
Html markup(const Parts&... parts) {
  Html all;
  const auto add = [&](const auto& part) {
    if constexpr (std::is_arithmetic_v<std::remove_cvref_t<decltype(part)>>)
      all += Html(cat(part));
    else
      all += Html(part);
  };
  (add(parts), ...);
  return all;
}

}  // namespace pst::report
