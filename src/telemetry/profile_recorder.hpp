// SPDX-License-Identifier: Apache-2.0
#pragma once
#include <atomic>
#include <filesystem>
#include <map>
#include <memory>
#include <mutex>
#include <nlohmann/json.hpp>
#include <string>
#include <thread>
#include <vector>

#include "core/file.hpp"
#include "core/trace.hpp"

namespace pst::telemetry {

/// How far rank 0's clock is ahead, as it was measured at `unix_s` of this node's clock.
struct ClockReading {
  double unix_s = 0, offset_s = 0, uncertainty_s = 0;
};

/// Writes the spans of one rank's traced steps: `attempts/<n>/profile/rank-<r>.json`, an array of Chrome trace events,
/// one a line, whose end a killed rank may tear off (docs/formats/profile.md). A fixed buffer holds what is not yet
/// written; it goes to the file between two steps, and in the middle of one when it is full. A disk that refuses costs
/// spans, which are counted, and never the training.
class ProfileRecorder final : public trace::Sink {
 public:
  struct Setup {
    std::filesystem::path file;  ///< made, with its folder, at the first traced step
    std::int64_t first_step = 1, last_step = 1;
    nlohmann::ordered_json about;        ///< rank, ranks, host, ...: kept in the file's first line
    std::size_t most_spans = 1'000'000;  ///< of the file: about 150 MB. Further ones are counted
    trace::Ranges ranges = {};           ///< are told of the steps' spans as well
  };
  explicit ProfileRecorder(Setup setup);
  ~ProfileRecorder() override;

  /// At the edge before every step. @return this, when the step is to be traced, else nullptr
  trace::Sink* step(std::int64_t step);
  void clock(const ClockReading& reading);

  void entered(const trace::Label& label) noexcept override;
  void left(const trace::Span& span) noexcept override;

  std::int64_t lost_spans() const;

 private:
  /// Copied, since the span's texts may be gone when it is written.
  struct Event {
    trace::Kind kind;
    trace::Way way;
    std::uint8_t lane;
    std::int32_t layer;
    std::int64_t step, bytes, turn, begin_ns, end_ns, self_ns;
    char name[28], group[20];
  };
  /// A thread, and the decoder layer whose backward steps it is at: they come one by one, from libtorch.
  struct Lane {
    std::uint8_t number = 0;
    int layer = -1;
    std::int64_t begin_ns = 0, end_ns = 0;
  };
  void push(const trace::Span& span, const Lane& lane);
  void end_layer(Lane& lane);
  void write_out();
  void append(const std::string& lines) noexcept;
  std::string line_of(const Event& event) const;

  Setup setup_;
  int rank_;
  std::unique_ptr<AppendFile> file_;
  mutable std::mutex mutex_;
  std::vector<Event> buffer_;
  std::map<std::thread::id, Lane> lanes_;
  std::int64_t step_ = 0, began_ns_ = 0, ended_ns_ = 0;  // of the window; 0: not yet
  std::int64_t origin_ns_ = 0;                           // the file's time 0
  std::size_t spans_ = 0;
  std::int64_t lost_ = 0;
};

inline constexpr int kProfileFormat = 1;

}  // namespace pst::telemetry
