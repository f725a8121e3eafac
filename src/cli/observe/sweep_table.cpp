// SPDX-License-Identifier: Apache-2.0
#include "cli/observe/sweep_table.hpp"

#include "console/text_table.hpp"
#include "core/strings.hpp"
#include "runs/handle.hpp"
#include "runs/run_rows.hpp"

namespace pst::cli {

void print_sweep(std::ostream& out, const runs::SweepView& view) {
  std::vector<std::vector<std::string>> table = {{"RUN"}};
  for (const auto& key : view.record.keys) table[0].push_back(key);
  for (const char* heading : {"STATE", "STEP", "LOSS", "VALIDATION", "TIME", "REASON"}) table[0].push_back(heading);
  for (std::size_t i = 0; i < view.rows.size(); ++i) {
    const runs::RunRow& row = view.rows[i];
    std::vector<std::string> cells = {std::to_string(i)};
    for (const auto& value : view.record.values[i]) cells.push_back(value);
    for (const auto& cell : {std::string(rundir::name_of(row.live.run.state)), step_cell(row), loss_cell(row),
                             validation_cell(row), time_cell(row), reason_cell(row)})
      cells.push_back(cell);
    table.push_back(std::move(cells));
  }
  console::print_table(out, table);
  out << summary(view) << '\n';
  if (!view.best) return;
  std::vector<std::string> values;
  for (std::size_t i = 0; i < view.record.keys.size(); ++i)
    values.push_back(cat(view.record.keys[i], " ", view.record.values[*view.best][i]));
  out << (is_over(view) ? "best" : "best so far") << ": run " << *view.best << ", validation loss "
      << validation_cell(view.rows[*view.best]) << " (" << join(values, ", ")
      << "): " << runs::handle(view.rows[*view.best].run) << '\n';
}

}  // namespace pst::cli
