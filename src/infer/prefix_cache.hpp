// SPDX-License-Identifier: Apache-2.0
#pragma once
#include <cstdint>
#include <list>
#include <span>
#include <string>
#include <unordered_map>
#include <vector>

#include "core/keyed_hash.hpp"
#include "nn/sequences.hpp"

namespace pst::infer {

/// Full pages of keys and values by the tokens that they hold and all tokens before these: a sequence that begins like
/// an earlier one takes its pages. The cache holds pages itself, and gives back those that were used least lately.
class PrefixCache {
 public:
  explicit PrefixCache(nn::KvPages& pages) : pages_(pages) {}

  /// Pages of the longest beginning of `tokens` that is known, one more holder each. Never all of them: of a prompt one
  /// row at least is computed.
  std::vector<std::int32_t> find(std::uint64_t root, std::span<const std::int32_t> tokens);
  /// Keeps the full pages of a sequence that has seen these tokens.
  void keep(std::uint64_t root, std::span<const std::int32_t> tokens, std::span<const std::int32_t> pages);
  /// Gives pages back until so many are free, or none that only the cache holds is left.
  void make_room(std::int64_t free);

  std::int64_t queried() const { return queried_; }  ///< tokens that find() was asked for
  std::int64_t found() const { return found_; }

 private:
  struct Entry {
    std::string key;
    std::int32_t page;
  };
  std::string key_of(std::uint64_t root, std::string_view before, std::span<const std::int32_t> tokens) const;

  nn::KvPages& pages_;
  std::list<Entry> entries_;  // the latest used first
  std::unordered_map<std::string, std::list<Entry>::iterator, KeyedHash> by_key_;
  std::int64_t queried_ = 0, found_ = 0;
};

}  // namespace pst::infer
