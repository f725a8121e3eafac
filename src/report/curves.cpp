// SPDX-License-Identifier: Apache-2.0
#include <algorithm>
#include <cmath>

#include "report/summary.hpp"

namespace pst::report {
namespace {

using nlohmann::ordered_json;

/// Lowest, mean and highest of what fell into a bucket.
class Band {
 public:
  void add(double value) {
    if (!std::isfinite(value)) return;
    low_ = count_ == 0 ? value : std::min(low_, value);
    high_ = count_ == 0 ? value : std::max(high_, value);
    sum_ += value;
    ++count_;
  }
  ordered_json json() const {
    if (count_ == 0) return nullptr;
    return {short_form(low_), short_form(sum_ / count_), short_form(high_)};
  }

 private:
  /// Six digits are more than a screen shows.
  static double short_form(double value) {
    if (value == 0) return 0;
    const double scale = std::pow(10, 5 - std::floor(std::log10(std::abs(value))));
    return std::round(value * scale) / scale;
  }
  double low_ = 0, high_ = 0, sum_ = 0;
  int count_ = 0;
};

double milli(double value) { return std::round(value * 1000) / 1000; }

}  // namespace

ordered_json curves_of(const CountedSteps& steps, const std::vector<Attempt>& attempts, std::size_t points) {
  ordered_json curves = {{"began", nullptr}, {"steps_per_point", 1}};
  for (const char* name : {"step", "seconds", "loss", "lr", "grad_norm", "tokens_per_s", "phases_ms"})
    curves[name] = ordered_json::array();
  const auto& counted = steps.counted;
  if (counted.empty()) return curves;
  double began = counted.front().step->ended;
  for (const auto& attempt : attempts)
    if (!attempt.steps.empty())
      began = std::min(began, attempt.steps.front().ended - 1e-6 * static_cast<double>(attempt.steps.front().step_us));
  curves["began"] = began;
  const std::size_t width = (counted.size() + points - 1) / points;
  curves["steps_per_point"] = width;
  for (std::size_t begin = 0; begin < counted.size(); begin += width) {
    const std::size_t end = std::min(counted.size(), begin + width);
    Band loss, lr, grad_norm, speed;
    Phases phases{};
    std::int64_t told = 0;
    for (std::size_t i = begin; i < end; ++i) {
      const Step& step = *counted[i].step;
      if (step.has_values) {
        loss.add(step.loss);
        lr.add(step.lr);
        grad_norm.add(step.grad_norm);
        if (step.step_us > 0) speed.add(1e6 * static_cast<double>(step.tokens) / static_cast<double>(step.step_us));
      }
      for (std::size_t p = 0; p < phases.size(); ++p) phases[p] += step.phase_us[p];
      told += step.ranks;
    }
    curves["step"].push_back(counted[end - 1].step->step);
    curves["seconds"].push_back(milli(counted[end - 1].step->ended - began));
    curves["loss"].push_back(loss.json());
    curves["lr"].push_back(lr.json());
    curves["grad_norm"].push_back(grad_norm.json());
    curves["tokens_per_s"].push_back(speed.json());
    ordered_json row = ordered_json::array();
    for (const auto phase : phases)
      row.push_back(told > 0 ? ordered_json(milli(1e-3 * static_cast<double>(phase) / static_cast<double>(told)))
                             : ordered_json());
    curves["phases_ms"].push_back(row);
  }
  return curves;
}

}  // namespace pst::report
