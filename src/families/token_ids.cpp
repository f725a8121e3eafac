// SPDX-License-Identifier: Apache-2.0
#include "families/token_ids.hpp"

#include <nlohmann/json.hpp>

#include "core/strings.hpp"

namespace pst::families {
namespace {

std::int32_t token_id(const json::Object& root, std::string_view key, const json::Value& value,
                      std::int64_t vocabulary) {
  if (!value.is_number_unsigned() || value.get<std::uint64_t>() >= static_cast<std::uint64_t>(vocabulary))
    root.refuse(key, cat("is ", json::shown(value), "; a token id lies from 0 to ", vocabulary - 1));
  return value.get<std::int32_t>();
}

}  // namespace

std::vector<std::int32_t> token_ids(const json::Object& root, std::string_view key, std::int64_t vocabulary) {
  const json::Value* const value = root.find(key);
  std::vector<std::int32_t> ids;
  if (!value) return ids;
  if (!value->is_array()) return {token_id(root, key, *value, vocabulary)};
  if (value->size() > 1000) root.refuse(key, "lists more than 1000 tokens");
  for (const auto& entry : *value) ids.push_back(token_id(root, key, entry, vocabulary));
  return ids;
}

void read_token_ids(const json::Object& root, ModelSpec& model) {
  model.eos_token_ids = token_ids(root, "eos_token_id", model.vocabulary);
  if (const json::Value* const bos = root.find("bos_token_id"))
    model.bos_token_id = token_id(root, "bos_token_id", *bos, model.vocabulary);
  if (const json::Value* const pad = root.find("pad_token_id");
      pad && pad->is_number_unsigned() && pad->get<std::uint64_t>() < static_cast<std::uint64_t>(model.vocabulary))
    model.pad_token_id = pad->get<std::int32_t>();
}

}  // namespace pst::families
