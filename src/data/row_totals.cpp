// SPDX-License-Identifier: Apache-2.0
#include "data/row_totals.hpp"

namespace pst::data {

RowTotals totals_of(const PreparedSet& documents, const std::vector<Row>& rows,
                    const std::function<std::int64_t(std::int64_t length)>& pairs_of) {
  RowTotals totals;
  for (const auto& row : rows)
    for (const auto index : row) {
      const auto length = static_cast<std::int64_t>(documents.document(index).ids.size());
      totals.tokens += length;
      totals.attention_pairs += pairs_of ? pairs_of(length) : length * length;
      totals.labelled += documents.labelled_tokens(index);
    }
  return totals;
}

}  // namespace pst::data
