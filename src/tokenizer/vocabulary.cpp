// SPDX-License-Identifier: Apache-2.0
#include "tokenizer/vocabulary.hpp"

#include <algorithm>
#include <cmath>
#include <nlohmann/json.hpp>

#include "core/strings.hpp"
#include "tokenizer/token_id.hpp"

namespace pst::tokenizer {

Vocabulary Vocabulary::of_ids(const json::Node& node) {
  (void)node.object();
  if (node.value().empty()) node.refuse("is empty");
  Vocabulary made;
  std::int32_t largest = 0;
  made.ids_.reserve(node.value().size());
  for (const auto& [token, id] : node.value().items()) {
    if (!id.is_number_unsigned() || id.get<std::uint64_t>() > kLargestId)
      node.refuse(cat("gives ", pst::quoted(token), " an id that is none"));
    largest = std::max(largest, id.get<std::int32_t>());
    made.ids_.emplace(token, id.get<std::int32_t>());
  }
  if (static_cast<std::size_t>(largest) > 2 * made.ids_.size() + 100'000)
    node.refuse(cat("has ", made.ids_.size(), " tokens but the id ", largest));
  made.tokens_.resize(static_cast<std::size_t>(largest) + 1);
  for (const auto& [token, value] : node.value().items()) {  // in the order of the tokens, whatever the hash's secret
    const auto id = value.get<std::int32_t>();
    auto& slot = made.tokens_[static_cast<std::size_t>(id)];
    if (slot) node.refuse(cat("gives the id ", id, " to both ", pst::quoted(*slot), " and ", pst::quoted(token)));
    slot = token;
  }
  return made;
}

Vocabulary Vocabulary::of_scores(const json::Node& node, std::vector<double>& scores) {
  const json::Value& entries = node.value();
  if (!entries.is_array()) node.refuse("must be a list");
  if (entries.empty()) node.refuse("is empty");
  if (entries.size() > kLargestId) node.refuse(cat("has ", entries.size(), " tokens"));
  Vocabulary made;
  made.ids_.reserve(entries.size());
  for (std::size_t i = 0; i < entries.size(); ++i) {
    const json::Value& entry = entries[i];
    if (!entry.is_array() || entry.size() != 2 || !entry[0].is_string() || !entry[1].is_number() ||
        !std::isfinite(entry[1].get<double>()))
      node.element(i).refuse("is not [\"token\", score]");
    made.tokens_.emplace_back(entry[0].get<std::string>());
    made.ids_.insert_or_assign(*made.tokens_.back(), static_cast<std::int32_t>(i));
    scores.push_back(entry[1].get<double>());
  }
  return made;
}

std::optional<std::int32_t> Vocabulary::id_of(std::string_view token) const {
  const auto found = ids_.find(token);
  if (found == ids_.end()) return std::nullopt;
  return found->second;
}

}  // namespace pst::tokenizer
