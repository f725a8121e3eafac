// SPDX-License-Identifier: Apache-2.0
#pragma once
#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <utility>
#include <vector>

namespace pst::config {
class Fields;
}

namespace pst::recipe {

/// How others see a running job's metrics. docs/monitoring.md
struct Metrics {
  std::optional<int> prometheus_port;  ///< 0: any free one
  std::string prometheus_address = "127.0.0.1";
  std::optional<std::string> textfile;
};

/// Where alerts go to, for those whose `do` says so.
struct Notify {
  std::optional<std::string> mail, webhook;
  std::vector<std::string> command;
  std::optional<std::string> secrets_file;  ///< WEBHOOK_URL, WEBHOOK_TOKEN
  double timeout = 10;                      ///< seconds
};

enum class Severity { info, warning, critical };
enum class AlertAction { log, mail, webhook, command };
enum class Direction { above, below };

/// A rule as it is written; what a built-in one leaves out is in kBuiltInAlerts.
struct Alert {
  std::string name;
  std::optional<std::string> metric;
  std::optional<double> above, below;
  std::optional<double> for_s;  ///< `for`
  std::optional<Severity> severity;
  std::vector<AlertAction> actions = {AlertAction::log};  ///< `do`
};

/// A rule that is there by its name.
struct BuiltInAlert {
  const char* name;
  const char* metric;
  Direction direction;
  double threshold, for_s;
  Severity severity;
  const char* meaning;
};
std::span<const BuiltInAlert> built_in_alerts();

/// A rule with nothing left open.
struct AlertRule {
  std::string name, metric;  ///< without the prefix
  Direction direction = Direction::above;
  double threshold = 0, for_s = 0;
  Severity severity = Severity::warning;
  std::vector<AlertAction> actions;
  std::string meaning;  ///< empty for those of the user's own
};
/// @param alert  of a checked recipe
AlertRule completed_rule(const Alert& alert);

std::vector<std::pair<const char*, Severity>> words_of(Severity);
std::vector<std::pair<const char*, AlertAction>> words_of(AlertAction);
const char* name_of(Severity severity);
void bind(config::Fields& field, Metrics& s);
void bind(config::Fields& field, Notify& s);
void bind(config::Fields& field, Alert& s);

}  // namespace pst::recipe
