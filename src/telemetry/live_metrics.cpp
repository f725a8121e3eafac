// SPDX-License-Identifier: Apache-2.0
#include "telemetry/live_metrics.hpp"

#include <array>

#include "core/strings.hpp"

namespace pst::telemetry {
namespace {

constexpr auto kGauge = MetricType::gauge;
constexpr auto kCounter = MetricType::counter;

constexpr std::array kMetrics = {
    // The run
    LiveMetric{"info", kGauge, "name version", "Always 1; the labels say which run it is."},
    LiveMetric{"state", kGauge, "state", "1 for the state the run is in, 0 for the others."},
    LiveMetric{"finished", kGauge, "", "1 when the run is completed, failed, cancelled or paused, else 0."},
    LiveMetric{"attempts_total", kCounter, "", "Attempts so far."},
    LiveMetric{"faults_total", kCounter, "kind", "Faults so far, by the event that tells of them."},
    LiveMetric{"alert_active", kGauge, "alert severity", "1 while an alert of the recipe is firing, else 0."},
    LiveMetric{"disk_available_bytes", kGauge, "", "Bytes that the run may still write where its folder is."},
    LiveMetric{"disk_size_bytes", kGauge, "", "Size of that file system in bytes."},
    // Training
    LiveMetric{"step", kGauge, "", "Optimizer steps done."},
    LiveMetric{"steps_planned", kGauge, "", "Optimizer steps that the recipe asks for."},
    LiveMetric{"steps_total", kCounter, "", "Optimizer steps computed, those repeated after a fault included."},
    LiveMetric{"repeated_steps_total", kCounter, "", "Optimizer steps that had been computed before."},
    LiveMetric{"skipped_steps_total", kCounter, "", "Optimizer steps that the guard passed over."},
    LiveMetric{"tokens_total", kCounter, "", "Tokens trained on, all ranks together, a repeated step counted once."},
    LiveMetric{"labelled_tokens_total", kCounter, "", "Those of them that the loss is made of."},
    LiveMetric{"tokens_per_second", kGauge, "", "Speed of the last step, all ranks together, in tokens per second."},
    LiveMetric{"loss", kGauge, "", "Training loss of the last step, in nats per labelled token."},
    LiveMetric{"loss_ratio", kGauge, "",
               "Loss of the last step by the median of up to 50 before it; infinite when the loss is no number."},
    LiveMetric{"validation_loss", kGauge, "", "Latest validation loss, in nats per labelled token."},
    LiveMetric{"learning_rate", kGauge, "", "Learning rate of the last step."},
    LiveMetric{"gradient_norm", kGauge, "", "Norm of the gradient of the last step, before clipping."},
    LiveMetric{"step_seconds", kGauge, "", "Duration of the last step on its slowest rank, in seconds."},
    LiveMetric{"last_step_timestamp_seconds", kGauge, "", "When the last step ended, Unix time in seconds."},
    LiveMetric{"last_step_age_seconds", kGauge, "",
               "Seconds since the last step ended, or the attempt began; not there when the run is not running, or is "
               "asked to pause or to end."},
    LiveMetric{"remaining_seconds", kGauge, "", "Seconds that the steps left will take at the speed of the last 20."},
    // Checkpoints
    LiveMetric{"checkpoints_total", kCounter, "", "Checkpoints committed."},
    LiveMetric{"checkpoint_step", kGauge, "", "Step of the newest checkpoint."},
    LiveMetric{"checkpoint_timestamp_seconds", kGauge, "", "When it was committed, Unix time in seconds."},
    LiveMetric{"checkpoint_age_seconds", kGauge, "", "Seconds since then: what a fault would cost."},
    LiveMetric{"checkpoint_seconds", kGauge, "part",
               "What it took, in seconds: stall is what training waited, write and commit happen beside it."},
    // Ranks
    LiveMetric{"rank_step_seconds", kGauge, "rank node", "Duration of the rank's last step, in seconds."},
    LiveMetric{"phase_seconds", kGauge, "rank node phase", "Time of the rank's last step in a phase, in seconds."},
    LiveMetric{"phase_seconds_total", kCounter, "rank node phase", "Time spent in a phase, in seconds."},
    LiveMetric{"rank_work_ratio", kGauge, "rank node",
               "The rank's own work in its last 20 steps by the mean of all ranks; above 1: the others wait for it."},
    LiveMetric{"cpu_seconds_total", kCounter, "rank node", "CPU time of the rank, in seconds."},
    LiveMetric{"resident_bytes", kGauge, "rank node", "Resident memory of the rank, in bytes."},
    LiveMetric{"page_faults_total", kCounter, "rank node kind", "Page faults of the rank; major ones wait for a disk."},
    LiveMetric{"disk_read_bytes_total", kCounter, "rank node", "Bytes that the rank had read from disks."},
    LiveMetric{"disk_written_bytes_total", kCounter, "rank node", "Bytes that the rank had written to disks."},
    // Nodes
    LiveMetric{"node_record_age_seconds", kGauge, "node", "Seconds since the node wrote a record."},
    LiveMetric{"node_lost_lines_total", kCounter, "node", "Records that the node could not write."},
    LiveMetric{"node_cpu_busy_ratio", kGauge, "node", "Share of the node's cores that was busy, 0 to 1."},
    LiveMetric{"node_memory_size_bytes", kGauge, "node", "Memory of the node, in bytes."},
    LiveMetric{"node_memory_available_bytes", kGauge, "node", "Memory that programs could still get, in bytes."},
    LiveMetric{"node_network_receive_bytes_total", kCounter, "node", "Bytes received, all interfaces but loopback."},
    LiveMetric{"node_network_transmit_bytes_total", kCounter, "node", "Bytes sent, all interfaces but loopback."},
    LiveMetric{"node_infiniband_receive_bytes_total", kCounter, "node", "Bytes received by InfiniBand ports."},
    LiveMetric{"node_infiniband_transmit_bytes_total", kCounter, "node", "Bytes sent by InfiniBand ports."},
    // GPUs
    LiveMetric{"gpu_busy_ratio", kGauge, "node gpu", "Share of the time that a kernel was running, 0 to 1."},
    LiveMetric{"gpu_memory_used_bytes", kGauge, "node gpu", "Memory of the GPU in use, in bytes."},
    LiveMetric{"gpu_power_watts", kGauge, "node gpu", "Mean power of the GPU, in watts."},
    LiveMetric{"gpu_energy_joules_total", kCounter, "node gpu", "Energy that the GPU took, in joules."},
    LiveMetric{"gpu_sm_clock_hertz", kGauge, "node gpu", "Clock of the multiprocessors, in hertz."},
    LiveMetric{"gpu_memory_clock_hertz", kGauge, "node gpu", "Clock of the GPU's memory, in hertz."},
    LiveMetric{"gpu_temperature_celsius", kGauge, "node gpu", "Temperature of the GPU, in degrees Celsius."},
    LiveMetric{"gpu_throttle_reasons", kGauge, "node gpu", "Why its clock is held back: NVML's bits; 0 is not at all."},
    LiveMetric{"gpu_ecc_uncorrected", kGauge, "node gpu", "Uncorrected ECC errors since the driver was loaded."},
    LiveMetric{"gpu_nvlink_receive_bytes_total", kCounter, "node gpu", "Bytes received over NVLink."},
    LiveMetric{"gpu_nvlink_transmit_bytes_total", kCounter, "node gpu", "Bytes sent over NVLink."},
};

}  // namespace

std::span<const LiveMetric> live_metrics() { return kMetrics; }

const LiveMetric* find_live_metric(std::string_view name) {
  if (name.starts_with(kMetricPrefix)) name.remove_prefix(std::string_view(kMetricPrefix).size());
  for (const auto& metric : kMetrics)
    if (name == metric.name) return &metric;
  return nullptr;
}

std::string live_metrics_markdown() {
  std::string text = "| metric | type | labels beside `run` | meaning |\n|---|---|---|---|\n";
  for (const auto& metric : kMetrics) {
    std::string labels;
    for (const auto& label : split(metric.labels, ' '))
      if (!label.empty()) labels += cat(labels.empty() ? "`" : ", `", label, "`");
    text += cat("| `", metric.name, "` | ", metric.type == kGauge ? "gauge" : "counter", " | ", labels, " | ",
                metric.help, " |\n");
  }
  return text;
}

}  // namespace pst::telemetry
