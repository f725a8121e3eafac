// SPDX-License-Identifier: Apache-2.0
#pragma once
#include <condition_variable>
#include <deque>
#include <filesystem>
#include <mutex>
#include <nlohmann/json.hpp>
#include <optional>
#include <string>
#include <thread>
#include <variant>
#include <vector>

#include "telemetry/node_log.hpp"
#include "telemetry/phase_board.hpp"
#include "telemetry/sample_log.hpp"
#include "telemetry/step_line.hpp"

namespace pst::telemetry {

/// Writes what one node has to tell, from a thread of its own: training hands a step over and goes on, whatever the
/// disk does. That thread also takes a sample per second. It calls neither MPI nor libtorch.
class NodeRecorder {
 public:
  struct Setup {
    std::filesystem::path steps_file, samples_folder;
    std::string host;
    nlohmann::ordered_json header;      ///< beside format, host and columns
    const PhaseBoard* board = nullptr;  ///< nullptr: only this rank's times are known
    int ranks_here = 1, rank = 0;
    double sample_s = 1;  ///< 0: no samples
  };
  static constexpr std::size_t kWaiting = 4096;  ///< records that may wait for the disk; further ones are lost
  static constexpr double kPatience_s = 2;       ///< for the other ranks' times of a step

  explicit NodeRecorder(Setup setup);  ///< @throws Error(io) when the files cannot be made
  ~NodeRecorder();                     ///< writes what is waiting

  void step(const StepLine& line, const RankStep& mine);
  void write(nlohmann::ordered_json record);
  /// Until all that was handed over has reached its file, two seconds at most.
  void flush();
  double cpu_seconds() const;       ///< that recording has cost so far
  std::int64_t lost_lines() const;  ///< because the disk did not keep up, or refused

 private:
  struct Step {
    StepLine line;
    RankStep mine;
    double handed_over;
  };
  using Entry = std::variant<Step, nlohmann::ordered_json>;
  void push(Entry entry);
  void run();
  bool write_front(bool stopping);
  bool write_step(const Step& step, bool wait_no_more);
  void sample();

  Setup setup_;
  NodeLog log_;
  std::optional<SampleLog> samples_;
  std::unique_ptr<Nvml> gpus_;
  mutable std::mutex mutex_;
  std::condition_variable changed_, drained_;
  std::deque<Entry> queue_;
  std::int64_t lost_ = 0, refused_ = 0;
  double cpu_s_ = 0;
  bool stopping_ = false;
  std::thread thread_;
};

/// Version of the node files, in their first line.
inline constexpr int kMetricsFormat = 1;

}  // namespace pst::telemetry
