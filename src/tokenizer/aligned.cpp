// SPDX-License-Identifier: Apache-2.0
#include "tokenizer/aligned.hpp"

#include <algorithm>

namespace pst::tokenizer {

Range Aligned::original(Range range) const {
  if (!rewritten_) return {base_ + range.begin, base_ + range.end};
  if (range.begin == range.end) {
    const std::size_t at = from_.empty() ? 0 : range.begin < from_.size() ? from_[range.begin].begin : from_.back().end;
    return {at, at};
  }
  // Inserted bytes have an empty range: they must not widen the answer.
  Range whole = from_[range.begin];
  for (std::size_t i = range.begin + 1; i < range.end; ++i) {
    if (from_[i].size() == 0) continue;
    whole =
        whole.size() == 0 ? from_[i] : Range{std::min(whole.begin, from_[i].begin), std::max(whole.end, from_[i].end)};
  }
  return whole;
}

Aligned Aligned::part(Range range) const {
  if (!rewritten_) return {view_.substr(range.begin, range.size()), base_ + range.begin};
  Aligned out;
  out.append(*this, range);
  return out;
}

void Aligned::append(std::string_view text, Range from) {
  owned_ += text;
  from_.resize(owned_.size(), from);
}

void Aligned::append(const Aligned& other, Range part) {
  owned_ += other.text().substr(part.begin, part.size());
  if (other.rewritten_) {
    from_.insert(from_.end(), other.from_.begin() + static_cast<std::ptrdiff_t>(part.begin),
                 other.from_.begin() + static_cast<std::ptrdiff_t>(part.end));
    return;
  }
  for (std::size_t at = part.begin; at < part.end; ++at) from_.push_back({other.base_ + at, other.base_ + at + 1});
}

}  // namespace pst::tokenizer
