// SPDX-License-Identifier: Apache-2.0
#include "monitor/series.hpp"

#include <algorithm>
#include <cstdlib>
#include <numeric>
#include <optional>

#include "core/error.hpp"
#include "core/strings.hpp"

namespace pst::monitor {
namespace {

using rundir::State;

/// Collects samples by metric, in whatever order they come.
class Collection {
 public:
  Collection() {
    for (const auto& metric : telemetry::live_metrics()) families_.push_back({&metric, {}});
  }
  void put(const char* name, const std::optional<double>& value, Labels labels = {}) {
    if (!value) return;
    const auto* metric = telemetry::find_live_metric(name);
    PST_ASSERT(metric != nullptr, "telemetry::live_metrics() has every metric that is told");
    families_[static_cast<std::size_t>(metric - telemetry::live_metrics().data())].samples.push_back(
        {std::move(labels), *value});
  }
  // One for each type that comes: a conversion to an integer would be preferred to one to an optional.
  void put(const char* name, double value, Labels labels = {}) { put(name, std::optional(value), std::move(labels)); }
  void put(const char* name, std::int64_t value, Labels labels = {}) {
    put(name, static_cast<double>(value), std::move(labels));
  }
  std::vector<Family> taken() {
    std::erase_if(families_, [](const Family& family) { return family.samples.empty(); });
    return std::move(families_);
  }

 private:
  std::vector<Family> families_;
};

double mean(const std::deque<double>& values) {
  return std::accumulate(values.begin(), values.end(), 0.0) / static_cast<double>(values.size());
}

void put_run(Collection& out, const RunView& view, const std::vector<ActiveAlert>& alerts) {
  out.put("info", 1.0, {{"name", view.name}, {"version", view.version}});
  for (const State state : {State::submitted, State::running, State::requeued, State::completed, State::failed,
                            State::cancelled, State::paused})
    out.put("state", view.state.state == state ? 1.0 : 0.0, {{"state", rundir::name_of(state)}});
  out.put("finished", rundir::is_final(view.state.state) ? 1.0 : 0.0);
  out.put("attempts_total", std::int64_t{view.attempt()});
  for (const auto& kind : fault_kinds()) {
    const auto found = view.faults().find(kind);
    out.put("faults_total", found == view.faults().end() ? 0 : found->second, {{"kind", kind}});
  }
  for (const auto& alert : alerts)
    out.put("alert_active", alert.is_firing ? 1.0 : 0.0, {{"alert", alert.name}, {"severity", alert.severity}});
  out.put("disk_available_bytes", view.disk_available_bytes);
  out.put("disk_size_bytes", view.disk_size_bytes);
}

void put_training(Collection& out, const RunView& view, double now) {
  const RunView::Training& t = view.training();
  const bool is_asked_to_rest = view.state.cancel_requested || view.state.pause_requested;
  if (view.state.state == State::running && !is_asked_to_rest && view.attempt() > 0)
    out.put("last_step_age_seconds", std::max(0.0, now - std::max(t.ended.value_or(0), view.attempt_began())));
  if (t.total_steps > 0) out.put("steps_planned", t.total_steps);
  out.put("validation_loss", t.validation_loss);
  out.put("steps_total", t.computed);
  out.put("repeated_steps_total", t.repeated);
  out.put("skipped_steps_total", t.skipped);
  out.put("tokens_total", t.tokens);
  out.put("labelled_tokens_total", t.labelled_tokens);
  if (t.computed == 0) return;
  out.put("step", t.step);
  out.put("tokens_per_second", t.tokens_per_s);
  out.put("loss", t.loss);
  out.put("loss_ratio", t.loss_ratio);
  out.put("learning_rate", t.lr);
  out.put("gradient_norm", t.grad_norm);
  out.put("last_step_timestamp_seconds", t.ended);
  if (t.total_steps >= t.step && !t.step_seconds.empty())
    out.put("remaining_seconds", mean(t.step_seconds) * static_cast<double>(t.total_steps - t.step));
  double slowest = t.step_seconds.empty() ? 0 : t.step_seconds.back();
  for (const auto& [key, rank] : view.ranks())
    if (rank.step == t.step) slowest = std::max(slowest, rank.step_s);
  if (slowest > 0) out.put("step_seconds", slowest);
}

void put_checkpoint(Collection& out, const RunView& view, double now) {
  out.put("checkpoints_total", view.checkpoint() ? view.checkpoint()->count : 0);
  if (!view.checkpoint()) return;
  const CheckpointView& last = *view.checkpoint();
  out.put("checkpoint_step", last.step);
  out.put("checkpoint_timestamp_seconds", last.committed);
  out.put("checkpoint_age_seconds", std::max(0.0, now - last.committed));
  out.put("checkpoint_seconds", last.stall_s, {{"part", "stall"}});
  out.put("checkpoint_seconds", last.write_s, {{"part", "write"}});
  out.put("checkpoint_seconds", last.commit_s, {{"part", "commit"}});
}

void put_ranks(Collection& out, const RunView& view) {
  double work = 0;
  int working = 0;
  for (const auto& [key, rank] : view.ranks())
    if (!rank.work_s.empty()) {
      work += mean(rank.work_s);
      ++working;
    }
  for (const auto& [key, rank] : view.ranks()) {
    const Labels labels = {{"rank", cat(key.first)}, {"node", key.second}};
    const auto with = [&](const char* name, const std::string& value) {
      Labels more = labels;
      more.emplace_back(name, value);
      return more;
    };
    if (rank.step > 0) {  // at work in this attempt; totals stay, as totals do
      out.put("rank_step_seconds", rank.step_s, labels);
      for (const auto& [phase, seconds] : rank.phase_s) out.put("phase_seconds", seconds, with("phase", phase));
      out.put("resident_bytes", rank.resident_bytes, labels);
    }
    if (working > 1 && work > 0 && !rank.work_s.empty())
      out.put("rank_work_ratio", mean(rank.work_s) / (work / working), labels);
    for (const auto& [phase, seconds] : rank.phase_total_s)
      out.put("phase_seconds_total", seconds, with("phase", phase));
    out.put("cpu_seconds_total", rank.cpu_s, labels);
    out.put("page_faults_total", rank.minor_faults, with("kind", "minor"));
    out.put("page_faults_total", rank.major_faults, with("kind", "major"));
    out.put("disk_read_bytes_total", rank.read_bytes, labels);
    out.put("disk_written_bytes_total", rank.written_bytes, labels);
  }
}

void put_gpu(Collection& out, const GpuView& gpu, const Labels& labels) {
  const auto told = [&](const char* name, const char* column, double scale) {
    const auto found = gpu.values.find(column);
    if (found != gpu.values.end()) out.put(name, found->second * scale, labels);
  };
  told("gpu_busy_ratio", "busy_percent", 0.01);
  told("gpu_memory_used_bytes", "memory_bytes", 1);
  told("gpu_power_watts", "power_w", 1);
  told("gpu_sm_clock_hertz", "sm_mhz", 1e6);
  told("gpu_memory_clock_hertz", "memory_mhz", 1e6);
  told("gpu_temperature_celsius", "temperature_c", 1);
  told("gpu_throttle_reasons", "throttle_reasons", 1);
  told("gpu_ecc_uncorrected", "ecc_uncorrected", 1);
  out.put("gpu_energy_joules_total", gpu.energy_j, labels);
  out.put("gpu_nvlink_receive_bytes_total", gpu.nvlink_received_bytes, labels);
  out.put("gpu_nvlink_transmit_bytes_total", gpu.nvlink_sent_bytes, labels);
}

void put_nodes(Collection& out, const RunView& view, double now) {
  for (const auto& [name, node] : view.nodes()) {
    const Labels labels = {{"node", name}};
    out.put("node_lost_lines_total", node.lost_lines, labels);
    out.put("node_network_receive_bytes_total", node.received_bytes, labels);
    out.put("node_network_transmit_bytes_total", node.sent_bytes, labels);
    out.put("node_infiniband_receive_bytes_total", node.infiniband_received_bytes, labels);
    out.put("node_infiniband_transmit_bytes_total", node.infiniband_sent_bytes, labels);
    if (node.recorded > 0) {  // it has part in this attempt
      out.put("node_record_age_seconds", std::max(0.0, now - node.recorded), labels);
      out.put("node_cpu_busy_ratio", node.cpu_busy, labels);
      out.put("node_memory_size_bytes", node.memory_bytes, labels);
      out.put("node_memory_available_bytes", node.available_bytes, labels);
    }
    for (const auto& [number, gpu] : node.gpus) put_gpu(out, gpu, {{"node", name}, {"gpu", cat(number)}});
  }
}

}  // namespace

std::vector<Family> series_of(const RunView& view, const std::vector<ActiveAlert>& alerts, double now) {
  Collection out;
  put_run(out, view, alerts);
  put_training(out, view, now);
  put_checkpoint(out, view, now);
  put_ranks(out, view);
  put_nodes(out, view, now);
  return out.taken();
}

std::string place_of(const Labels& labels) {
  std::vector<std::string> parts;
  for (const auto& [name, value] : labels) parts.push_back(cat(name, ' ', value));
  return join(parts, ", ");
}

}  // namespace pst::monitor
