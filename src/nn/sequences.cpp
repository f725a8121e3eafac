// SPDX-License-Identifier: Apache-2.0
#include "nn/sequences.hpp"

#include <ATen/ops/empty.h>

#include <algorithm>

#include "core/error.hpp"
#include "kernels/paged_attention/paged_attention.hpp"

namespace pst::nn {

std::int64_t KvPages::tokens() { return kernels::kPageTokens; }

KvPages::KvPages(const std::vector<std::int64_t>& widths, std::int64_t pages, const at::TensorOptions& like)
    : holders_(static_cast<std::size_t>(pages)) {
  for (const std::int64_t width : widths) {
    keys_.push_back(at::empty({pages, width * tokens()}, like));
    values_.push_back(at::empty({pages, width * tokens()}, like));
  }
  for (std::int64_t page = pages; page > 0; --page) free_.push_back(static_cast<std::int32_t>(page - 1));
}

std::int64_t KvPages::missing(const Sequence& sequence, std::int64_t rows) {
  return std::max<std::int64_t>(0, (rows + tokens() - 1) / tokens() - std::ssize(sequence.pages));
}

void KvPages::take(Sequence& sequence, std::int64_t rows) {
  const std::int64_t wanted = missing(sequence, rows);
  PST_ASSERT(wanted <= free_pages(), "the caller lets sequences in as pages are free");
  for (std::int64_t i = 0; i < wanted; ++i) {
    sequence.pages.push_back(free_.back());
    holders_[static_cast<std::size_t>(free_.back())] = 1;
    free_.pop_back();
  }
}

void KvPages::hold(std::int32_t page) {
  PST_ASSERT(holders_[static_cast<std::size_t>(page)] > 0, "a free page has nothing to share");
  ++holders_[static_cast<std::size_t>(page)];
}

void KvPages::drop(std::int32_t page) {
  std::int32_t& holders = holders_[static_cast<std::size_t>(page)];
  PST_ASSERT(holders > 0, "a page is given back once by each holder");
  if (--holders == 0) free_.push_back(page);
}

void KvPages::release(Sequence& sequence) {
  for (auto page = sequence.pages.rbegin(); page != sequence.pages.rend(); ++page) drop(*page);
  sequence = {.active_from = sequence.active_from, .longest = sequence.longest};
}

}  // namespace pst::nn
