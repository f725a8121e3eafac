// SPDX-License-Identifier: Apache-2.0
#pragma once
#include <cstddef>
#include <string>
#include <string_view>
#include <vector>

namespace pst::tokenizer {

/// A half-open byte range.
struct Range {
  std::size_t begin = 0, end = 0;
  std::size_t size() const { return end - begin; }
  friend bool operator==(const Range&, const Range&) = default;
};

/// Text that may have been rewritten, and for each of its bytes the range of the original that it came from.
/// Untouched text is a view of the original and carries no table.
class Aligned {
 public:
  /// Bytes [base, base + text.size()) of the original; `text` must outlive this object.
  Aligned(std::string_view text, std::size_t base) : view_(text), base_(base) {}
  /// Starts an empty rewritten text.
  Aligned() : rewritten_(true) {}

  std::string_view text() const { return rewritten_ ? std::string_view(owned_) : view_; }
  /// Where the bytes of `range` came from.
  Range original(Range range) const;

  /// `range` of this text alone. A part of an untouched text still views the original.
  Aligned part(Range range) const;

  /// An empty rewritten text, to be filled from this one.
  Aligned emptied() const { return Aligned(); }

  /// Adds text that came from `from` as a whole. Only for objects made by Aligned().
  void append(std::string_view text, Range from);
  /// Adds a part of `other`, byte by byte.
  void append(const Aligned& other, Range part);

 private:
  std::string_view view_;
  std::size_t base_ = 0;
  bool rewritten_ = false;
  std::string owned_;
  std::vector<Range> from_;  // per byte of owned_
};

}  // namespace pst::tokenizer
