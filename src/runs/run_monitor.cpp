// SPDX-License-Identifier: Apache-2.0
#include "runs/run_monitor.hpp"

#include <algorithm>
#include <chrono>
#include <numeric>

#include "core/error.hpp"

namespace pst::runs {
namespace {

using nlohmann::ordered_json;

constexpr std::size_t kStepsForEstimate = 20;

std::optional<double> real(const ordered_json& record, const char* key) {
  const auto found = record.find(key);
  return found != record.end() && found->is_number() ? std::optional(found->get<double>()) : std::nullopt;
}

std::int64_t integer(const ordered_json& record, const char* key, std::int64_t otherwise) {
  const auto found = record.find(key);
  return found != record.end() && found->is_number_integer() ? found->get<std::int64_t>() : otherwise;
}

}  // namespace

const std::optional<Progress>& RunMonitor::poll() {
  const int newest = run_.last_attempt();
  if (newest == 0) return progress_;
  if (newest != attempt_) {
    attempt_ = newest;
    tails_.clear();
    step_seconds_.clear();
    progress_.reset();
  }
  std::error_code status;
  for (std::filesystem::directory_iterator at(run_.attempt(attempt_) / "nodes", status), end; !status && at != end;
       at.increment(status))
    if (at->path().extension() == ".jsonl") tails_.try_emplace(at->path().filename().string(), at->path());
  for (auto& [name, tail] : tails_) {
    try {
      for (const auto& record : tail.read()) apply(record);
    } catch (const Error&) {
      // A network file system may refuse for a moment.
    }
  }
  return progress_;
}

std::vector<NodeSign> RunMonitor::nodes() const {
  std::vector<NodeSign> all;
  const auto now = std::filesystem::file_time_type::clock::now();
  for (const auto& [name, tail] : tails_) {
    std::error_code status;
    const auto file = run_.attempt(attempt_) / "nodes" / name;
    const auto written = std::filesystem::last_write_time(file, status);
    if (!status) all.push_back({file.stem().string(), std::chrono::duration<double>(now - written).count()});
  }
  return all;
}

std::optional<double> RunMonitor::longest_step_s() const {
  if (step_seconds_.empty()) return std::nullopt;
  return *std::max_element(step_seconds_.begin(), step_seconds_.end());
}

void RunMonitor::apply(const ordered_json& record) {
  const auto kind = record.find("kind");
  if (kind == record.end() || !kind->is_string()) return;
  if (*kind == "plan" || *kind == "step") {
    if (!progress_) progress_.emplace();
    progress_->total_steps = integer(record, "total_steps", progress_->total_steps);
  }
  if (*kind == "eval" && progress_) {
    if (const auto loss = real(record, "loss")) progress_->validation_loss = loss;
  }
  if (*kind != "step") return;
  const auto step = integer(record, "step", 0);
  if (step <= progress_->step) return;  // another node's record of a step that we have
  progress_->step = step;
  progress_->loss = real(record, "loss");
  if (progress_->loss) losses_.add(step, *progress_->loss);
  progress_->lr = real(record, "lr");
  progress_->tokens_per_s = real(record, "tokens_per_s");
  if (const auto seconds = real(record, "step_s")) step_seconds_.push_back(*seconds);
  if (step_seconds_.size() > kStepsForEstimate) step_seconds_.pop_front();
  if (!step_seconds_.empty() && progress_->total_steps >= step) {
    const double mean =
        std::accumulate(step_seconds_.begin(), step_seconds_.end(), 0.0) / static_cast<double>(step_seconds_.size());
    progress_->seconds_left = mean * static_cast<double>(progress_->total_steps - step);
  }
}

}  // namespace pst::runs
