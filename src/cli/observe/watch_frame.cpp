// SPDX-License-Identifier: Apache-2.0
#include "cli/observe/watch_frame.hpp"

#include <algorithm>
#include <cmath>
#include <cstdio>

#include "core/printable.hpp"
#include "core/strings.hpp"

namespace pst::cli {
namespace {

using nlohmann::ordered_json;

constexpr std::size_t kLongestValue = 100;

std::string seconds_text(double seconds) {
  if (std::abs(seconds) >= 1) return human_seconds(seconds);
  const bool tiny = std::abs(seconds) < 1e-3;
  return cat(std::lround(seconds * (tiny ? 1e6 : 1e3)), tiny ? " us" : " ms");
}

/// An event's value as a person reads it: seconds in a unit that fits, other fractions to three digits.
std::string value_text(const std::string& key, const ordered_json& value) {
  if (value.is_string()) return value.get<std::string>();
  if (!value.is_number_float()) return value.dump(-1, ' ', false, ordered_json::error_handler_t::replace);
  const double number = value.get<double>();
  if (key.ends_with("_s")) return seconds_text(number);
  char text[32];
  std::snprintf(text, sizeof text, "%.3g", number);
  return text;
}

std::string head_line(const WatchView& view) {
  const auto& run = view.live.run;
  std::string line = cat(view.run, "   ", rundir::name_of(run.state));
  if (run.attempt > 0) line += cat("   attempt ", run.attempt);
  if (run.job_id) line += cat("   job ", *run.job_id);
  if (run.chain.size() > 1) line += cat(" of a chain of ", run.chain.size());
  return line;
}

std::string reason_line(const WatchView& view) {
  if (!view.live.run.reason.empty()) return view.live.run.reason.substr(0, view.live.run.reason.find('\n'));
  return view.live.job && view.live.job->state != "RUNNING" ? cluster::to_text(*view.live.job) : std::string();
}

std::string bar_line(const runs::Progress& progress, std::size_t width, console::Marks marks) {
  if (progress.total_steps <= 0) return cat("step ", progress.step);
  const double share = static_cast<double>(progress.step) / static_cast<double>(progress.total_steps);
  const std::string left = progress.seconds_left && *progress.seconds_left < 1e8
                               ? cat("  ", human_seconds(*progress.seconds_left), " left")
                               : "";
  const std::string text = cat("step ", progress.step, "/", progress.total_steps, "  ");
  const std::string percent = cat("  ", static_cast<int>(100 * share), " %", left);
  const std::size_t used = text.size() + percent.size();
  return text + console::bar(share, used + 3 < width ? std::min<std::size_t>(width - used, 42) : 0, marks) + percent;
}

std::string numbers_line(const runs::Progress& progress) {
  runs::Progress numbers = progress;
  numbers.seconds_left.reset();
  const std::string line = to_line(numbers);
  const auto blank = line.find("  ");  // the step stands in the line above
  return blank == std::string::npos ? std::string() : line.substr(blank + 2);
}

std::string loss_line(const runs::Curve& losses, std::size_t width, console::Marks marks) {
  const std::string range = cat("  ", fixed(losses.first(), 3), " -> ", fixed(losses.last(), 3));
  const std::size_t used = 5 + range.size();
  return used + 4 > width
             ? std::string()
             : "loss " + console::sparkline(losses.values(), std::min<std::size_t>(width - used, 60), marks) + range;
}

std::string nodes_line(const std::vector<runs::NodeSign>& nodes) {
  std::vector<std::string> parts;
  for (const auto& node : nodes) parts.push_back(cat(node.name, " ", human_seconds(std::max(0.0, node.age_s)), " ago"));
  return "heard  " + join(parts, "   ");
}

}  // namespace

std::string event_line(const ordered_json& event) {
  std::string time, kind, rest;
  for (const auto& [key, value] : event.items()) {
    const std::string text = value_text(key, value);
    if (key == "t")
      time = text.size() >= 19 ? text.substr(11, 8) : text;  // 2026-01-31T12:00:00.123Z
    else if (key == "event")
      kind = text;
    else if (!text.empty())
      rest += cat(" ", key, "=", text.substr(0, kLongestValue));
  }
  return cat(time, " ", kind, rest);
}

std::vector<std::string> frame(const WatchView& view, std::size_t width, std::size_t height, console::Marks marks) {
  std::vector<std::string> lines = {head_line(view)};
  const auto add = [&](std::string line) {
    if (!line.empty()) lines.push_back(std::move(line));
  };
  add(reason_line(view));
  for (const auto& alert : view.live.run.alerts) add("alert  " + alert.what);
  if (view.progress) {
    add(bar_line(*view.progress, width, marks));
    add(numbers_line(*view.progress));
  }
  if (!view.losses.empty()) add(loss_line(view.losses, width, marks));
  if (!view.nodes.empty()) add(nodes_line(view.nodes));

  const std::size_t keys = height > lines.size() ? 1 : 0;  // the last line says how to leave
  if (height > lines.size() + keys + 1 && !view.events.empty()) {
    const std::size_t room = height - lines.size() - keys - 1;
    lines.emplace_back("");
    for (std::size_t i = view.events.size() - std::min(room, view.events.size()); i < view.events.size(); ++i)
      lines.push_back(event_line(view.events[i]));
  }
  if (keys) lines.emplace_back("q quits, the run goes on");
  if (lines.size() > height) lines.resize(height);
  for (auto& line : lines) line = console::cut(printable(line), width);
  return lines;
}

}  // namespace pst::cli
