// SPDX-License-Identifier: Apache-2.0
#include "monitor/run_view.hpp"

#include <algorithm>
#include <cmath>
#include <limits>

#include "core/strings.hpp"
#include "json/record.hpp"
#include "report/metrics.hpp"

namespace pst::monitor {
namespace {

using json::integer;
using json::real;
using json::text_of;
using nlohmann::ordered_json;

constexpr std::size_t kFewest = 10;  ///< losses that a median is worth something of
constexpr int kMostRanks = 1 << 20;

double time_of(const ordered_json& record) { return report::unix_of(text_of(record, "t")).value_or(0); }

std::vector<std::string> texts(const ordered_json& list) {
  std::vector<std::string> all;
  for (const auto& item : list) all.push_back(item.is_string() ? item.get<std::string>() : std::string());
  return all;
}

void keep_last(std::deque<double>& values, double value, std::size_t most) {
  values.push_back(value);
  if (values.size() > most) values.pop_front();
}

std::optional<double> median(const std::deque<double>& values) {
  if (values.size() < kFewest) return std::nullopt;
  std::vector<double> sorted(values.begin(), values.end());
  const auto middle = sorted.begin() + static_cast<std::ptrdiff_t>(sorted.size() / 2);
  std::nth_element(sorted.begin(), middle, sorted.end());
  return *middle;
}

/// A row of a sample's table by the names of its columns; what is null or no number is left out.
std::map<std::string, double> row_of(const std::vector<std::string>& columns, const ordered_json& row) {
  std::map<std::string, double> values;
  if (!row.is_array()) return values;
  for (std::size_t i = 0; i < std::min(columns.size(), row.size()); ++i)
    if (row[i].is_number()) values[columns[i]] = row[i].get<double>();
  return values;
}

std::optional<double> in(const std::map<std::string, double>& row, const char* column) {
  const auto found = row.find(column);
  return found == row.end() ? std::nullopt : std::optional(found->second);
}

/// A rate over `seconds` makes the total grow.
void add(std::optional<double>& total, const std::optional<double>& rate, double seconds) {
  if (rate && std::isfinite(*rate)) total = total.value_or(0) + std::max(0.0, *rate) * seconds;
}

void add_traffic(const ordered_json& record, const char* key, double seconds, std::optional<double>& received,
                 std::optional<double>& sent) {
  const auto found = record.find(key);
  if (found == record.end() || !found->is_array() || found->size() != 2) return;
  if ((*found)[0].is_number()) add(received, (*found)[0].get<double>(), seconds);
  if ((*found)[1].is_number()) add(sent, (*found)[1].get<double>(), seconds);
}

}  // namespace

const std::vector<std::string>& fault_kinds() {
  static const std::vector<std::string> kKinds = {
      "attempt-failed", "rank-lost", "node-lost", "no-progress", "checkpoint-failed", "checkpoint-rejected", "guard"};
  return kKinds;
}

void RunView::event(const ordered_json& record) {
  std::string kind = text_of(record, "event");
  if (kind == "attempt-ended" && text_of(record, "end") == "failed") kind = "attempt-failed";
  if (std::find(fault_kinds().begin(), fault_kinds().end(), kind) != fault_kinds().end()) ++faults_[kind];
  if (kind != "checkpoint") return;
  const std::int64_t before = checkpoint_ ? checkpoint_->count : 0;
  checkpoint_ = {.count = before + 1,
                 .step = integer(record, "step").value_or(0),
                 .committed = time_of(record),
                 .stall_s = real(record, "stall_s").value_or(0),
                 .write_s = real(record, "write_s").value_or(0),
                 .commit_s = real(record, "commit_s").value_or(0)};
}

void RunView::begin_attempt(int number, double unix_s) {
  attempt_ = number;
  attempt_began_ = unix_s;
  attempt_step_ = 0;
  training_.step_seconds.clear();
  // Totals of a rank that comes back go on; one that is gone for good would look alive.
  for (auto& [key, rank] : ranks_) {
    rank.step = 0;
    rank.work_s.clear();
  }
  for (auto& [host, node] : nodes_) {
    node.recorded = 0;
    for (auto& [index, gpu] : node.gpus) gpu.values.clear();
  }
}

void RunView::node_record(const std::string& node, const ordered_json& record, Depth depth) {
  const std::string kind = text_of(record, "kind");
  if (depth == Depth::everything) {
    NodeView& view = nodes_[node];
    if (const double time = time_of(record); time > view.recorded) view.recorded = time;
    if (kind != "end") view.lost_lines += static_cast<double>(integer(record, "lost_lines").value_or(0));
    if (kind == "lost") view.lost_lines += static_cast<double>(integer(record, "lines").value_or(0));
    if (kind == "start") {
      view.memory_bytes = real(record, "memory_bytes");
      if (const auto columns = record.find("step_columns"); columns != record.end() && columns->is_array())
        view.step_columns = texts(*columns);
    }
    if (kind == "step") rank_times(node, record);
  }
  if (kind == "step" || kind == "plan")
    training_.total_steps = integer(record, "total_steps").value_or(training_.total_steps);
  if (kind == "eval")
    if (const auto loss = real(record, "loss")) training_.validation_loss = loss;
  if (kind == "step") step(record);
}

void RunView::step(const ordered_json& record) {
  const std::int64_t number = integer(record, "step").value_or(0);
  if (number <= attempt_step_) return;  // another node's record of it
  attempt_step_ = number;
  Training& t = training_;
  t.step = number;
  ++t.computed;
  if (number <= farthest_) {
    ++t.repeated;
  } else {
    farthest_ = number;
    t.tokens += std::max<std::int64_t>(0, integer(record, "tokens").value_or(0));
    t.labelled_tokens += std::max<std::int64_t>(0, integer(record, "labelled_tokens").value_or(0));
  }
  if (const auto skipped = record.find("skipped"); skipped != record.end() && *skipped != false) ++t.skipped;
  // JSON has no word for NaN: a loss that is there and null is one.
  const bool told = record.contains("loss");
  t.loss = told ? std::optional(real(record, "loss").value_or(std::numeric_limits<double>::quiet_NaN())) : std::nullopt;
  t.loss_ratio.reset();
  if (t.loss && !std::isfinite(*t.loss)) {
    t.loss_ratio = std::numeric_limits<double>::infinity();
  } else if (t.loss) {
    if (const auto middle = median(t.losses); middle && *middle > 0) t.loss_ratio = *t.loss / *middle;
    keep_last(t.losses, *t.loss, kLosses);
  }
  t.lr = real(record, "lr");
  t.grad_norm = real(record, "grad_norm");
  t.tokens_per_s = real(record, "tokens_per_s");
  t.ended = time_of(record);
  if (const auto seconds = real(record, "step_s")) keep_last(t.step_seconds, *seconds, kSteps);
}

void RunView::rank_times(const std::string& node, const ordered_json& record) {
  const auto& columns = nodes_[node].step_columns;
  const auto lists = record.find("us");
  if (columns.empty() || lists == record.end() || !lists->is_array()) return;
  for (const auto& list : *lists) {
    const auto row = row_of(columns, list);
    const auto number = in(row, "rank");
    if (!number || *number < 0 || *number > kMostRanks) continue;
    RankView& rank = ranks_[{static_cast<int>(*number), node}];
    rank.step = integer(record, "step").value_or(0);
    double work = 0;
    for (const auto& [column, us] : row) {
      if (!column.ends_with("_us")) continue;
      const std::string phase = column.substr(0, column.size() - 3);
      if (phase == "step") {
        rank.step_s = us / 1e6;
        continue;
      }
      rank.phase_s[phase] = us / 1e6;
      rank.phase_total_s[phase] += std::max(0.0, us / 1e6);
      if (phase == "data" || phase == "forward" || phase == "backward" || phase == "optimizer") work += us / 1e6;
    }
    keep_last(rank.work_s, work, kSteps);
  }
}

void RunView::sample(const std::string& node, const ordered_json& record) {
  const std::string kind = text_of(record, "kind");
  NodeView& view = nodes_[node];
  if (const double time = time_of(record); time > view.recorded) view.recorded = time;
  if (kind == "start") {
    const auto columns = record.find("sample_columns");
    if (columns == record.end() || !columns->is_object()) return;
    view.rank_columns = texts(columns->value("ranks", ordered_json::array()));
    view.gpu_columns = texts(columns->value("gpus", ordered_json::array()));
  }
  if (kind != "sample") return;
  const double seconds = std::clamp(real(record, "seconds").value_or(0), 0.0, 3600.0);
  view.cpu_busy = real(record, "cpu_busy");
  view.available_bytes = real(record, "available_bytes");
  add_traffic(record, "network", seconds, view.received_bytes, view.sent_bytes);
  add_traffic(record, "infiniband", seconds, view.infiniband_received_bytes, view.infiniband_sent_bytes);
  for (const auto& list : record.value("ranks", ordered_json::array())) {
    const auto row = row_of(view.rank_columns, list);
    const auto number = in(row, "rank");
    if (!number || *number < 0 || *number > kMostRanks) continue;
    RankView& rank = ranks_[{static_cast<int>(*number), node}];
    rank.resident_bytes = in(row, "resident_bytes");
    add(rank.cpu_s, in(row, "cpu_cores"), seconds);
    add(rank.minor_faults, in(row, "minor_faults_per_s"), seconds);
    add(rank.major_faults, in(row, "major_faults_per_s"), seconds);
    add(rank.read_bytes, in(row, "read_bytes_per_s"), seconds);
    add(rank.written_bytes, in(row, "written_bytes_per_s"), seconds);
  }
  for (const auto& list : record.value("gpus", ordered_json::array())) {
    const auto row = row_of(view.gpu_columns, list);
    const auto number = in(row, "gpu");
    if (!number || *number < 0 || *number > 1024) continue;
    GpuView& gpu = view.gpus[static_cast<int>(*number)];
    gpu.values = row;
    add(gpu.energy_j, in(row, "power_w"), seconds);
    add(gpu.nvlink_received_bytes, in(row, "nvlink_received_bytes_per_s"), seconds);
    add(gpu.nvlink_sent_bytes, in(row, "nvlink_sent_bytes_per_s"), seconds);
  }
}

}  // namespace pst::monitor
