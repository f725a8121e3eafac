// SPDX-License-Identifier: Apache-2.0
#include "tokenizer/added_tokens.hpp"

#include <algorithm>

#include "core/error.hpp"
#include "tokenizer/unicode.hpp"
#include "tokenizer/word_character.hpp"

namespace pst::tokenizer {
namespace {

constexpr std::size_t kLongWalk = 64;  // bytes; longer ones are paid for

/// Start of the character that ends at `end`.
std::size_t previous_char(std::string_view text, std::size_t end) {
  do --end;
  while ((static_cast<unsigned char>(text[end]) & 0xc0) == 0x80);
  return end;
}

bool is_word(std::string_view character) {
  std::size_t at = 0;
  return is_word_character(next_char(character, at));
}

bool word_ends_at(std::string_view text, std::size_t at) {
  return at > 0 && is_word(text.substr(previous_char(text, at), at - previous_char(text, at)));
}
bool word_starts_at(std::string_view text, std::size_t at) {
  return at < text.size() && is_word(text.substr(at, char_length(text[at])));
}

std::size_t skip_space_back(std::string_view text, std::size_t at, std::size_t stop) {
  while (at > stop) {
    const std::size_t before = previous_char(text, at);
    std::size_t cursor = before;
    if (!is_white_space(next_char(text, cursor))) break;
    at = before;
  }
  return at;
}

std::size_t skip_space(std::string_view text, std::size_t at) {
  while (at < text.size()) {
    std::size_t cursor = at;
    if (!is_white_space(next_char(text, cursor))) break;
    at = cursor;
  }
  return at;
}

void pay(std::size_t steps, Effort& effort) {
  if (effort.backtrack(steps)) return;
  throw Error(Fault::data, "the added tokens of tokenizer.json take too many steps: they share long beginnings",
              "take tokenizer.json from the model's publisher");
}

/// Whether `text` begins with `spelling`, of which the first `known` bytes were seen.
bool goes_on_as(std::string_view spelling, std::string_view text, std::size_t known, Effort& effort) {
  if (spelling.size() > kLongWalk) {
    if (text.substr(known, kLongWalk) != spelling.substr(known, kLongWalk)) return false;
    pay(spelling.size(), effort);
  }
  return text.substr(known, spelling.size() - known) == spelling.substr(known);
}

}  // namespace

AddedTokenFinder::AddedTokenFinder() : nodes_(1) {}

void AddedTokenFinder::add(const AddedToken& token) {
  const std::string& spelling = token.spelling;
  if (spelling.empty()) return;
  if (!may_start_[static_cast<unsigned char>(spelling[0])]) starts_ += spelling[0];
  may_start_[static_cast<unsigned char>(spelling[0])] = true;
  const auto token_index = static_cast<std::int32_t>(tokens_.size());
  std::uint32_t node = 0;
  for (const char c : spelling) {
    const auto byte = static_cast<unsigned char>(c);
    auto& next = nodes_[node].next;
    const auto place =
        std::lower_bound(next.begin(), next.end(), byte, [](const auto& edge, auto b) { return edge.first < b; });
    if (place != next.end() && place->first == byte) {
      node = place->second;
      nodes_[node].only = -1;
      continue;
    }
    const auto fresh = static_cast<std::uint32_t>(nodes_.size());
    next.insert(place, {byte, fresh});
    nodes_.emplace_back().only = token_index;
    node = fresh;
  }
  if (nodes_[node].token >= 0) return;  // two tokens of one spelling: the first one counts
  nodes_[node].token = token_index;
  tokens_.push_back(token);
}

std::int32_t AddedTokenFinder::longest_at(std::string_view text, std::size_t at, std::size_t& end,
                                          Effort& effort) const {
  std::int32_t best = -1;
  std::uint32_t node = 0;
  const std::size_t begin = at;
  for (; at < text.size(); ++at) {
    const auto byte = static_cast<unsigned char>(text[at]);
    const auto& next = nodes_[node].next;
    const auto edge =
        std::lower_bound(next.begin(), next.end(), byte, [](const auto& e, auto b) { return e.first < b; });
    if (edge == next.end() || edge->first != byte) break;
    node = edge->second;
    if (const std::int32_t only = nodes_[node].only; only >= 0) {
      const std::string_view spelling = tokens_[static_cast<std::size_t>(only)].spelling;
      if (!goes_on_as(spelling, text.substr(begin), at - begin, effort)) return best;
      end = begin + spelling.size();
      return only;
    }
    if (nodes_[node].token < 0) continue;
    best = nodes_[node].token;
    end = at + 1;
  }
  if (at - begin > kLongWalk) pay(at - begin, effort);
  return best;
}

/// The first byte from `at` on that some token starts with.
std::size_t AddedTokenFinder::next_start(std::string_view text, std::size_t at) const {
  if (starts_.size() == 1) return std::min(text.find(starts_[0], at), text.size());  // most often it is '<'
  while (at < text.size() && !may_start_[static_cast<unsigned char>(text[at])]) ++at;
  return at;
}

void AddedTokenFinder::cut(std::string_view text, Effort& effort,
                           const std::function<void(Range, const AddedToken*)>& found) const {
  std::size_t done = 0;
  for (std::size_t at = next_start(text, 0); at < text.size(); at = next_start(text, at)) {
    std::size_t end = 0;
    const std::int32_t index = longest_at(text, at, end, effort);
    if (index < 0) {
      ++at;
      continue;
    }
    const AddedToken& token = tokens_[static_cast<std::size_t>(index)];
    Range range{at, end};
    at = end;
    if (token.single_word && (word_ends_at(text, range.begin) || word_starts_at(text, range.end))) continue;
    // White space that the token before has taken already stays with it.
    if (token.lstrip) range.begin = std::max(done, skip_space_back(text, range.begin, std::min(done, range.begin)));
    if (token.rstrip) range.end = skip_space(text, std::max(done, range.end));
    range.end = std::max(range.begin, range.end);
    if (done < range.begin) found({done, range.begin}, nullptr);
    found(range, &token);
    done = range.end;
  }
  if (done < text.size()) found({done, text.size()}, nullptr);
}

}  // namespace pst::tokenizer
