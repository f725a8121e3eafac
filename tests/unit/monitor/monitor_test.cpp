// SPDX-License-Identifier: Apache-2.0
#include "monitor/monitor.hpp"

#include <gmock/gmock.h>
#include <sys/stat.h>

#include <fstream>

#include "core/clock.hpp"
#include "core/error.hpp"
#include "core/file.hpp"
#include "core/strings.hpp"
#include "rundir/run_state.hpp"
#include "support/fake_programs.hpp"
#include "support/run_fixture.hpp"

namespace pst::monitor {
namespace {

using testing::HasSubstr;
using testing::Not;

class Monitor : public testing::Test {
 protected:
  /// As many looks as there are changes; `last` comes before the last one.
  void watch(const std::function<void()>& last = [] {}) {
    watch_over(run, recipe, [&](double) {
      last();
      return true;
    });
  }
  void steps(int attempt, int from, int to) const {
    AppendFile file(run.node_log(attempt, "n1"));
    for (int i = from; i <= to; ++i)
      file.append(nlohmann::ordered_json{
          {"t", iso_time(unix_seconds())},
          {"kind", "step"},
          {"step", i},
          {"total_steps", 50},
          {"loss", 2.0},
          {"tokens",
           10}}.dump());
  }
  std::vector<std::string> events(const std::string& kind) const {
    std::vector<std::string> found;
    for (const auto& event : run.read_events())
      if (event["event"] == kind) found.push_back(event.dump());
    return found;
  }
  recipe::Alert alert(const char* name, recipe::AlertAction action) const {
    return {.name = name, .actions = {action}};
  }

  fixture::FakePrograms fake;
  fixture::TemporaryDirectory dir;
  rundir::RunDir run = fixture::new_run(dir.path(), "x");
  recipe::Recipe recipe;
};

TEST_F(Monitor, WritesATextfileWithTheRunsFinalState) {
  recipe.metrics.textfile = (dir / "out.prom").string();
  run.event("started", {{"attempt", run.begin_attempt()}});
  steps(1, 1, 7);

  watch([&] {
    steps(1, 8, 9);
    run.event("failed", {{"reason", "test"}});
  });

  const std::string text = read_file(dir / "out.prom");
  EXPECT_THAT(text, HasSubstr(cat("peft_studio_step{run=\"", run.root().filename().string(), "\"} 9\n")));
  EXPECT_THAT(text, HasSubstr("state=\"failed\"} 1\n"));
}

TEST_F(Monitor, WhatOtherUsersProgramsReadTheyMayReadWhateverTheUmask) {
  recipe.metrics.textfile = (dir / "out.prom").string();
  recipe.metrics.prometheus_port = 0;
  run.event("started", {{"attempt", run.begin_attempt()}});
  const std::string targets = cat("prometheus_sd-", run.root().filename().string(), ".json");
  const auto expect_readable = [](const fs::path& file) {
    EXPECT_EQ(static_cast<int>(fs::status(file).permissions()), 0644) << file;
  };
  const mode_t before = ::umask(077);

  watch([&] {  // the addresses are there as long as somebody listens
    for (const auto& file : {run.root() / "prometheus_sd.json", dir / targets}) expect_readable(file);
  });

  ::umask(before);
  expect_readable(dir / "out.prom");
}

TEST_F(Monitor, ARequeuedRunsTotalsGoOn) {
  recipe.metrics.textfile = dir.path().string();  // a folder: a file for each run
  run.event("started", {{"attempt", run.begin_attempt()}});
  steps(1, 1, 10);
  run.event("started", {{"attempt", run.begin_attempt()}});
  steps(2, 6, 12);

  watch();  // a fresh monitor, as a requeued job has

  const std::string text = read_file(dir / cat("peft_studio_", run.root().filename().string(), ".prom"));
  for (const char* line : {"tokens_total{", "repeated_steps_total{", "attempts_total{"})
    EXPECT_THAT(text, HasSubstr(line));
  EXPECT_THAT(text, HasSubstr("\"} 120\n"));
}

TEST_F(Monitor, AnAlertIsAnEventAndReachesItsCommandOnce) {
  fake.add("tell-me", "echo \"$PST_ALERT_STATE $PST_ALERT $*\" >>'" + (dir / "told").string() + "'");
  recipe.alerts = {alert("finished", recipe::AlertAction::command)};
  recipe.notify.command = {"tell-me", "a b", "$(touch /tmp/never)"};
  run.event("started", {{"attempt", run.begin_attempt()}});

  watch([&] {
    EXPECT_TRUE(events("alert").empty());
    run.event("cancelled");
  });

  EXPECT_EQ(read_file(dir / "told"), "firing finished a b $(touch /tmp/never)\n");
  EXPECT_EQ(events("alert").size(), 1u);
}

TEST_F(Monitor, AnAlertOfTheJobBeforeIsNotToldAgain) {
  recipe.alerts = {{.name = "late", .metric = "attempts_total", .above = 0}};
  run.event("started", {{"attempt", run.begin_attempt()}});

  watch();
  EXPECT_EQ(rundir::read_state(run).alerts.size(), 1u);
  run.event("requeued");
  run.event("started", {{"attempt", run.begin_attempt()}});
  watch();

  EXPECT_EQ(events("alert").size(), 1u);
  EXPECT_EQ(rundir::read_state(run).alerts.at(0).name, "late");
}

TEST_F(Monitor, WhatCannotBeDeliveredIsAnEventAndNothingMore) {
  fake.add("curl", "cat >/dev/null; echo 'could not resolve host' >&2; exit 6");
  recipe.alerts = {alert("finished", recipe::AlertAction::webhook)};
  recipe.notify.webhook = "https://nowhere.example.org/hook";
  recipe.metrics.textfile = (dir / "no/such/folder/x.prom").string();
  recipe.metrics.prometheus_port = 0;
  recipe.metrics.prometheus_address = "192.0.2.1";  // of no interface (RFC 5737)
  run.event("cancelled");

  watch();

  const std::string all = join(events("alert-undelivered"), "\n");
  EXPECT_THAT(all, HasSubstr("webhook of finished"));
  EXPECT_THAT(all, HasSubstr("could not resolve host"));
  EXPECT_THAT(all, HasSubstr("metrics.textfile"));
  EXPECT_THAT(all, HasSubstr("cannot listen at 192.0.2.1:0"));
}

TEST_F(Monitor, AWebhooksSecretsComeFromAFileThatIsNotOpenToOthers) {
  fake.add("curl", "cat >>'" + (dir / "asked").string() + "'");
  std::ofstream(dir / "secrets") << "WEBHOOK_URL=https://hooks.example.org/s3cret\nWEBHOOK_TOKEN=t0ken\n";
  recipe.notify.secrets_file = (dir / "secrets").string();
  recipe.alerts = {alert("finished", recipe::AlertAction::webhook)};
  run.event("cancelled");

  fs::permissions(dir / "secrets", fs::perms::owner_read | fs::perms::group_read);
  watch();
  EXPECT_FALSE(fs::exists(dir / "asked"));
  EXPECT_THAT(join(events("alert-undelivered"), "\n"), HasSubstr("is open to others"));

  run.event("started");  // so that the next one begins anew
  run.event("cancelled");
  fs::permissions(dir / "secrets", fs::perms::owner_read);
  watch();
  EXPECT_THAT(read_file(dir / "asked"), HasSubstr("url = \"https://hooks.example.org/s3cret\""));
  EXPECT_THAT(read_file(run.events_file()), Not(HasSubstr("s3cret")));
}

TEST_F(Monitor, MailGoesThroughSlurmsMailProgram) {
  const auto slurms = fake.add("slurm-mail", "{ echo \"slurm: $*\"; cat; } >>'" + (dir / "mailed").string() + "'");
  fake.add("mail", "echo \"other: $*\" >>'" + (dir / "mailed").string() + "'");
  fake.add("scontrol",
           "echo 'MaxArraySize            = 1001'; echo 'MailProg                = " + slurms.string() + "'");
  recipe.alerts = {alert("finished", recipe::AlertAction::mail)};
  recipe.notify.mail = "me@example.org";
  run.event("cancelled");

  watch();

  const std::string mailed = read_file(dir / "mailed");
  EXPECT_THAT(mailed, HasSubstr(cat("slurm: -s ", run.root().filename().string(), ": info alert")));
  EXPECT_THAT(mailed, HasSubstr("me@example.org\n[info] finished"));

  fake.add("scontrol", "echo 'MailProg = /nowhere/to/be/found'");  // as on nodes that lack what the controller has
  watch();
  EXPECT_THAT(read_file(dir / "mailed"), HasSubstr("other: -s "));
}

TEST_F(Monitor, TheFolderSaysWhereTheEndpointIsWhileItIsThere) {
  recipe.metrics.prometheus_port = 0;
  const fs::path inside = run.root() / "prometheus_sd.json",
                 beside = dir / cat("prometheus_sd-", run.root().filename().string(), ".json");

  watch([&] {
    EXPECT_THAT(read_file(inside), HasSubstr("\"127.0.0.1:"));
    EXPECT_EQ(read_file(beside), read_file(inside));
  });

  EXPECT_FALSE(fs::exists(inside));
  EXPECT_FALSE(fs::exists(beside));
}

TEST(MonitorChild, IsThereOnlyWhenTheRecipeAsksForIt) {
  const rundir::RunDir run("/runs/x");
  recipe::Recipe recipe;
  EXPECT_FALSE(monitor_child(run, recipe, "peft-studio", {}).has_value());

  recipe.alerts = {{.name = "finished"}};

  EXPECT_THAT(monitor_child(run, recipe, "peft-studio", {})->argv,
              testing::ElementsAre("peft-studio", "monitor", "/runs/x", "--supervised"));
}

}  // namespace
}  // namespace pst::monitor
