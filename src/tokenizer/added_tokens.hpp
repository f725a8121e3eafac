// SPDX-License-Identifier: Apache-2.0
#pragma once
#include <array>
#include <cstdint>
#include <functional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "tokenizer/aligned.hpp"
#include "tokenizer/effort.hpp"

namespace pst::tokenizer {

/// A token that is recognised in the text as it stands, before any splitting.
struct AddedToken {
  std::int32_t id = 0;
  std::string content;
  std::string spelling;      ///< what is looked for, and what decoding gives: the content, or its normalised form
  bool single_word = false;  ///< only where no word character touches it
  bool lstrip = false;       ///< takes the white space before it
  bool rstrip = false;       ///< and behind it
  bool normalized = true;    ///< looked for in normalised text
  bool special = false;
};

/// Finds added tokens: the leftmost first, the longest of those.
class AddedTokenFinder {
 public:
  AddedTokenFinder();
  /// A token with an empty spelling is never found.
  void add(const AddedToken& token);
  bool empty() const { return nodes_.size() == 1; }

  /// Cuts `text` into tokens and what is between them: calls found(range, token or nullptr) from left to right.
  void cut(std::string_view text, Effort& effort, const std::function<void(Range, const AddedToken*)>& found) const;

 private:
  struct Node {
    std::vector<std::pair<unsigned char, std::uint32_t>> next;  // sorted by byte
    std::int32_t token = -1;                                    // index in tokens_
    std::int32_t only = -1;  // of the one token whose spelling leads here; -1: there are several
  };
  std::int32_t longest_at(std::string_view text, std::size_t at, std::size_t& end, Effort& effort) const;

  std::vector<AddedToken> tokens_;
  std::vector<Node> nodes_;
  std::size_t next_start(std::string_view text, std::size_t at) const;
  std::array<bool, 256> may_start_{};
  std::string starts_;  // those bytes
};

}  // namespace pst::tokenizer
