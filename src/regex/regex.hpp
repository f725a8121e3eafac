// SPDX-License-Identifier: Apache-2.0
#pragma once
#include <cstddef>
#include <memory>
#include <optional>
#include <string>
#include <string_view>

namespace pst {

/// A regular expression of a recipe, a profile or an adapter, with bounded effort: in its length, its steps on one text
/// and its memory. Perl's syntax, to which Python's and grep -E's are close. (The patterns of tokenizer.json are read
/// by src/tokenizer, which has them mean what Oniguruma means.)
class Regex {
 public:
  enum class Fits { found_in, all_of };  ///< a part of the text, or all of it
  struct Mistake {
    std::size_t at = 0;  ///< byte of the expression
    std::string what;
  };

  /// Nothing when `expression` is none; `mistake` says why.
  static std::optional<Regex> compile(std::string_view expression, Fits fits, Mistake& mistake);

  Regex(Regex&&) noexcept;
  Regex& operator=(Regex&&) noexcept;
  ~Regex();

  /// Whether it fits; nothing when that takes too many steps.
  std::optional<bool> fits(std::string_view text) const;

 private:
  struct Impl;
  explicit Regex(std::unique_ptr<Impl> impl);
  std::unique_ptr<Impl> impl_;
};

}  // namespace pst
