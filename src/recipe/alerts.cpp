// SPDX-License-Identifier: Apache-2.0
#include "recipe/alerts.hpp"

#include <arpa/inet.h>

#include <algorithm>
#include <array>

#include "config/fields.hpp"
#include "core/strings.hpp"
#include "recipe/text_checks.hpp"
#include "telemetry/live_metrics.hpp"

namespace pst::recipe {
namespace {

constexpr std::array kBuiltIn = {
    BuiltInAlert{"loss-anomaly", "loss_ratio", Direction::above, 2, 0, Severity::warning,
                 "the loss is no number, or more than twice the median of the steps before"},
    BuiltInAlert{"no-progress", "last_step_age_seconds", Direction::above, 600, 0, Severity::critical,
                 "no step has ended for ten minutes"},
    BuiltInAlert{"node-slow", "rank_work_ratio", Direction::above, 1.25, 60, Severity::warning,
                 "for a minute a rank has needed a quarter more time for its work than the mean: the others wait"},
    BuiltInAlert{"disk-low", "disk_available_bytes", Direction::below, 2e9, 0, Severity::warning,
                 "less than 2 GB are left where the run's folder is"},
    BuiltInAlert{"gpu-hot", "gpu_temperature_celsius", Direction::above, 85, 60, Severity::warning,
                 "a GPU has been above 85 degrees for a minute"},
    BuiltInAlert{"finished", "finished", Direction::above, 0, 0, Severity::info,
                 "the run is completed, failed, cancelled or paused"},
};

bool is_rule_name(std::string_view text) {
  return !text.empty() && text.size() <= 64 && std::all_of(text.begin(), text.end(), [](char c) {
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '.' || c == '_' ||
           c == '-';
  });
}

/// It becomes an argument of the mail program: nothing that could be an option or a second address.
bool is_mail_address(std::string_view text) {
  return !text.empty() && text.size() <= 254 && text.front() != '-' && text.front() != '@' &&
         std::all_of(text.begin(), text.end(), [](char c) {
           return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') ||
                  std::string_view("@._%+-=").find(c) != std::string_view::npos;
         });
}

/// A URL with a password in it would stand in recipe.yaml for everybody to read.
bool is_open_url(std::string_view text) {
  if (!text.starts_with("http://") && !text.starts_with("https://")) return false;
  const auto host = text.substr(text.find("//") + 2);
  const bool plain = std::all_of(text.begin(), text.end(), [](char c) { return c > 0x20 && c < 0x7f; });
  return plain && text.size() <= 2000 && !host.empty() && host.front() != '/' &&
         host.substr(0, host.find_first_of("/?#")).find('@') == std::string_view::npos;
}

bool is_ip_address(std::string_view text) {
  std::array<unsigned char, 16> ignored{};
  const std::string address(text);
  return ::inet_pton(AF_INET, address.c_str(), ignored.data()) == 1 ||
         ::inet_pton(AF_INET6, address.c_str(), ignored.data()) == 1;
}

}  // namespace

std::span<const BuiltInAlert> built_in_alerts() { return kBuiltIn; }

AlertRule completed_rule(const Alert& alert) {
  AlertRule rule{.name = alert.name, .metric = {}, .actions = alert.actions, .meaning = {}};
  for (const auto& known : kBuiltIn)
    if (alert.name == known.name)
      rule = {.name = alert.name,
              .metric = known.metric,
              .direction = known.direction,
              .threshold = known.threshold,
              .for_s = known.for_s,
              .severity = known.severity,
              .actions = alert.actions,
              .meaning = known.meaning};
  if (alert.metric)
    if (const auto* metric = telemetry::find_live_metric(*alert.metric)) rule.metric = metric->name;
  const double threshold = rule.threshold;
  if (alert.above) {
    rule.direction = Direction::above;
    rule.threshold = *alert.above;
  } else if (alert.below) {
    rule.direction = Direction::below;
    rule.threshold = *alert.below;
  }
  rule.for_s = alert.for_s.value_or(rule.for_s);
  rule.severity = alert.severity.value_or(rule.severity);
  if (rule.threshold != threshold || alert.for_s) rule.meaning.clear();  // its words name the usual figures
  return rule;
}

std::vector<std::pair<const char*, Severity>> words_of(Severity) {
  return {{"info", Severity::info}, {"warning", Severity::warning}, {"critical", Severity::critical}};
}

std::vector<std::pair<const char*, AlertAction>> words_of(AlertAction) {
  return {{"log", AlertAction::log},
          {"mail", AlertAction::mail},
          {"webhook", AlertAction::webhook},
          {"command", AlertAction::command}};
}

const char* name_of(Severity severity) {
  for (const auto& [word, value] : words_of(severity))
    if (value == severity) return word;
  return "warning";
}

void bind(config::Fields& field, Metrics& s) {
  using config::Absent;
  field("prometheus_port", &s.prometheus_port, Absent::null, config::between(0, 65535),
        "Port on the job's first node that answers Prometheus at `/metrics`; 0: any free one. The run's folder says "
        "which, in `prometheus_sd.json`. `null`: none.");
  field(
      "prometheus_address", &s.prometheus_address, config::text_that("an IP address", is_ip_address),
      "Address that it listens at. The default is heard on that node only; `0.0.0.0` is open to everybody who reaches "
      "the node: there is no password.");
  field(
      "textfile", &s.textfile, Absent::null, path(),
      "The same as a file, for the node exporter's textfile collector: its name ends in `.prom`, or it is a folder in "
      "which every run has a file of its own.");
}

void bind(config::Fields& field, Notify& s) {
  using config::Absent;
  field("mail", &s.mail, Absent::null, config::text_that("a mail address or a user's name", is_mail_address),
        "Whom `mail` writes to, by Slurm's MailProg.");
  field(
      "webhook", &s.webhook, Absent::null,
      config::text_that("a URL with http:// or https://, without a password in it (notify.secrets_file)", is_open_url),
      "Where `webhook` posts to, as JSON. A URL that is a secret itself goes into `secrets_file`.");
  field("command", &s.command, config::anything(),
        "What `command` starts: a program and its arguments. No shell reads them; the alert is in the environment.");
  field("secrets_file", &s.secrets_file, Absent::null, path(),
        "File of mode 0600 with `WEBHOOK_URL=...`, in place of `webhook`, and `WEBHOOK_TOKEN=...`, which is sent as "
        "`Authorization: Bearer`.");
  field("timeout", &s.timeout, config::between(1, 60), "Seconds that a mail program, a webhook or a command may take.");
}

void bind(config::Fields& field, Alert& s) {
  using config::Absent;
  field.required("name", &s.name, config::text_that("up to 64 letters, digits, '.', '_' and '-'", is_rule_name),
                 "One of the built-in alerts, or a name for a rule of your own ([monitoring.md](monitoring.md)).");
  field(
      "metric", &s.metric, Absent::null, config::non_empty(),
      "What is looked at: a metric of [monitoring.md](monitoring.md). Of several ranks, nodes or GPUs one is enough.");
  field("above", &s.above, Absent::null, config::anything(), "Fires when the metric is above this ...");
  field("below", &s.below, Absent::null, config::anything(),
        "... or below this. Of a built-in alert either can be changed.");
  field("for", &s.for_s, Absent::null, config::between(0, 86400),
        "Seconds without a break that it has to be so. `null`: 0, or what the built-in alert has.");
  field("severity", &s.severity, Absent::null, config::anything(),
        "`null`: `warning`, or what the built-in alert has.");
  field("do", &s.actions, config::anything(),
        "What happens when the alert fires and when it is over. It is in events.jsonl in any case; `log`: in the job's "
        "log too.");
}

}  // namespace pst::recipe
