// SPDX-License-Identifier: Apache-2.0
#include "data/other_ids.hpp"

#include <algorithm>
#include <span>

#include "core/strings.hpp"

namespace pst::data {
namespace {

using Pieces = std::span<const tokenizer::Piece>;

/// Of `these`, those that are not at the same place of `those`.
std::int64_t missing(Pieces these, Pieces those) {
  std::int64_t count = 0;
  std::size_t at = 0;
  for (const auto& piece : these) {
    while (at < those.size() && those[at].begin < piece.begin) ++at;
    bool found = false;
    for (std::size_t i = at; i < those.size() && those[i].begin == piece.begin && !found; ++i)
      found = those[i].id == piece.id && those[i].end == piece.end;
    count += found ? 0 : 1;
  }
  return count;
}

}  // namespace

std::string OtherIds::digest() const {
  return cat(other_.class_name, " ", other_.tokenizer ? other_.tokenizer->digest() : "not followed");
}

OtherTokens OtherIds::begin() const {
  return {.class_name = other_.class_name,
          .compared = compares(),
          .file_counts = chosen_ == families::TokenizerPipeline::file};
}

void OtherIds::look_at(const Shown& record, OtherTokens& counts) const {
  const Pieces ours = record.pieces;
  if (!other_.tokenizer || ours.empty()) return;
  const auto all = other_.tokenizer->encode_pieces(record.text);
  // A record that is cut at max_length is compared up to there.
  const auto end = std::find_if(all.begin(), all.end(), [&](const auto& one) { return one.begin >= ours.back().end; });
  const Pieces theirs(all.begin(), ours.back().end < record.text.size() ? end : all.end());
  const bool same = std::equal(ours.begin(), ours.end(), theirs.begin(), theirs.end(),
                               [](const auto& a, const auto& b) { return a.id == b.id; });
  counts.records += 1;
  counts.tokens += static_cast<std::int64_t>(ours.size());
  if (same) return;
  counts.differing_records += 1;
  counts.differing_tokens += std::max<std::int64_t>({1, missing(ours, theirs), missing(theirs, ours)});
}

std::optional<OtherIds> other_ids(const recipe::Model& model) {
  auto other = families::other_tokenizer(model.path, model.tokenizer);
  if (!other) return std::nullopt;
  return OtherIds(std::move(*other), model.tokenizer);
}

}  // namespace pst::data
