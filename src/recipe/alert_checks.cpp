// SPDX-License-Identifier: Apache-2.0
// What is wrong with alerts beyond single values.
#include <algorithm>

#include "core/strings.hpp"
#include "recipe/checks.hpp"
#include "telemetry/live_metrics.hpp"

namespace pst::recipe {
namespace {

constexpr std::size_t kMostRules = 100;
constexpr const char* kValues[] = {"metric", "above", "below", "do"};

const BuiltInAlert* built_in(const std::string& name) {
  for (const auto& known : built_in_alerts())
    if (name == known.name) return &known;
  return nullptr;
}

std::string did_you_mean(const std::string& word, const std::vector<std::string>& candidates) {
  const auto meant = nearest(word, candidates);
  return meant ? cat("; did you mean '", *meant, "'?") : std::string();
}

std::vector<std::string> names_of_built_in() {
  std::vector<std::string> names;
  for (const auto& known : built_in_alerts()) names.emplace_back(known.name);
  return names;
}

std::vector<std::string> names_of_metrics() {
  std::vector<std::string> names;
  for (const auto& metric : telemetry::live_metrics()) names.emplace_back(metric.name);
  return names;
}

/// One rule at a time; what is wrong with it, at the key that is to blame.
class RuleChecker {
 public:
  RuleChecker(std::string at, const Alert& alert, const config::Places& places, config::Problems& problems)
      : at_(std::move(at)), alert_(alert), places_(places), problems_(problems) {}

  void own() {
    if (!alert_.metric) {
      add("name", cat("'", alert_.name, "' is no built-in alert", did_you_mean(alert_.name, names_of_built_in()),
                      " (built in: ", join(names_of_built_in(), ", "),
                      "); a rule of your own needs metric, and above or below"));
      return;
    }
    if (telemetry::find_live_metric(*alert_.metric) == nullptr)
      add("metric", cat("there is no metric ", quoted(*alert_.metric), did_you_mean(*alert_.metric, names_of_metrics()),
                        "; docs/monitoring.md lists them"));
    if (!alert_.above && !alert_.below) add("metric", cat("rule '", alert_.name, "' needs above or below"));
  }

  void changed(const BuiltInAlert& known) {
    if (alert_.metric)
      add("metric",
          cat("'", alert_.name, "' is built in and looks at ", known.metric, "; give a rule of your own another name"));
    const bool above = known.direction == Direction::above;
    if (above ? alert_.below.has_value() : alert_.above.has_value())
      add(above ? "below" : "above",
          cat("'", alert_.name, "' is built in and fires ", above ? "above" : "below", " a value"));
  }

  void both() {
    if (alert_.above && alert_.below) add("below", "above and below exclude each other; write two rules");
  }

  void targets(const Notify& notify) {
    const auto asks = [&](AlertAction action) {
      return std::find(alert_.actions.begin(), alert_.actions.end(), action) != alert_.actions.end();
    };
    if (asks(AlertAction::mail) && !notify.mail) add("do", "mail needs notify.mail, an address");
    if (asks(AlertAction::webhook) && !notify.webhook && !notify.secrets_file)
      add("do", "webhook needs notify.webhook, or notify.secrets_file with WEBHOOK_URL");
    if (asks(AlertAction::command) && notify.command.empty()) add("do", "command needs notify.command");
  }

  void add(const char* key, const std::string& what) { problems_.add(places_.of(cat(at_, ".", key)), what); }

 private:
  std::string at_;
  const Alert& alert_;
  const config::Places& places_;
  config::Problems& problems_;
};

}  // namespace

void check_alerts(const Recipe& recipe, const config::Places& places, config::Problems& problems) {
  const auto& alerts = recipe.alerts;
  if (alerts.size() > kMostRules)
    problems.add(places.of("alerts"), cat("alerts has ", alerts.size(), " rules; ", kMostRules, " are the most"));
  for (std::size_t i = 0; i < std::min(alerts.size(), kMostRules); ++i) {
    const std::string at = cat("alerts[", i, "]");
    const Alert& alert = alerts[i];
    if (alert.name.empty() || places.is_wrong(at + ".name")) continue;  // told already
    RuleChecker rule(at, alert, places, problems);
    for (std::size_t j = 0; j < i; ++j)
      if (alerts[j].name == alert.name) rule.add("name", cat("there is a rule '", alert.name, "' already"));
    const bool wrong = std::any_of(std::begin(kValues), std::end(kValues),
                                   [&](const char* key) { return places.is_wrong(cat(at, ".", key)); });
    if (wrong) continue;
    rule.both();
    if (const auto* known = built_in(alert.name))
      rule.changed(*known);
    else
      rule.own();
    rule.targets(recipe.notify);
  }
}

}  // namespace pst::recipe
