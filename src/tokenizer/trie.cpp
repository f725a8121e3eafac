// SPDX-License-Identifier: Apache-2.0
#include "tokenizer/trie.hpp"

#include <algorithm>

namespace pst::tokenizer {

Trie::Trie(std::vector<std::pair<std::string_view, std::int32_t>> words) : nodes_(1), labels_(1) {
  std::stable_sort(words.begin(), words.end(), [](const auto& a, const auto& b) { return a.first < b.first; });
  struct Todo {
    std::uint32_t node;
    std::size_t begin, end, depth;  // of words; they share the first `depth` bytes
  };
  std::vector<Todo> todo = {{0, 0, words.size(), 0}};
  for (std::size_t next = 0; next < todo.size(); ++next) {
    auto [node, begin, end, depth] = todo[next];
    for (; begin < end && words[begin].first.size() == depth; ++begin) nodes_[node].id = words[begin].second;
    nodes_[node].first_child = static_cast<std::uint32_t>(nodes_.size());
    while (begin < end) {
      const char byte = words[begin].first[depth];
      std::size_t last = begin;
      while (last < end && words[last].first[depth] == byte) ++last;
      todo.push_back({static_cast<std::uint32_t>(nodes_.size()), begin, last, depth + 1});
      nodes_.emplace_back();
      labels_.push_back(static_cast<unsigned char>(byte));
      ++nodes_[node].children;
      begin = last;
    }
  }
  for (std::uint32_t i = 0; i < nodes_[0].children; ++i)
    roots_[labels_[nodes_[0].first_child + i]] = nodes_[0].first_child + i;
}

std::uint32_t Trie::child_of_many(const Node& node, unsigned char byte) const {
  const auto begin = labels_.begin() + node.first_child, end = begin + node.children;
  const auto found = std::lower_bound(begin, end, byte);
  return found == end || *found != byte ? 0 : static_cast<std::uint32_t>(found - labels_.begin());
}

}  // namespace pst::tokenizer
