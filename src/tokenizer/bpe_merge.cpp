// SPDX-License-Identifier: Apache-2.0
#include <algorithm>
#include <array>
#include <optional>
#include <queue>

#include "tokenizer/bpe.hpp"
#include "tokenizer/unicode.hpp"

namespace pst::tokenizer {

/// Whether no merge joins the characters at `begin` and `at`, which are neighbours.
bool Bpe::may_cut(std::string_view text, std::size_t begin, std::size_t at) const {
  const auto left = id_of_character(text.substr(begin, at - begin)),
             right = id_of_character(text.substr(at, char_length(text[at])));
  return left >= 0 && right >= 0 && !joints_.has(left, right);
}

void Bpe::merge(std::vector<Part>& parts, std::size_t first) const {
  const std::size_t count = parts.size() - first;
  if (count < 2) return;
  if (count > kShort) return merge_long(parts, first);
  std::array<Merge, kShort> pairs;
  Part* const symbols = parts.data() + first;
  for (std::size_t i = 0; i + 1 < count; ++i) pairs[i] = merges_.find(symbols[i].id, symbols[i + 1].id);
  parts.resize(first + merge_short(symbols, pairs.data(), count));
}

/// @param pairs  pairs[i]: of the symbols i and i + 1. @return how many symbols are left of `count`
std::size_t Bpe::merge_short(Part* symbols, Merge* pairs, std::size_t count) const {
  std::size_t left = count;
  while (left > 1) {
    std::size_t best = 0;
    for (std::size_t i = 1; i + 1 < left; ++i)
      if (static_cast<std::uint32_t>(pairs[i].rank) < static_cast<std::uint32_t>(pairs[best].rank)) best = i;
    if (pairs[best].rank < 0) break;
    symbols[best] = {pairs[best].id, symbols[best].length + symbols[best + 1].length};
    std::copy(symbols + best + 2, symbols + left, symbols + best + 1);
    if (best + 2 < left) std::copy(pairs + best + 2, pairs + left - 1, pairs + best + 1);
    --left;
    if (best > 0) pairs[best - 1] = merges_.find(symbols[best - 1].id, symbols[best].id);
    if (best + 1 < left) pairs[best] = merges_.find(symbols[best].id, symbols[best + 1].id);
  }
  return left;
}

void Bpe::merge_long(std::vector<Part>& parts, std::size_t first) const {
  struct Candidate {
    std::uint32_t rank, at;
    std::int32_t id;
    bool operator>(const Candidate& other) const { return rank != other.rank ? rank > other.rank : at > other.at; }
  };
  constexpr std::uint32_t kNone = ~0u;
  const auto count = static_cast<std::uint32_t>(parts.size() - first);
  Part* const symbols = parts.data() + first;
  std::vector<std::uint32_t> previous(count), next(count);
  std::vector<std::uint32_t> ranks(count, kNone);  // of a symbol with the one behind it
  std::vector<Candidate> candidates;
  candidates.reserve(count);
  const auto look = [&](std::uint32_t at) -> std::optional<Candidate> {
    const Merge found = merges_.find(symbols[at].id, symbols[next[at]].id);
    ranks[at] = static_cast<std::uint32_t>(found.rank);
    if (found.rank < 0) return std::nullopt;
    return Candidate{ranks[at], at, found.id};
  };
  for (std::uint32_t i = 0; i < count; ++i) {
    previous[i] = i == 0 ? kNone : i - 1;
    next[i] = i + 1 == count ? kNone : i + 1;
  }
  for (std::uint32_t i = 0; i + 1 < count; ++i)
    if (const auto candidate = look(i)) candidates.push_back(*candidate);
  std::priority_queue<Candidate, std::vector<Candidate>, std::greater<>> queue({}, std::move(candidates));
  const auto offer = [&](std::uint32_t at) {
    if (const auto candidate = look(at)) queue.push(*candidate);
  };
  while (!queue.empty()) {
    const Candidate best = queue.top();
    queue.pop();
    if (ranks[best.at] != best.rank) continue;  // one of the two was swallowed, or has grown since
    const std::uint32_t right = next[best.at];
    symbols[best.at] = {best.id, symbols[best.at].length + symbols[right].length};
    symbols[right].length = 0;
    ranks[right] = ranks[best.at] = kNone;
    next[best.at] = next[right];
    if (next[right] != kNone) previous[next[right]] = best.at;
    if (previous[best.at] != kNone) offer(previous[best.at]);
    if (next[best.at] != kNone) offer(best.at);
  }
  const auto end = std::remove_if(parts.begin() + static_cast<std::ptrdiff_t>(first), parts.end(),
                                  [](const Part& part) { return part.length == 0; });
  parts.erase(end, parts.end());
}

}  // namespace pst::tokenizer
