// SPDX-License-Identifier: Apache-2.0
#include "cluster/patience.hpp"

#include <algorithm>
#include <cmath>

namespace pst::cluster {
namespace {

constexpr std::size_t kRemembered = 500;
constexpr double kFactor = 5;  // as NVIDIA's resiliency extension has it: no false alarm in weeks of steps

}  // namespace

Patience after_failures(Patience patience, int failures) {
  constexpr double kMore = 4;
  const double factor = std::pow(kMore, failures);
  for (double* const waits : {&patience.silent_after, &patience.come_within, &patience.join_within, &patience.floor})
    *waits *= factor;
  patience.start_within *= std::min(factor, kMore);  // from ten minutes on: an allocation is not held for hours
  return patience;
}

void ProgressWatch::look(const std::vector<heartbeat::RankSigns>& ranks, double now) {
  if (moved_at_ == 0) moved_at_ = now;
  bool somebody_trains = false, somebody_joins = false;
  std::int64_t step = step_;
  for (const auto& rank : ranks) {
    moved_at_ = std::max(moved_at_, rank.moved_at);
    somebody_trains |= rank.phase == heartbeat::Phase::training;
    somebody_joins |= rank.phase == heartbeat::Phase::joining;
    step = std::max(step, rank.step);
  }
  if (step > step_) {
    // The first steps warm caches up, and come after loading: nothing to learn from before one has been seen.
    if (stepped_at_ > 0) learn((now - stepped_at_) / static_cast<double>(step - step_));
    stepped_at_ = now;
    step_ = step;
  }
  const bool knows = !step_times_.empty();
  deadline_s_ = somebody_joins             ? patience_.join_within
                : somebody_trains && knows ? learned_s_
                                           : std::max(patience_.start_within, learned_s_);
}

void ProgressWatch::learn(double step_s) {
  if (step_times_.size() < kRemembered)
    step_times_.push_back(step_s);
  else
    step_times_[next_++ % kRemembered] = step_s;
  std::vector<double> sorted = step_times_;
  const auto p99 = sorted.begin() + static_cast<std::ptrdiff_t>((sorted.size() - 1) * 99 / 100);
  std::nth_element(sorted.begin(), p99, sorted.end());
  learned_s_ = std::max(patience_.floor, kFactor * *p99);
}

}  // namespace pst::cluster
