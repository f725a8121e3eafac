// SPDX-License-Identifier: Apache-2.0
#include "console/text_table.hpp"

#include <algorithm>

#include "console/sparkline.hpp"
#include "core/printable.hpp"

namespace pst::console {

void print_table(std::ostream& out, std::vector<std::vector<std::string>> rows) {
  for (auto& row : rows)
    for (auto& cell : row) cell = printable(cell);
  std::vector<std::size_t> widths(rows.at(0).size());
  for (const auto& row : rows)
    for (std::size_t i = 0; i < row.size(); ++i) widths[i] = std::max(widths[i], columns(row[i]));
  for (const auto& row : rows) {
    std::string text;
    for (std::size_t i = 0; i < row.size(); ++i) text += row[i] + std::string(widths[i] - columns(row[i]) + 2, ' ');
    out << text.substr(0, text.find_last_not_of(' ') + 1) << '\n';
  }
}

}  // namespace pst::console
