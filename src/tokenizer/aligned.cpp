// SPDX-License-Identifier: Apache-2.0
#include "tokenizer/aligned.hpp"

#include <algorithm>

namespace pst::tokenizer {

std::size_t Aligned::run_at(std::size_t at) const {
  const auto after =
      std::upper_bound(runs_.begin(), runs_.end(), at, [](std::size_t byte, const Run& run) { return byte < run.at; });
  return static_cast<std::size_t>(after - runs_.begin()) - 1;
}

std::size_t Aligned::run_at(std::size_t at, std::size_t hint) const {
  constexpr std::size_t kNear = 4;
  if (hint >= runs_.size() || runs_[hint].at > at) return run_at(at);
  for (std::size_t i = hint; i < hint + kNear; ++i)
    if (i + 1 == runs_.size() || runs_[i + 1].at > at) return i;
  return run_at(at);
}

Range Aligned::original(Range range) const {
  std::size_t hint = 0;
  return original(range, hint);
}

Range Aligned::original(Range range, std::size_t& hint) const {
  if (!rewritten_) return {base_ + range.begin, base_ + range.end};
  if (runs_.empty()) return {};
  if (range.begin == range.end) {
    if (range.begin >= owned_.size()) {
      const Run& last = runs_.back();
      return {last.end, last.end};
    }
    const Run& run = runs_[hint = run_at(range.begin, hint)];
    const std::size_t at = run.begin + (run.bytewise ? range.begin - run.at : 0);
    return {at, at};
  }
  // Inserted bytes have an empty range: they must not widen the answer.
  Range whole;
  bool first = true;
  for (std::size_t i = hint = run_at(range.begin, hint); i < runs_.size() && runs_[i].at < range.end; ++i) {
    const Run& run = runs_[i];
    Range from{run.begin, run.end};
    if (run.bytewise) {
      const std::size_t next = i + 1 < runs_.size() ? runs_[i + 1].at : owned_.size();
      from = {run.begin + std::max<std::size_t>(range.begin, run.at) - run.at,
              run.begin + std::min(range.end, next) - run.at};
    }
    if (first || whole.size() == 0)
      whole = first || from.size() > 0 ? from : whole;
    else if (from.size() > 0)
      whole = {std::min(whole.begin, from.begin), std::max(whole.end, from.end)};
    first = false;
  }
  return whole;
}

Aligned Aligned::part(Range range) const {
  if (!rewritten_) return {view_.substr(range.begin, range.size()), base_ + range.begin, origins_};
  Aligned out = emptied();
  out.append(*this, range);
  return out;
}

Aligned Aligned::emptied() const {
  Aligned out({}, 0, origins_);
  out.rewritten_ = true;
  return out;
}

void Aligned::add_run(std::size_t size, Range from, bool bytewise) {
  if (size == 0 || origins_ == Origins::dropped) return;
  const auto begin = static_cast<std::uint32_t>(from.begin), end = static_cast<std::uint32_t>(from.end);
  if (!runs_.empty() && bytewise && runs_.back().bytewise && runs_.back().end == begin)
    runs_.back().end = end;
  else
    runs_.push_back({static_cast<std::uint32_t>(owned_.size()), begin, end, bytewise});
}

void Aligned::append(std::string_view text, Range from) {
  add_run(text.size(), from, /*bytewise=*/false);
  owned_ += text;
}

void Aligned::append(const Aligned& other, Range part) {
  if (part.size() == 0) return;
  if (!other.rewritten_) {
    add_run(part.size(), {other.base_ + part.begin, other.base_ + part.end}, /*bytewise=*/true);
    owned_ += other.view_.substr(part.begin, part.size());
    return;
  }
  const std::string_view text = other.owned_;
  if (origins_ == Origins::dropped) {
    owned_ += text.substr(part.begin, part.size());
    return;
  }
  std::size_t at = part.begin;
  for (std::size_t i = other.run_at(at); at < part.end; ++i) {
    const Run& run = other.runs_[i];
    const std::size_t next =
        std::min<std::size_t>(part.end, i + 1 < other.runs_.size() ? other.runs_[i + 1].at : text.size());
    const std::size_t skip = at - run.at;
    if (run.bytewise)
      add_run(next - at, {run.begin + skip, run.begin + skip + (next - at)}, true);
    else
      add_run(next - at, {run.begin, run.end}, false);
    owned_ += text.substr(at, next - at);
    at = next;
  }
}

}  // namespace pst::tokenizer
