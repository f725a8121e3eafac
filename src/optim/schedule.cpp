// SPDX-License-Identifier: Apache-2.0
#include "optim/schedule.hpp"

#include <algorithm>
#include <cmath>
#include <numbers>

namespace pst::optim {
namespace {

double ratio(std::int64_t part, std::int64_t whole) {
  return static_cast<double>(part) / static_cast<double>(std::max<std::int64_t>(1, whole));
}

/// A step of a run.
struct Place {
  double base = 0;  // rate
  std::int64_t step = 0, warmup = 0, total = 0;
  std::int64_t since() const { return step - warmup; }
  std::int64_t steps() const { return total - warmup; }  // after the warm-up
  double progress() const { return ratio(since(), steps()); }
};

double half_cosine(double progress, double cycles = 0.5) {
  return 0.5 * (1 + std::cos(std::numbers::pi * cycles * 2 * progress));
}

double above_floor(double factor, double floor) { return std::max(0.0, factor * (1 - floor) + floor); }

// The part of the base rate after the warm-up, of a row of the table each (recipe/schedules.hpp).

double part_of(const recipe::Constant&, const Place&) { return 1; }

double part_of(const recipe::ConstantWithWarmup&, const Place&) { return 1; }

double part_of(const recipe::Linear&, const Place& at) {
  return std::max(0.0, ratio(at.steps() - at.since(), at.steps()));
}

double part_of(const recipe::Cosine& s, const Place& at) {
  return std::max(0.0, half_cosine(at.progress(), s.num_cycles));
}

double part_of(const recipe::CosineWithRestarts& s, const Place& at) {
  if (at.progress() >= 1) return 0;
  return std::max(0.0, half_cosine(std::fmod(s.num_cycles * at.progress(), 1.0)));
}

double part_of(const recipe::CosineWithMinLr& s, const Place& at) {
  const double floor = s.min_lr ? *s.min_lr / at.base : s.min_lr_rate.value_or(0);
  return above_floor(half_cosine(at.progress(), s.num_cycles), floor);
}

double part_of(const recipe::Polynomial& s, const Place& at) {
  if (at.step >= at.total) return s.lr_end / at.base;
  const double left = 1 - at.progress();
  return ((at.base - s.lr_end) * std::pow(left, s.power) + s.lr_end) / at.base;
}

double part_of(const recipe::InverseSqrt& s, const Place& at) {
  const std::int64_t scale = s.timescale.value_or(at.warmup > 0 ? at.warmup : 10000);
  return 1 / std::sqrt(ratio(at.since() + scale, scale));
}

double part_of(const recipe::WarmupStableDecay& s, const Place& at) {
  const std::int64_t stable = s.num_stable_steps.value_or(at.steps() - s.num_decay_steps),
                     falling = at.since() - stable;
  if (falling < 0) return 1;
  if (falling >= s.num_decay_steps) return s.min_lr_ratio;
  const double progress = ratio(falling, s.num_decay_steps);
  switch (s.decay_type) {
    case recipe::Slope::linear: return above_floor(1 - progress, s.min_lr_ratio);
    case recipe::Slope::cosine: return above_floor(half_cosine(progress, s.num_cycles), s.min_lr_ratio);
    case recipe::Slope::one_minus_sqrt: break;
  }
  return above_floor(1 - std::sqrt(progress), s.min_lr_ratio);
}

// And within the warm-up, from 0 to 1.

template <class Course>
double rise_of(const Course&, double progress) {
  return progress;
}

double rise_of(const recipe::WarmupStableDecay& s, double progress) {
  switch (s.warmup_type) {
    case recipe::Slope::linear: return above_floor(progress, s.min_lr_ratio);
    case recipe::Slope::cosine: return above_floor(0.5 * (1 - std::cos(std::numbers::pi * progress)), s.min_lr_ratio);
    case recipe::Slope::one_minus_sqrt: break;
  }
  return above_floor(1 - std::sqrt(1 - progress), s.min_lr_ratio);
}

}  // namespace

std::int64_t warmup_steps(const recipe::Scheduler& scheduler, std::int64_t total_steps) {
  if (scheduler.warmup_steps) return *scheduler.warmup_steps;
  const auto share = static_cast<std::int64_t>(std::ceil(scheduler.warmup_ratio * static_cast<double>(total_steps)));
  return std::min(share, std::max<std::int64_t>(0, total_steps - 1));  // a run of one step would learn nothing
}

double learning_rate(const recipe::Scheduler& scheduler, double base, std::int64_t step, std::int64_t total_steps) {
  if (base == 0) return 0;
  const std::int64_t warmup = warmup_steps(scheduler, total_steps);
  const Place at{base, step, warmup, total_steps};
  return base * std::visit(
                    [&](const auto& course) {
                      return step < warmup ? rise_of(course, ratio(step, warmup)) : part_of(course, at);
                    },
                    scheduler.course);
}

}  // namespace pst::optim
