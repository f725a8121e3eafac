// SPDX-License-Identifier: Apache-2.0
#pragma once
#include <array>
#include <cstdint>
#include <deque>
#include <map>
#include <nlohmann/json.hpp>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "rundir/run_state.hpp"

namespace pst::monitor {

/// What one rank last said, and what it adds up to since we look. Absent: it has not said so.
struct RankView {
  std::int64_t step = 0;
  double step_s = 0;
  std::map<std::string, double> phase_s, phase_total_s;
  std::deque<double> work_s;  ///< of its last steps, without waiting for others
  std::optional<double> resident_bytes, cpu_s, minor_faults, major_faults, read_bytes, written_bytes;
};

struct GpuView {
  std::map<std::string, double> values;  ///< by column of the samples
  std::optional<double> energy_j, nvlink_received_bytes, nvlink_sent_bytes;
};

struct NodeView {
  double recorded = 0;  ///< Unix time of its last record
  double lost_lines = 0;
  std::optional<double> memory_bytes, cpu_busy, available_bytes;
  std::optional<double> received_bytes, sent_bytes, infiniband_received_bytes, infiniband_sent_bytes;
  std::vector<std::string> step_columns, rank_columns, gpu_columns;  ///< as its files' first lines name them
  std::map<int, GpuView> gpus;
};

struct CheckpointView {
  std::int64_t count = 0, step = 0;
  double committed = 0;  ///< Unix time
  double stall_s = 0, write_s = 0, commit_s = 0;
};

/// A run as its files tell it, kept up to date record by record. No I/O: RunReader brings the records.
/// Totals only grow, whatever attempt a record is of: a step that is computed again adds no tokens.
class RunView {
 public:
  static constexpr std::size_t kLosses = 50, kSteps = 20;  ///< that a median or a mean is made of

  struct Training {
    std::int64_t step = 0, total_steps = 0;  ///< step: the last one computed
    std::int64_t computed = 0, repeated = 0, skipped = 0, tokens = 0, labelled_tokens = 0;
    std::optional<double> loss, loss_ratio, lr, grad_norm, validation_loss, tokens_per_s, ended;
    std::deque<double> losses, step_seconds;
  };
  using RankKey = std::pair<int, std::string>;  ///< rank, node

  /// A line of events.jsonl.
  void event(const nlohmann::ordered_json& record);
  /// A new attempt: its ranks and nodes take the place of the ones before.
  void begin_attempt(int number, double unix_s);
  enum class Depth { everything, training };  ///< training: of an older attempt, only what the run adds up to
  /// A line of nodes/<node>.jsonl.
  void node_record(const std::string& node, const nlohmann::ordered_json& record, Depth depth);
  /// A line of samples/<node>.jsonl.
  void sample(const std::string& node, const nlohmann::ordered_json& record);

  const Training& training() const { return training_; }
  const std::map<RankKey, RankView>& ranks() const { return ranks_; }
  const std::map<std::string, NodeView>& nodes() const { return nodes_; }
  const std::optional<CheckpointView>& checkpoint() const { return checkpoint_; }
  const std::map<std::string, std::int64_t>& faults() const { return faults_; }
  int attempt() const { return attempt_; }
  double attempt_began() const { return attempt_began_; }  ///< Unix time

  // What is not in those files.
  rundir::RunState state;
  std::string name, version;
  std::optional<double> disk_available_bytes, disk_size_bytes;

 private:
  void step(const nlohmann::ordered_json& record);
  void rank_times(const std::string& node, const nlohmann::ordered_json& record);

  Training training_;
  std::map<RankKey, RankView> ranks_;
  std::map<std::string, NodeView> nodes_;
  std::optional<CheckpointView> checkpoint_;
  std::map<std::string, std::int64_t> faults_;
  int attempt_ = 0;
  double attempt_began_ = 0;
  std::int64_t attempt_step_ = 0, farthest_ = 0;  ///< the last step of this attempt; the last one of all
};

/// The events that are counted as faults.
const std::vector<std::string>& fault_kinds();

}  // namespace pst::monitor
