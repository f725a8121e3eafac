// SPDX-License-Identifier: Apache-2.0
#pragma once
#include <cstddef>
#include <iterator>

namespace pst::json {

/// An iterator over a text that counts what its reader has consumed: the parser does not say where its events happen.
class Cursor {
 public:
  using iterator_category = std::forward_iterator_tag;
  using value_type = char;
  using difference_type = std::ptrdiff_t;
  using pointer = const char*;
  using reference = const char&;

  /// @param consumed outlives the cursor and its copies
  Cursor(const char* at, std::size_t& consumed) : at_(at), consumed_(&consumed) {}

  reference operator*() const { return *at_; }
  Cursor& operator++() {
    ++at_;
    ++*consumed_;
    return *this;
  }
  Cursor operator++(int) {
    const Cursor before = *this;
    ++*this;
    return before;
  }
  bool operator==(const Cursor& other) const { return at_ == other.at_; }

 private:
  const char* at_;
  std::size_t* consumed_;
};

}  // namespace pst::json
