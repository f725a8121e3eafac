// SPDX-License-Identifier: Apache-2.0
#include "infer/prefix_cache.hpp"

#include "core/digest.hpp"
#include "core/strings.hpp"

namespace pst::infer {

/// Of a page: the digest of the key before and its tokens.
std::string PrefixCache::key_of(std::uint64_t root, std::string_view before,
                                std::span<const std::int32_t> tokens) const {
  Digester digester;
  digester.add_field(before.empty() ? cat(root) : before);
  digester.add(std::as_bytes(tokens));
  return digester.hex();
}

std::vector<std::int32_t> PrefixCache::find(std::uint64_t root, std::span<const std::int32_t> tokens) {
  const auto page = static_cast<std::size_t>(nn::KvPages::tokens());
  queried_ += std::ssize(tokens);
  std::vector<std::int32_t> found;
  std::string key;
  for (std::size_t begin = 0; begin + page < tokens.size(); begin += page) {
    key = key_of(root, key, tokens.subspan(begin, page));
    const auto known = by_key_.find(key);
    if (known == by_key_.end()) break;
    entries_.splice(entries_.begin(), entries_, known->second);
    pages_.hold(known->second->page);
    found.push_back(known->second->page);
  }
  found_ += std::ssize(found) * nn::KvPages::tokens();
  return found;
}

void PrefixCache::keep(std::uint64_t root, std::span<const std::int32_t> tokens, std::span<const std::int32_t> pages) {
  const auto page = static_cast<std::size_t>(nn::KvPages::tokens());
  std::string key;
  for (std::size_t i = 0; (i + 1) * page <= tokens.size(); ++i) {
    key = key_of(root, key, tokens.subspan(i * page, page));
    if (by_key_.contains(key)) continue;
    pages_.hold(pages[i]);
    entries_.push_front({key, pages[i]});
    by_key_.emplace(key, entries_.begin());
  }
}

void PrefixCache::make_room(std::int64_t free) {
  // From the end: a page is younger in the list than those that follow it in its sequences, or as old.
  while (pages_.free_pages() < free && !entries_.empty()) {
    pages_.drop(entries_.back().page);
    by_key_.erase(entries_.back().key);
    entries_.pop_back();
  }
}

}  // namespace pst::infer
