// SPDX-License-Identifier: Apache-2.0
#pragma once
#include <cstdint>
#include <vector>

#include "data/order.hpp"
#include "data/prepared.hpp"

namespace pst::data {

struct RowTotals {
  std::int64_t tokens = 0, labelled = 0;
  std::int64_t attention_pairs = 0;  ///< sum of the documents' lengths squared: what attention costs goes by it
};
RowTotals totals_of(const PreparedSet& documents, const std::vector<Row>& rows);

}  // namespace pst::data
