// SPDX-License-Identifier: Apache-2.0
#pragma once
#include <cstdint>
#include <functional>
#include <set>
#include <string>
#include <string_view>

namespace pst::jinja {

// Cutting and joining as Python's str does it, on UTF-8. All texts are well-formed. Linear in the text and in what is
// looked for.

/// Which characters strip() takes: white space, or those of a text.
class Stripped {
 public:
  Stripped() = default;
  explicit Stripped(std::string_view characters);
  bool takes(std::string_view character) const;

 private:
  bool white_space_ = true;
  std::set<std::string, std::less<>> characters_;
};

std::string_view strip_left(std::string_view text, const Stripped& what = {});
std::string_view strip_right(std::string_view text, const Stripped& what = {});

/// Takes the pieces of a text, from left to right.
using TakePiece = std::function<void(std::string_view)>;
enum class LineEnds { dropped, kept };
void split_lines(std::string_view text, const TakePiece& take, LineEnds ends = LineEnds::dropped);
void split_space(std::string_view text, std::int64_t at_most, const TakePiece& take);
/// The same cuts counted from the right; the pieces come from right to left.
void split_space_from_right(std::string_view text, std::int64_t at_most, const TakePiece& take);
void split_by(std::string_view text, std::string_view separator, std::int64_t at_most, const TakePiece& take);
/// The same cuts counted from the right; the pieces come from right to left.
void split_by_from_right(std::string_view text, std::string_view separator, std::int64_t at_most,
                         const TakePiece& take);
std::string replace(std::string_view text, std::string_view what, std::string_view with, std::int64_t at_most);

}  // namespace pst::jinja
