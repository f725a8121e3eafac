// SPDX-License-Identifier: Apache-2.0
#pragma once
#include <array>
#include <cstdint>
#include <string_view>
#include <utility>
#include <vector>

namespace pst::tokenizer {

/// Words and their ids, for finding all of them that begin at a place. Children lie side by side, sorted by byte.
class Trie {
 public:
  /// @param words  in any order; of two equal ones the later counts. Empty ones are never found.
  explicit Trie(std::vector<std::pair<std::string_view, std::int32_t>> words);

  /// Calls found(length, id) for every word that `text` starts with, the shortest first.
  template <class Found>
  void each_prefix(std::string_view text, Found found) const {
    if (text.empty()) return;
    std::uint32_t node = roots_[static_cast<unsigned char>(text[0])];
    for (std::size_t length = 1; node != 0; ++length) {
      if (nodes_[node].id >= 0) found(length, nodes_[node].id);
      if (length == text.size()) return;
      node = child(node, static_cast<unsigned char>(text[length]));
    }
  }

 private:
  struct Node {
    std::uint32_t first_child = 0;
    std::uint16_t children = 0;
    std::int32_t id = -1;
  };
  std::uint32_t child(std::uint32_t node, unsigned char byte) const {
    const Node& at = nodes_[node];
    const unsigned char* const labels = labels_.data() + at.first_child;
    if (at.children > 16) return child_of_many(at, byte);
    for (std::uint32_t i = 0; i < at.children; ++i)
      if (labels[i] == byte) return at.first_child + i;
    return 0;
  }
  std::uint32_t child_of_many(const Node& node, unsigned char byte) const;

  std::vector<Node> nodes_;            // 0: the root, which is nobody's child
  std::vector<unsigned char> labels_;  // by node: the byte that leads to it
  std::array<std::uint32_t, 256> roots_{};
};

}  // namespace pst::tokenizer
