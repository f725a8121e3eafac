// SPDX-License-Identifier: Apache-2.0
#pragma once
#include <cstddef>
#include <cstdint>
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

/// Whether it is remembered where rewritten text came from. Ids alone do not need it.
enum class Origins { kept, dropped };

/// Text that may have been rewritten, and for each of its bytes the range of the original that it came from.
/// Untouched text is a view of the original and carries no table.
class Aligned {
 public:
  /// Bytes [base, base + text.size()) of the original; `text` must outlive this object.
  Aligned(std::string_view text, std::size_t base, Origins origins = Origins::kept)
      : view_(text), base_(base), origins_(origins) {}

  std::string_view text() const { return rewritten_ ? std::string_view(owned_) : view_; }
  /// Where the bytes of `range` came from; of no meaning where origins are dropped.
  Range original(Range range) const;
  /// The same; `hint`, at first 0, makes it quick for ranges that come in order.
  Range original(Range range, std::size_t& hint) const;

  /// `range` of this text alone. A part of an untouched text still views the original.
  Aligned part(Range range) const;

  /// An empty rewritten text, to be filled from this one.
  Aligned emptied() const;
  void reserve(std::size_t bytes) { owned_.reserve(bytes); }

  /// Adds text that came from `from` as a whole. Only for objects made by emptied().
  void append(std::string_view text, Range from);
  /// Adds a part of `other`, byte by byte.
  void append(const Aligned& other, Range part);

 private:
  /// Bytes of owned_ from `at` to the next run: each from its own byte, or all from the same range.
  struct Run {
    std::uint32_t at, begin, end;
    bool bytewise;
  };
  std::size_t run_at(std::size_t at) const;  ///< index of the run that holds byte `at`
  std::size_t run_at(std::size_t at, std::size_t hint) const;
  void add_run(std::size_t size, Range from, bool bytewise);

  std::string_view view_;
  std::size_t base_ = 0;
  Origins origins_ = Origins::kept;
  bool rewritten_ = false;
  std::string owned_;
  std::vector<Run> runs_;
};

}  // namespace pst::tokenizer
