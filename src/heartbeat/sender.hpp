// SPDX-License-Identifier: Apache-2.0
#pragma once
#include <atomic>
#include <filesystem>
#include <functional>
#include <string>
#include <thread>

#include "heartbeat/endpoint.hpp"
#include "heartbeat/protocol.hpp"
#include "heartbeat/socket.hpp"

namespace pst::heartbeat {

/// Why a rank has to end.
enum class Gone { supervisor, parent, ordered };

/// Prints `why` as an Error(transient) and ends the process with its status, whatever the other threads are in.
void end_process(Gone gone, const std::string& why);

struct SenderSettings {
  Endpoint endpoint;
  int attempt = 0;
  int rank = 0;
  std::string host;
  double beat_s = 1;
  double gone_after_s = 8;  ///< of silence; then the supervisor is taken for dead, and so is this attempt
  std::function<void(Gone gone, const std::string& why)> end = end_process;
};

/// A rank's side of the heartbeats: a thread that says every second how far the rank is and takes orders. It ends the
/// process when the supervisor is gone or when the process's parent is (slurmstepd, mpirun): a rank that nobody watches
/// would hold a node, or write where another attempt does.
class Sender {
 public:
  /// Remembers its caller's parent process, so it should be made early.
  explicit Sender(SenderSettings settings);
  ~Sender();
  Sender(const Sender&) = delete;
  Sender& operator=(const Sender&) = delete;

  /// Where the rank is. Cheap and without a lock: to be called at every step.
  void progress(std::int64_t step, Phase phase) {
    step_.store(step, std::memory_order_relaxed);
    phase_.store(phase, std::memory_order_relaxed);
  }
  void enter(Phase phase) { phase_.store(phase, std::memory_order_relaxed); }
  /// The supervisor wants a checkpoint and an end with status 76.
  bool stop_requested() const { return stop_.load(std::memory_order_relaxed); }

 private:
  void run();
  bool connect();
  bool talk();
  void obey(const std::string& line);
  bool must_end(Gone& gone, std::string& why) const;

  const SenderSettings settings_;
  const int parent_;
  std::atomic<std::int64_t> step_{0};
  std::atomic<Phase> phase_{Phase::joining};
  std::atomic<bool> stop_{false}, quit_{false};
  // Of the thread alone:
  Socket socket_;
  LineBuffer incoming_;
  std::size_t next_address_ = 0;
  double heard_at_ = 0, beat_at_ = 0;
  bool ordered_to_die_ = false;
  Socket wake_;
  std::thread thread_;
};

}  // namespace pst::heartbeat
