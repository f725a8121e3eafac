// SPDX-License-Identifier: Apache-2.0
#include "recipe/alerts.hpp"

#include <gmock/gmock.h>

#include "minimal_recipe.hpp"
#include "recipe/changes.hpp"
#include "telemetry/live_metrics.hpp"

namespace pst::recipe {
namespace {

using fixture::complaint;
using fixture::kMinimal;
using fixture::parse_minimal;
using ::testing::ElementsAre;
using ::testing::HasSubstr;

TEST(Alerts, AreReadAndReadBack) {
  const Recipe recipe = parse_minimal(R"(
metrics: { prometheus_port: 9400, prometheus_address: 0.0.0.0, textfile: out.prom }
alerts:
  - { name: no-progress, above: 1800, do: [log, mail, webhook, command] }
  - { name: mine, metric: peft_studio_tokens_per_second, below: 1000, for: 300, severity: critical, do: [] }
notify: { mail: me@example.org, webhook: "https://x.example.org/h?a=b", command: [bin/page, "a b"], secrets_file: s, timeout: 3 }
)");

  EXPECT_EQ(recipe.metrics.prometheus_port, 9400);
  EXPECT_EQ(recipe.metrics.textfile, "/base/out.prom");
  ASSERT_EQ(recipe.alerts.size(), 2u);
  EXPECT_THAT(recipe.notify.command, ElementsAre("/base/bin/page", "a b"));
  EXPECT_EQ(recipe.notify.secrets_file, "/base/s");
  EXPECT_EQ(to_yaml(parse(to_yaml(recipe), "r.yaml", {}, "/elsewhere")), to_yaml(recipe));

  const AlertRule own = completed_rule(recipe.alerts[1]);
  EXPECT_EQ(own.metric, "tokens_per_second");
  EXPECT_EQ(own.direction, Direction::below);
  EXPECT_EQ(own.for_s, 300);
  EXPECT_EQ(own.severity, Severity::critical);
  const AlertRule changed = completed_rule(recipe.alerts[0]);
  EXPECT_EQ(changed.metric, "last_step_age_seconds");
  EXPECT_EQ(changed.threshold, 1800);
  EXPECT_EQ(changed.meaning, "") << "ten minutes would be a lie";
}

TEST(Alerts, BuiltInOnesLookAtMetricsThatThereAre) {
  EXPECT_EQ(built_in_alerts().size(), 6u);
  for (const auto& alert : built_in_alerts()) {
    SCOPED_TRACE(alert.name);
    EXPECT_NE(telemetry::find_live_metric(alert.metric), nullptr);
    EXPECT_EQ(complaint(kMinimal + "alerts: [{name: " + alert.name + "}]"), "");
    EXPECT_EQ(completed_rule({.name = alert.name}).threshold, alert.threshold);
  }
}

TEST(Alerts, MistakesAreNamedAtTheirPlace) {
  const std::pair<const char*, const char*> cases[] = {
      {"alerts: [{name: no-progres}]", "r.yaml:4:17: 'no-progres' is no built-in alert; did you mean 'no-progress'?"},
      {"alerts: [{name: x, metric: los, above: 1}]", "r.yaml:4:28: there is no metric \"los\"; did you mean 'loss'?"},
      {"alerts: [{name: x, metric: loss}]", "rule 'x' needs above or below"},
      {"alerts: [{name: x, metric: loss, above: 1, below: 2}]", "above and below exclude each other"},
      {"alerts: [{name: finished, metric: loss, above: 1}]", "'finished' is built in and looks at finished"},
      {"alerts: [{name: disk-low, above: 1}]", "'disk-low' is built in and fires below a value"},
      {"alerts: [{name: finished}, {name: finished}]", "r.yaml:4:35: there is a rule 'finished' already"},
      {"alerts: [{name: finished, do: [mail]}]", "mail needs notify.mail"},
      {"alerts: [{name: finished, do: [webhook]}]", "webhook needs notify.webhook"},
      {"alerts: [{name: finished, do: [command]}]", "command needs notify.command"},
      {"alerts: [{name: finished, do: [sms]}]", "alerts[0].do[0] is"},
      {"alerts: [{name: finished, abov: 1}]", "unknown key 'alerts[0].abov'; did you mean 'above'?"},
      {"alerts: [{name: \"a b\"}]", "alerts[0].name is"},
      {"alerts: [{name: finished, for: -1}]", "alerts[0].for is -1"},
      {"metrics: {prometheus_port: 70000}", "from 0 to 65535"},
      {"metrics: {prometheus_address: localhost}", "it must be an IP address"},
      {"metrics: {port: 9400}", "unknown key 'metrics.port'"},
      {"notify: {mail: \"-oQ/tmp\"}", "notify.mail is"},
      {"notify: {mail: \"a@b c@d\"}", "notify.mail is"},
      {"notify: {webhook: \"file:///etc/passwd\"}", "notify.webhook is"},
      {"notify: {webhook: \"https://me:secret@host/\"}", "without a password in it (notify.secrets_file)"},
      {"notify: {timeout: 3600}", "notify.timeout is 3600"},
  };
  for (const auto& [lines, message] : cases) {
    SCOPED_TRACE(lines);
    EXPECT_THAT(complaint(kMinimal + lines), HasSubstr(message));
    EXPECT_THAT(complaint(kMinimal + lines), HasSubstr("(1 problem"));
  }
}

TEST(Alerts, DoNotAlterTheResult) {
  const auto before = keys_that_alter(parse_minimal());
  const auto after =
      keys_that_alter(parse_minimal("alerts: [{name: finished}]\nmetrics: {prometheus_port: 0}\nnotify: {mail: me}\n"));

  EXPECT_EQ(to_text(changes_between(before, after)), "");
}

}  // namespace
}  // namespace pst::recipe
