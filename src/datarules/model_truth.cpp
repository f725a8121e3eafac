// SPDX-License-Identifier: Apache-2.0
#include "datarules/model_truth.hpp"

#include "core/file.hpp"
#include "json/object.hpp"

namespace pst::datarules {
namespace {

/// eos_token_id of a file: a number or a list of them; nothing where it says none.
std::vector<std::int32_t> end_ids_of(const std::filesystem::path& file) {
  constexpr std::uint64_t kMostBytes = 16u << 20;
  std::vector<std::int32_t> ids;
  if (!std::filesystem::exists(file)) return ids;
  const json::Document document(file, kMostBytes);
  const auto node = document.object().get("eos_token_id");
  if (!node) return ids;
  for (const json::Node& one : node->is_list() ? node->list() : std::vector<json::Node>{*node})
    ids.push_back(one.small_whole());
  return ids;
}

}  // namespace

ModelTruth load_model_truth(const std::filesystem::path& folder, const recipe::Data& settings) {
  ModelTruth truth{
      tokenizer::Tokenizer::load(folder), data::ChatFormat::load(folder, settings.chat_template), {}, false};
  truth.format.fix_day(settings.date);
  truth.end_ids = end_ids_of(folder / "generation_config.json");
  if (truth.end_ids.empty()) truth.end_ids = end_ids_of(folder / "config.json");
  const auto around = truth.tokenizer.encode_pieces("a", tokenizer::Around::special_tokens);
  const auto& bos = truth.tokenizer.special_names().bos;
  truth.adds_bos = !around.empty() && bos && truth.tokenizer.id_of(*bos) == around.front().id;
  return truth;
}

}  // namespace pst::datarules
