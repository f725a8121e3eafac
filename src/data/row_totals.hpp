// SPDX-License-Identifier: Apache-2.0
#pragma once
#include <cstdint>
#include <functional>
#include <vector>

#include "data/order.hpp"
#include "data/prepared.hpp"

namespace pst::data {

struct RowTotals {
  std::int64_t tokens = 0, labelled = 0;
  std::int64_t attention_pairs = 0;  ///< sum over the documents: what attention costs goes by it
};
/// @param pairs_of  what attention over a document of so many tokens goes by; absent: its length squared
RowTotals totals_of(const PreparedSet& documents, const std::vector<Row>& rows,
                    const std::function<std::int64_t(std::int64_t length)>& pairs_of = {});

}  // namespace pst::data
