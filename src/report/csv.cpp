// SPDX-License-Identifier: Apache-2.0
#include "report/csv.hpp"

#include <cmath>
#include <set>

#include "core/clock.hpp"
#include "core/file.hpp"
#include "core/strings.hpp"
#include "report/summary.hpp"

namespace pst::report {
namespace {

namespace fs = std::filesystem;
using nlohmann::ordered_json;

std::string value(double number_) { return std::isfinite(number_) ? number(number_) : std::string(); }

std::string value(const ordered_json& cell) {
  if (cell.is_null()) return {};
  if (cell.is_string()) return csv_field(cell.get<std::string>());
  if (cell.is_number_float()) return value(cell.get<double>());
  return cell.dump();
}

void write_steps(const fs::path& file, const std::vector<Attempt>& attempts) {
  DurableFile out(file);
  std::string text =
      "attempt,step,ended_utc,counted,loss,lr,grad_norm,rows,tokens,labelled_tokens,skipped,step_s,ranks_told";
  for (const char* phase : telemetry::kStepPhaseNames) text += cat(',', phase, "_ms");
  text += '\n';
  const CountedSteps steps = count_steps(attempts);
  std::set<const Step*> redone;
  for (const auto& at : steps.redone) redone.insert(at.step);
  for (const auto& attempt : attempts)
    for (const auto& s : attempt.steps) {
      text += std::to_string(attempt.number) + ',' + std::to_string(s.step) + ',';
      text += (s.has_values ? iso_time(s.ended) : std::string()) + ',' + (redone.count(&s) > 0 ? '0' : '1') + ',';
      if (s.has_values)
        text += value(s.loss) + ',' + value(s.lr) + ',' + value(s.grad_norm) + ',' + std::to_string(s.rows) + ',' +
                std::to_string(s.tokens) + ',' + std::to_string(s.labelled_tokens) + ',' + (s.skipped ? '1' : '0');
      else
        text += ",,,,,,";
      text += ',' + number(static_cast<double>(s.step_us) / 1e6) + ',' + std::to_string(s.ranks);
      for (const auto phase : s.phase_us)
        text += ',' + (s.ranks > 0 ? number(std::round(static_cast<double>(phase) / s.ranks) / 1e3) : std::string());
      text += '\n';
      if (text.size() > (1 << 20)) {
        out.write(text);
        text.clear();
      }
    }
  out.write(text);
  out.commit();
}

/// A list of objects as a table; an object inside one becomes columns of its own.
void write_table(const fs::path& file, const ordered_json& rows) {
  std::vector<std::string> head;
  std::string text;
  for (const auto& row : rows) {
    std::vector<std::string> names, cells;
    for (const auto& [key, cell] : row.items()) {
      if (cell.is_object()) {
        for (const auto& [inner, inner_cell] : cell.items()) {
          names.push_back(key + "." + inner);
          cells.push_back(value(inner_cell));
        }
      } else {
        names.push_back(key);
        cells.push_back(cell.is_array() ? csv_field(cell.dump()) : value(cell));
      }
    }
    if (head.empty()) {
      head = names;
      text = join(head, ",") + '\n';
    }
    text += join(cells, ",") + '\n';
  }
  write_durably(file, text);
}

}  // namespace

std::string csv_field(std::string_view text) {
  std::string safe;
  if (!text.empty() && std::string_view("=+-@\t").find(text[0]) != std::string_view::npos) safe = "'";
  safe += text;
  if (safe.find_first_of(",\"\r\n") == std::string::npos) return safe;
  std::string quoted_text = "\"";
  for (const char c : safe) quoted_text += c == '"' ? std::string("\"\"") : std::string(1, c);
  return quoted_text + '"';
}

void write_csv(const fs::path& folder, const ordered_json& report, const std::vector<Attempt>& attempts) {
  write_steps(folder / "steps.csv", attempts);
  write_table(folder / "ranks.csv", report.value("ranks", ordered_json::array()));
  write_table(folder / "nodes.csv", report["coverage"]["nodes"]);
  ordered_json evaluations = report["evaluations"];
  for (auto& evaluation : evaluations) {
    evaluation["ended_utc"] = iso_time(evaluation["t"].get<double>());
    evaluation.erase("t");
  }
  write_table(folder / "evaluations.csv", evaluations);
}

}  // namespace pst::report
