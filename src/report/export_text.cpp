// SPDX-License-Identifier: Apache-2.0
#include <cmath>

#include "core/strings.hpp"
#include "json/record.hpp"
#include "report/export_metrics.hpp"

namespace pst::report {
namespace {

using json::real;
using json::text_of;
using nlohmann::ordered_json;

std::string label(std::string_view text) {
  std::string safe;
  for (const char c : text) safe += c == '\\' ? "\\\\" : c == '"' ? "\\\"" : c == '\n' ? "\\n" : std::string(1, c);
  return safe;
}

/// Metrics of one name stand together, below their HELP and TYPE.
class Exposition {
 public:
  explicit Exposition(std::string run) : run_(label(run)) {}
  void begin(const char* name, const char* type, const char* help) {
    name_ = name;
    text_ += cat("# HELP ", name, ' ', help, "\n# TYPE ", name, ' ', type, '\n');
  }
  void value(const std::optional<double>& value, const std::string& more_labels = {}) {
    if (!value) return;
    text_ += cat(name_, "{run=\"", run_, '"', more_labels, "} ", std::isnan(*value) ? "NaN" : number(*value), '\n');
  }
  void one(const char* name, const char* type, const char* help, const std::optional<double>& known) {
    if (!known) return;
    begin(name, type, help);
    value(known);
  }
  std::string text() const { return text_; }

 private:
  std::string run_, name_, text_;
};

}  // namespace

std::string prometheus_text(const ordered_json& report, const CountedSteps& steps) {
  Exposition out(text_of(report["run"], "folder"));
  if (!steps.counted.empty()) {
    const Step& last = *steps.counted.back().step;
    out.one("peft_studio_step", "gauge", "Optimizer steps done.", static_cast<double>(last.step));
    out.one("peft_studio_loss", "gauge", "Training loss of the last step, in nats per labelled token.", last.loss);
    out.one("peft_studio_learning_rate", "gauge", "Learning rate of the last step.", last.lr);
    out.one("peft_studio_gradient_norm", "gauge", "Norm of the gradient of the last step, before clipping.",
            last.grad_norm);
    out.one("peft_studio_step_seconds", "gauge", "Duration of the last step on its slowest rank.",
            static_cast<double>(last.step_us) / 1e6);
    out.one("peft_studio_last_step_timestamp_seconds", "gauge", "When the last step ended, Unix time.", last.ended);
  }
  out.one("peft_studio_steps_planned", "gauge", "Optimizer steps that the recipe asks for.",
          real(report["totals"], "steps_planned"));
  out.one("peft_studio_tokens_total", "counter", "Tokens trained on, in steps that counted.",
          real(report["totals"], "tokens"));
  out.one("peft_studio_tokens_per_second", "gauge", "Mean speed in steps, all ranks together.",
          real(report["totals"], "tokens_per_s"));
  out.one("peft_studio_attempts_total", "counter", "Attempts so far.", static_cast<double>(report["attempts"].size()));
  out.one("peft_studio_node_hours_total", "counter", "Node hours used so far.", real(report["cost"], "node_hours"));
  if (!report["evaluations"].empty())
    out.one("peft_studio_validation_loss", "gauge", "Latest validation loss, in nats per labelled token.",
            real(report["evaluations"].back(), "loss"));
  if (!report["ranks"].empty()) {
    const auto labels = [](const ordered_json& rank) {
      return cat(",rank=\"", rank["rank"].get<int>(), "\",node=\"", label(text_of(rank, "node")), '"');
    };
    out.begin("peft_studio_phase_seconds", "gauge", "Mean time per step of a rank in a phase.");
    for (const auto& rank : report["ranks"])
      for (const auto& [phase, ms] : rank["phases_ms"].items())
        if (ms.is_number()) out.value(ms.get<double>() / 1e3, cat(labels(rank), ",phase=\"", phase, '"'));
    out.begin("peft_studio_resident_bytes", "gauge", "Peak of a rank's resident memory.");
    for (const auto& rank : report["ranks"]) out.value(real(rank, "resident_peak_bytes"), labels(rank));
  }
  return out.text();
}

ordered_json mlflow_batches(const ordered_json& report, const CountedSteps& steps,
                            const std::vector<std::pair<std::string, std::string>>& keys) {
  constexpr std::size_t kMetrics = 1000, kParams = 100;  // limits of a log-batch request
  ordered_json batches = ordered_json::array();
  ordered_json params = ordered_json::array(), metrics = ordered_json::array();
  const auto flush = [&] {
    if (params.empty() && metrics.empty()) return;
    batches.push_back({{"params", std::exchange(params, ordered_json::array())},
                       {"metrics", std::exchange(metrics, ordered_json::array())}});
  };
  for (const auto& [key, value] : keys) {
    params.push_back({{"key", key}, {"value", value.substr(0, 500)}});
    if (params.size() == kParams) flush();
  }
  const auto metric = [&](const char* key, double value, double unix_s, std::int64_t step) {
    if (!std::isfinite(value)) return;
    metrics.push_back(
        {{"key", key}, {"value", value}, {"timestamp", static_cast<std::int64_t>(unix_s * 1000)}, {"step", step}});
    if (metrics.size() == kMetrics) flush();
  };
  for (const auto& [attempt, step] : steps.counted) {
    if (!step->has_values) continue;
    metric("train/loss", step->loss, step->ended, step->step);
    metric("train/learning_rate", step->lr, step->ended, step->step);
    metric("train/grad_norm", step->grad_norm, step->ended, step->step);
    if (step->step_us > 0)
      metric("train/tokens_per_s", 1e6 * static_cast<double>(step->tokens) / static_cast<double>(step->step_us),
             step->ended, step->step);
  }
  for (const auto& e : report["evaluations"])
    if (e["loss"].is_number())
      metric("validation/loss", e["loss"].get<double>(), e["t"].get<double>(), e["step"].get<std::int64_t>());
  flush();
  return {{"run_name", text_of(report["run"], "folder")},
          {"tags",
           {{{"key", "peft_studio.version"}, {"value", text_of(report["run"], "version")}},
            {{"key", "peft_studio.state"}, {"value", text_of(report["outcome"], "state")}}}},
          {"log_batch", batches}};
}

}  // namespace pst::report
