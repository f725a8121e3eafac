// SPDX-License-Identifier: Apache-2.0
#include "train/micro_batch.hpp"

#include <algorithm>
#include <span>

namespace pst::train {

std::optional<nn::Batch> micro_batch(const data::PreparedSet& documents, const std::vector<data::Row>& rows,
                                     std::int64_t leaf, std::int64_t size, std::int64_t vocabulary, at::Device device) {
  const auto count = static_cast<std::int64_t>(rows.size());
  std::vector<nn::TokenSpan> spans;
  for (std::int64_t row = leaf * size; row < std::min(count, (leaf + 1) * size); ++row)
    for (const auto index : rows[static_cast<std::size_t>(row)]) {
      const data::Document document = documents.document(index);
      spans.push_back({document.ids, document.labelled});
    }
  if (spans.empty()) return std::nullopt;
  return nn::to_device(nn::make_batch(spans, vocabulary), device);
}

nn::Batch placeholder_batch(std::int64_t vocabulary, at::Device device) {
  constexpr std::int32_t kId = 0;
  constexpr std::uint8_t kUnlabelled = 0;
  return nn::to_device(nn::make_batch({{std::span(&kId, 1), std::span(&kUnlabelled, 1)}}, vocabulary), device);
}

double sum_over_ranks(comm::Communicator& group, const std::vector<double>& values) {
  std::vector<double> all(values.size() * static_cast<std::size_t>(group.size()));
  group.all_gather(const_view_of(std::span<const double>(values)), view_of(std::span(all)));
  double sum = 0;
  for (std::size_t i = 0; i < values.size(); ++i)
    for (std::size_t rank = 0; rank < static_cast<std::size_t>(group.size()); ++rank)
      sum += all[rank * values.size() + i];
  return sum;
}

}  // namespace pst::train
