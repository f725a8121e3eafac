// SPDX-License-Identifier: Apache-2.0
#include "telemetry/node_recorder.hpp"

#include <time.h>

#include <chrono>
#include <utility>

#include "core/clock.hpp"
#include "core/error.hpp"

namespace pst::telemetry {
namespace {

using nlohmann::ordered_json;
using std::chrono::duration;

double thread_cpu_seconds() {
  timespec time{};
  ::clock_gettime(CLOCK_THREAD_CPUTIME_ID, &time);
  return static_cast<double>(time.tv_sec) + 1e-9 * static_cast<double>(time.tv_nsec);
}

ordered_json complete_header(const NodeRecorder::Setup& setup, const Nvml* gpus) {
  ordered_json header = {{"kind", "start"}, {"format", kMetricsFormat}, {"host", setup.host}};
  for (const auto& [key, value] : setup.header.items()) header[key] = value;
  header["step_columns"] = {"rank", "step_us"};
  for (const char* phase : kStepPhaseNames) header["step_columns"].push_back(std::string(phase) + "_us");
  if (gpus != nullptr) header["gpus"] = gpus->names();
  return header;
}

ordered_json sample_header(const NodeRecorder::Setup& setup) {
  return {{"kind", "start"}, {"format", kMetricsFormat}, {"host", setup.host}, {"sample_columns", sample_columns()}};
}

ordered_json columns_of(int rank, const RankStep& times) {
  ordered_json columns = {rank, times.step_us};
  for (const auto phase : times.phase_us) columns.push_back(phase);
  return columns;
}

}  // namespace

NodeRecorder::NodeRecorder(Setup setup) : setup_(std::move(setup)), log_(setup_.steps_file) {
  if (setup_.sample_s > 0) {
    gpus_ = Nvml::load();
    samples_.emplace(setup_.samples_folder, setup_.host, sample_header(setup_));
  }
  log_.write(complete_header(setup_, gpus_.get()));
  thread_ = std::thread([this] { run(); });
}

NodeRecorder::~NodeRecorder() {
  {
    const std::lock_guard lock(mutex_);
    stopping_ = true;
  }
  changed_.notify_all();
  thread_.join();
}

void NodeRecorder::step(const StepLine& line, const RankStep& mine) { push(Step{line, mine, monotonic_seconds()}); }

void NodeRecorder::write(ordered_json record) { push(std::move(record)); }

void NodeRecorder::push(Entry entry) {
  {
    const std::lock_guard lock(mutex_);
    if (queue_.size() >= kWaiting) {
      ++lost_;
      return;
    }
    queue_.push_back(std::move(entry));
  }
  changed_.notify_one();
}

void NodeRecorder::flush() {
  std::unique_lock lock(mutex_);
  drained_.wait_for(lock, duration<double>(kPatience_s), [&] { return queue_.empty(); });
}

double NodeRecorder::cpu_seconds() const {
  const std::lock_guard lock(mutex_);
  return cpu_s_;
}

std::int64_t NodeRecorder::lost_lines() const {
  const std::lock_guard lock(mutex_);
  return lost_ + refused_;
}

/// @return whether the oldest entry was dealt with; without one, or while its other ranks are awaited, false
bool NodeRecorder::write_front(bool stopping) {
  Entry* front = nullptr;
  std::int64_t lost = 0;
  {
    const std::lock_guard lock(mutex_);
    if (queue_.empty()) return false;
    front = &queue_.front();  // push_back leaves it where it is, and nobody else takes it away
    lost = std::exchange(lost_, 0);
    refused_ += lost;
  }
  if (lost > 0) log_.write({{"kind", "lost"}, {"lines", lost}});
  if (auto* record = std::get_if<ordered_json>(front))
    log_.write(*record);
  else if (!write_step(std::get<Step>(*front), stopping))
    return false;
  const std::lock_guard lock(mutex_);
  cpu_s_ = thread_cpu_seconds();  // before flush() ends: it counts what was flushed
  queue_.pop_front();
  if (queue_.empty()) drained_.notify_all();
  return true;
}

bool NodeRecorder::write_step(const Step& step, bool wait_no_more) {
  const StepLine& line = step.line;
  wait_no_more = wait_no_more || monotonic_seconds() - step.handed_over > kPatience_s;
  ordered_json ranks = ordered_json::array();
  if (setup_.board == nullptr) {
    ranks.push_back(columns_of(setup_.rank, step.mine));
  } else {
    for (int local = 0; local < setup_.ranks_here; ++local) {
      const auto member = setup_.board->member(local);
      const auto times = local == 0 ? std::optional(step.mine) : setup_.board->get(local, line.step);
      if (member && times)
        ranks.push_back(columns_of(member->rank, *times));
      else if (!wait_no_more)
        return false;
    }
  }
  ordered_json record = {{"kind", "step"}, {"step", line.step}, {"us", std::move(ranks)}};
  record["total_steps"] = line.total_steps;
  record["loss"] = line.loss;
  if (line.balance_loss) record["balance_loss"] = *line.balance_loss;
  record["lr"] = line.lr;
  record["grad_norm"] = line.grad_norm;
  record["rows"] = line.rows;
  record["tokens"] = line.tokens;
  record["labelled_tokens"] = line.labelled_tokens;
  record["attention_pairs"] = line.attention_pairs;
  if (line.skipped) record["skipped"] = true;
  const double step_s = static_cast<double>(step.mine.step_us) / 1e6;
  record["step_s"] = step_s;
  record["tokens_per_s"] = step_s > 0 ? static_cast<std::int64_t>(static_cast<double>(line.tokens) / step_s) : 0;
  log_.write(record, line.ended);
  return true;
}

void NodeRecorder::sample() {
  std::vector<Watched> ranks;
  for (int local = 0; setup_.board != nullptr && local < setup_.ranks_here; ++local)
    if (const auto member = setup_.board->member(local)) ranks.push_back({member->rank, member->pid});
  samples_->add({read_machine(ranks), gpus_ ? gpus_->read() : std::vector<GpuReading>{}});
}

void NodeRecorder::run() {
  constexpr double kLookAgain_s = 0.005;  // for another rank's times: it is at most microseconds behind, mostly
  double next_sample = monotonic_seconds();
  for (;;) {
    bool stopping = false;
    {
      const std::lock_guard lock(mutex_);
      stopping = stopping_;
    }
    while (write_front(stopping)) {
    }
    if (stopping) {
      if (samples_) sample();  // so that a short run has one, too
      return;
    }
    if (samples_ && monotonic_seconds() >= next_sample) {
      sample();
      next_sample = std::max(next_sample + setup_.sample_s, monotonic_seconds());
    }
    std::unique_lock lock(mutex_);
    cpu_s_ = thread_cpu_seconds();
    const double idle_s = samples_ ? std::max(0.0, next_sample - monotonic_seconds()) : 1.0;
    if (queue_.empty())
      changed_.wait_for(lock, duration<double>(idle_s), [&] { return stopping_ || !queue_.empty(); });
    else
      changed_.wait_for(lock, duration<double>(std::min(idle_s, kLookAgain_s)), [&] { return stopping_; });
  }
}

}  // namespace pst::telemetry
