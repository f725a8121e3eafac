// SPDX-License-Identifier: Apache-2.0
#pragma once
#include <map>
#include <string>

#include "monitor/run_view.hpp"
#include "rundir/run_dir.hpp"
#include "telemetry/line_tail.hpp"

namespace pst::monitor {

/// Keeps a RunView up to date from a run's folder: the newest attempt's nodes/ and samples/, one nodes/ file of each
/// older attempt, events.jsonl. What cannot be read just now is left for the next time.
class RunReader {
 public:
  explicit RunReader(rundir::RunDir run);
  const RunView& look();

 private:
  using Tails = std::map<std::string, telemetry::LineTail>;  ///< by node
  void read_events();
  void read_attempts();
  void read_older(int attempt);
  void read_current();
  static void add_new(const std::filesystem::path& folder, Tails& tails);

  rundir::RunDir run_;
  RunView view_;
  telemetry::LineTail events_;
  Tails nodes_, samples_;
  int attempt_ = 0;
};

}  // namespace pst::monitor
