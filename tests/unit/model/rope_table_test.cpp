// SPDX-License-Identifier: Apache-2.0
#include "model/rope_table.hpp"

#include <ATen/ops/tensor.h>
#include <gmock/gmock.h>

#include <cmath>

namespace pst::model {
namespace {

families::RopeSpec spec() { return {.dim = 4, .frequencies = {1, 0.25f}, .factor = 1.5}; }

double angle(const ops::RopeTable& table, std::int64_t row, std::int64_t pair) {
  return std::atan2(table.sines[row][pair].item().toDouble(), table.cosines[row][pair].item().toDouble());
}

TEST(RopeTable, AnglesArePositionsTimesFrequencies) {
  const auto tables = make_rope_tables(spec(), 4, at::kCPU);
  for (const auto* const table : {&tables.queries, &tables.keys}) {
    EXPECT_EQ(table->cosines.sizes(), (std::vector<std::int64_t>{4, 2}));
    EXPECT_NEAR(angle(*table, 3, 0), 3, 1e-6);
    EXPECT_NEAR(angle(*table, 3, 1), 0.75, 1e-6);
    EXPECT_NEAR(table->cosines[0][1].item().toDouble(), 1.5, 1e-7);  // the factor
  }
}

TEST(RopeTable, LongDocumentsTurnByTheirOwnFrequencies) {
  families::RopeSpec far = spec();
  far.far_frequencies = {0.5f, 0.125f};
  far.original_positions = 3;
  const auto table = make_rope_tables(far, 8, at::kCPU).keys;
  ops::Documents documents{
      .starts = {0, 3, 7}, .positions = at::tensor({0, 1, 2, 0, 1, 2, 3}, at::kInt), .borders = {}};

  const at::Tensor rows = table_rows(far, documents, 8);

  EXPECT_TRUE(rows.equal(at::tensor({0, 1, 2, 8, 9, 10, 11}, at::kInt)));
  EXPECT_NEAR(angle(table, 2, 0), 2, 1e-6);
  EXPECT_NEAR(angle(table, 8 + 2, 0), 1, 1e-6);
  EXPECT_EQ(first_row(far, 3, 8), 0);
  EXPECT_EQ(first_row(far, 4, 8), 8);
}

TEST(RopeTable, QueriesMayGrowWithTheirPositions) {
  families::RopeSpec growing = spec();
  growing.query_growth = 0.1;
  growing.original_positions = 2;
  const auto [queries, keys] = make_rope_tables(growing, 6, at::kCPU);
  const auto length = [](const ops::RopeTable& t, std::int64_t row) {
    return std::hypot(t.cosines[row][0].item().toDouble(), t.sines[row][0].item().toDouble());
  };
  EXPECT_NEAR(length(queries, 1), 1.5, 1e-6);
  EXPECT_NEAR(length(queries, 5), 1.5 * (1 + 0.1 * std::log(3.0)), 1e-6);  // 5 / 2 is 2, and 1 more
  EXPECT_NEAR(length(keys, 5), 1.5, 1e-6);
}

}  // namespace
}  // namespace pst::model
