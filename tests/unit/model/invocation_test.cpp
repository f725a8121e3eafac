// SPDX-License-Identifier: Apache-2.0
#include "model/invocation.hpp"

#include <ATen/ops/cat.h>
#include <ATen/ops/tensor.h>
#include <gmock/gmock.h>

#include <random>

#include "nn/batch.hpp"

namespace pst::model {
namespace {

using Tokens = std::vector<std::int32_t>;

/// What invoked_rows() gives of documents that are laid end to end.
std::vector<int> rows(const std::vector<Tokens>& documents, const std::vector<std::int64_t>& sequence) {
  std::vector<nn::TokenSpan> spans;
  std::vector<std::vector<std::uint8_t>> labelled;
  for (const Tokens& ids : documents) labelled.emplace_back(ids.size(), 1);
  for (std::size_t i = 0; i < documents.size(); ++i) spans.push_back({documents[i], labelled[i]});
  const nn::Batch batch = nn::make_batch(spans, 100);
  const at::Tensor found = invoked_rows(batch.ids, batch.documents.positions, sequence).to(at::kInt);
  return {found.const_data_ptr<int>(), found.const_data_ptr<int>() + found.numel()};
}

TEST(InvokedRows, BeginWhereTheSequenceStandsForTheLastTime) {
  EXPECT_EQ(rows({{5, 7, 5, 7, 1}}, {5, 7}), (std::vector{0, 0, 1, 1, 1}));
  EXPECT_EQ(rows({{5, 7, 1}, {7, 1}, {1, 5}, {7}, {5, 7}}, {5, 7}), (std::vector{1, 1, 1, 0, 0, 0, 0, 0, 1, 1}))
      << "of each document, not across documents";
  EXPECT_EQ(rows({{1}, {2, 1}}, {1, 2, 1, 3}), (std::vector{0, 0, 0})) << "a sequence longer than all";
}

/// Next to a plain search.
TEST(InvokedRows, AreThoseOfAPlainSearch) {
  std::mt19937 random(1);
  for (int round = 0; round < 200; ++round) {
    std::vector<Tokens> documents(1 + random() % 4);
    for (Tokens& ids : documents) {
      ids.resize(1 + random() % 12);
      for (auto& id : ids) id = static_cast<std::int32_t>(random() % 3);
    }
    std::vector<std::int64_t> sequence(1 + random() % 3);
    for (auto& id : sequence) id = static_cast<std::int64_t>(random() % 3);
    std::vector<int> expected;
    for (const Tokens& ids : documents) {
      std::size_t begin = ids.size();
      for (std::size_t i = 0; i + sequence.size() <= ids.size(); ++i)
        if (std::equal(sequence.begin(), sequence.end(), ids.begin() + static_cast<std::ptrdiff_t>(i))) begin = i;
      for (std::size_t i = 0; i < ids.size(); ++i) expected.push_back(i >= begin);
    }
    ASSERT_EQ(rows(documents, sequence), expected) << "round " << round;
  }
}

}  // namespace
}  // namespace pst::model
