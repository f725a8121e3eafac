// SPDX-License-Identifier: Apache-2.0
#include "cluster/worker_logs.hpp"

#include <algorithm>
#include <vector>

#include "core/error.hpp"
#include "core/file.hpp"
#include "core/strings.hpp"
#include "json/record.hpp"

namespace pst::cluster {
namespace fs = std::filesystem;
namespace {

constexpr std::uint64_t kTail = 64 << 10;  ///< of each file: an Error is the last thing a worker says
constexpr std::size_t kMaxFiles = 256;
constexpr std::size_t kMaxReport = 4000;

std::string end_of(const fs::path& file) {
  std::string text;
  try {
    const auto in = RegularFile::open_if_there(file);
    if (!in) return {};
    const std::uint64_t size = in->size();
    text = in->read(size - std::min(size, kTail), kTail);
  } catch (const Error&) {
    return {};  // what a log does not say is known otherwise, or not at all
  }
  for (char& c : text)
    if (c != '\n' && (static_cast<unsigned char>(c) < 0x20 || c == 0x7f)) c = ' ';
  return text;
}

std::vector<fs::path> logs_in(const fs::path& dir) {
  std::vector<fs::path> files;
  std::error_code status;
  for (fs::directory_iterator at(dir, status), end; !status && at != end; at.increment(status))
    if (at->path().extension() == ".log") files.push_back(at->path());
  std::sort(files.begin(), files.end());
  if (files.size() > kMaxFiles) files.resize(kMaxFiles);
  return files;
}

/// The reports in `text`. mpirun and srun may put a prefix before a line; a report starts where "error[" does.
std::vector<std::string> reports_in(const std::string& text) {
  std::vector<std::string> reports;
  bool inside = false;
  for (const auto& line : split(text, '\n')) {
    const bool begins = line.starts_with("error[");
    if (begins)
      reports.emplace_back(line);
    else if (inside && line.starts_with("  "))
      reports.back() += "\n" + line;
    inside = begins || (inside && line.starts_with("  "));
    if (!reports.empty() && reports.back().size() > kMaxReport) reports.back().resize(kMaxReport);
  }
  return reports;
}

}  // namespace

std::string worker_error(const fs::path& attempt_dir) {
  std::string second_best;
  for (const auto& file : logs_in(attempt_dir))
    for (const auto& report : reports_in(end_of(file))) {
      if (!report.starts_with("error[transient]") && !report.starts_with("error[stopped]")) return report;
      if (second_best.empty()) second_best = report;
    }
  return second_best;
}

std::string worker_crash(const fs::path& attempt_dir) {
  constexpr std::string_view kBegin = "crash: ", kEnd = "; its stack:";
  for (const auto& file : logs_in(attempt_dir))
    for (const auto& line : split(end_of(file), '\n')) {
      const auto end = line.find(kEnd);
      if (!line.starts_with(kBegin) || end == std::string::npos) continue;
      return cat("a rank crashed: ", line.substr(kBegin.size(), end - kBegin.size()), " (its stack is in ",
                 file.filename().string(), ")");
    }
  return {};
}

std::int64_t last_step(const fs::path& attempt_dir) {
  std::int64_t last = 0;
  std::error_code status;
  for (fs::directory_iterator at(attempt_dir / "nodes", status), end; !status && at != end; at.increment(status)) {
    for (const auto& line : split(end_of(at->path()), '\n')) {
      const auto record = json::parse_record(line);
      if (record && json::text_of(*record, "kind") == "step")
        last = std::max(last, json::integer(*record, "step").value_or(0));
    }
  }
  return last;
}

std::int64_t step_at_end(const rundir::RunDir& run, int attempt) {
  for (; attempt > 0; --attempt)
    if (const std::int64_t step = last_step(run.attempt(attempt)); step > 0) return step;
  return 0;
}

std::string launcher_words(const fs::path& attempt_dir, int lines) {
  for (const char* name : {"srun.log", "ranks.log"}) {
    const std::string text = end_of(attempt_dir / name);
    std::vector<std::string> all;
    for (const auto& line : split(text, '\n'))
      if (!trim(line).empty()) all.push_back(line);
    if (all.empty()) continue;
    if (all.size() > static_cast<std::size_t>(lines)) all.erase(all.begin(), all.end() - lines);
    return join(all, "\n");
  }
  return {};
}

std::string launch_complaint(const fs::path& attempt_dir) {
  for (const auto& line : split(end_of(attempt_dir / "srun.log"), '\n'))
    if (line.find("launch failed") != std::string::npos || line.find("Task launch for ") != std::string::npos)
      return std::string(trim(line));
  return {};
}

std::vector<std::string> nodes_not_launched_on(const fs::path& attempt_dir) {
  constexpr std::string_view kFailedOn = " failed on node ";
  std::vector<std::string> nodes;
  for (const auto& line : split(end_of(attempt_dir / "srun.log"), '\n')) {
    const auto at = line.find(kFailedOn);
    if (line.find("Task launch for ") == std::string::npos || at == std::string::npos) continue;
    std::string node = line.substr(at + kFailedOn.size());
    node.resize(std::min(node.find(':'), node.size()));
    if (std::find(nodes.begin(), nodes.end(), node) == nodes.end()) nodes.push_back(std::move(node));
  }
  return nodes;
}

}  // namespace pst::cluster
