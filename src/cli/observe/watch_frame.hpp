// SPDX-License-Identifier: Apache-2.0
#pragma once
#include <nlohmann/json.hpp>
#include <optional>
#include <string>
#include <vector>

#include "console/sparkline.hpp"
#include "runs/curve.hpp"
#include "runs/live_state.hpp"
#include "runs/progress.hpp"
#include "runs/run_monitor.hpp"

namespace pst::cli {

/// What the live screen of one run shows.
struct WatchView {
  std::string run;
  runs::LiveState live;
  std::optional<runs::Progress> progress;
  runs::Curve losses = runs::Curve();
  std::vector<runs::NodeSign> nodes;
  std::vector<nlohmann::ordered_json> events;  ///< the newest, oldest first
};

/// The screen as lines, none wider than `width`, at most `height` of them; what is least urgent is left out first.
std::vector<std::string> frame(const WatchView& view, std::size_t width, std::size_t height, console::Marks marks);

/// "12:00:01 started attempt=2 ranks=2 hosts=n[1-2]": one line, in the clock of the event (UTC).
std::string event_line(const nlohmann::ordered_json& event);

}  // namespace pst::cli
