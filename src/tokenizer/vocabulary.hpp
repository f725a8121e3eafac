// SPDX-License-Identifier: Apache-2.0
#pragma once
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

#include "core/keyed_hash.hpp"
#include "json/object.hpp"

namespace pst::tokenizer {

using IdByText = std::unordered_map<std::string, std::int32_t, KeyedHash, std::equal_to<>>;

/// Tokens by id and ids by token.
class Vocabulary {
 public:
  Vocabulary() = default;
  /// @param node {"token": id, ...}. @throws Error(data) on an id that is none, or occurs twice
  static Vocabulary of_ids(const json::Node& node);
  /// @param node [["token", score], ...]; a token's id is its place. @param scores  one per token
  static Vocabulary of_scores(const json::Node& node, std::vector<double>& scores);

  /// Of a token that occurs twice, the last.
  std::optional<std::int32_t> id_of(std::string_view token) const;
  /// By id; ids that the vocabulary skips have no token.
  const std::vector<std::optional<std::string>>& tokens() const { return tokens_; }
  const IdByText& ids() const { return ids_; }
  std::size_t size() const { return ids_.size(); }

 private:
  std::vector<std::optional<std::string>> tokens_;
  IdByText ids_;
};

}  // namespace pst::tokenizer
