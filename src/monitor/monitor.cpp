// SPDX-License-Identifier: Apache-2.0
#include "monitor/monitor.hpp"

#include <algorithm>
#include <iostream>
#include <mutex>
#include <nlohmann/json.hpp>
#include <optional>
#include <set>
#include <utility>

#include "cluster/process_mark.hpp"
#include "cluster/program_path.hpp"
#include "cluster/secrets.hpp"
#include "cluster/slurm_job.hpp"
#include "core/clock.hpp"
#include "core/error.hpp"
#include "core/file.hpp"
#include "core/printable.hpp"
#include "core/strings.hpp"
#include "monitor/courier.hpp"
#include "monitor/message.hpp"
#include "monitor/rule_engine.hpp"
#include "monitor/run_reader.hpp"
#include "monitor/scrape_endpoint.hpp"
#include "rundir/sweep_dir.hpp"

namespace pst::monitor {
namespace {

using recipe::AlertAction;
using recipe::AlertRule;
using recipe::Recipe;
using rundir::RunDir;

constexpr double kLook_s = 2, kTextfile_s = 5;
constexpr double kLastWords_s = 12;  ///< for what is still to be delivered when the run has ended
constexpr int kMostComplaints = 20;

std::vector<AlertRule> rules_of(const Recipe& recipe) {
  std::vector<AlertRule> rules;
  for (const auto& alert : recipe.alerts) rules.push_back(recipe::completed_rule(alert));
  return rules;
}

/// The run's folder, of a run of a sweep with the sweep's before it: what tells it from all others of its output_dir.
std::string name_of(const RunDir& run) {
  const std::string folder = run.root().filename().string();
  const auto sweep = rundir::sweep_of(run);
  return sweep ? cat(sweep->root().filename().string(), "/", folder) : folder;
}

/// As a part of a file's name.
std::string flat(std::string name) {
  std::replace(name.begin(), name.end(), '/', '-');
  return name;
}

/// Where the file for the node exporter is: as given, or in the folder that is given.
fs::path textfile_of(const std::string& given, const RunDir& run) {
  if (given.ends_with(".prom")) return given;
  return fs::path(given) / cat("peft_studio_", flat(name_of(run)), ".prom");
}

/// One line, whatever a reason holds: it becomes an argument of the mail program.
std::string in_words(const rundir::RunState& state) {
  constexpr std::size_t kMost = 300;
  std::string text = rundir::name_of(state.state);
  if (!state.reason.empty()) text += ": " + state.reason.substr(0, std::min(kMost, state.reason.find('\n')));
  return printable(text);
}

class Watch {
 public:
  Watch(const RunDir& run, const Recipe& recipe)
      : run_(run),
        recipe_(recipe),
        reader_(run),
        courier_([this](const std::string& what, const std::string& why) { complain(what, why, ""); }),
        sender_{name_of(run), run.root(), cluster::host_name()} {
    listen();
    read_secrets();
    std::set<std::string> firing;  // since before we came: a job that was requeued goes on with its alerts
    for (const auto& alert : reader_.look().state.alerts) firing.insert(alert.name);
    engine_.emplace(rules_of(recipe), firing);
  }
  ~Watch() {
    std::error_code ignored;
    if (endpoint_)
      for (const auto& file : targets_files()) fs::remove(file, ignored);
  }

  void look() {
    const RunView& view = reader_.look();
    // Judged by the metrics without the alerts' own, told with them.
    const auto turns = engine_->judge(series_of(view, {}, unix_seconds()), monotonic_seconds());
    for (const auto& turn : turns) tell(turn, in_words(view.state));
    const auto families = series_of(view, engine_->alerts(), unix_seconds());
    if (endpoint_) endpoint_->publish(families, sender_.run);
    if (recipe_.metrics.textfile && monotonic_seconds() >= textfile_at_) write_textfile(families);
  }

  void end() {
    textfile_at_ = 0;
    look();
    courier_.finish(kLastWords_s);
  }

 private:
  /// Once for who looks into the run's folder, and once beside all runs: Prometheus takes a pattern for the last part
  /// of a path only.
  std::vector<fs::path> targets_files() const {
    const auto sweep = rundir::sweep_of(run_);
    const fs::path runs = (sweep ? sweep->root() : run_.root()).parent_path();
    return {run_.root() / "prometheus_sd.json", runs / cat("prometheus_sd-", flat(sender_.run), ".json")};
  }

  void listen() {
    if (!recipe_.metrics.prometheus_port) return;
    try {
      const std::string& address = recipe_.metrics.prometheus_address;
      endpoint_.emplace(address, *recipe_.metrics.prometheus_port);
      const bool is_v6 = address.find(':') != std::string::npos;
      const bool everywhere = address == "0.0.0.0" || address == "::";
      const std::string host = everywhere ? sender_.host : is_v6 ? cat("[", address, "]") : address;
      // What Prometheus' file_sd_configs reads.
      const nlohmann::ordered_json target = {
          {"targets", nlohmann::ordered_json::array({cat(host, ":", endpoint_->port())})},
          {"labels", nlohmann::ordered_json::object()}};
      const std::string text = nlohmann::ordered_json::array({target}).dump(2) + "\n";
      for (const auto& file : targets_files()) write_durably(file, text, Readers::everybody);
    } catch (const Error& error) {
      complain("Prometheus endpoint", error.message(), error.remedy());
    }
  }

  void read_secrets() {
    if (recipe_.notify.webhook) webhook_ = {*recipe_.notify.webhook, std::nullopt};
    if (!recipe_.notify.secrets_file) return;
    try {
      const auto secrets = cluster::read_secrets(*recipe_.notify.secrets_file);
      if (const auto url = secrets.find("WEBHOOK_URL"); url != secrets.end()) {
        if (!url->second.starts_with("https://") && !url->second.starts_with("http://"))
          return complain("secrets file", "WEBHOOK_URL begins with neither https:// nor http://", "");
        webhook_.url = url->second;
      }
      if (const auto token = secrets.find("WEBHOOK_TOKEN"); token != secrets.end()) webhook_.token = token->second;
    } catch (const Error& error) {
      complain("secrets file", error.message(), error.remedy());
    }
  }

  void tell(const Turn& turn, const std::string& run_state) {
    const Message message{.turn = turn, .sender = sender_, .time = iso_time(unix_seconds()), .run_state = run_state};
    nlohmann::ordered_json details = {{"alert", turn.rule.name},
                                      {"state", message.state()},
                                      {"severity", recipe::name_of(turn.rule.severity)},
                                      {"what", message.line()}};
    run_.try_event("alert", details);
    for (const AlertAction action : turn.rule.actions) {
      switch (action) {
        case AlertAction::log: std::cerr << "alert " << message.line() << std::endl; break;
        case AlertAction::mail: post("mail", message, as_mail(message, mail_program(), *recipe_.notify.mail)); break;
        case AlertAction::webhook: post_webhook(message); break;
        case AlertAction::command: post("command", message, as_command(message, recipe_.notify.command)); break;
      }
    }
  }

  void post_webhook(const Message& message) {
    if (webhook_.url.empty())
      return complain("webhook of " + message.turn.rule.name, "there is no URL", "give notify.webhook, or WEBHOOK_URL");
    post("webhook", message, as_webhook(message, webhook_, recipe_.notify.timeout));
  }

  void post(const char* how, const Message& message, cluster::Command command) {
    command.timeout_s = recipe_.notify.timeout;
    courier_.post(cat(how, " of ", message.turn.rule.name), std::move(command));
  }

  /// What slurmctld sends its own mails with, as long as this node has it too.
  std::string mail_program() {
    if (!mail_program_.empty()) return mail_program_;
    mail_program_ = "mail";
    try {
      const std::string named = cluster::mail_program();
      if (cluster::find_program(named)) mail_program_ = named;
    } catch (const Error&) {
      // No Slurm here, or it does not answer.
    }
    return mail_program_;
  }

  void write_textfile(const std::vector<Family>& families) {
    textfile_at_ = monotonic_seconds() + kTextfile_s;
    try {
      write_durably(textfile_of(*recipe_.metrics.textfile, run_), exposition(families, sender_.run),
                    Readers::everybody);  // the node exporter is another user
    } catch (const Error& error) {
      if (!std::exchange(textfile_failed_, true)) complain("metrics.textfile", error.message(), error.remedy());
    }
  }

  /// From any thread. Bounded: a webhook that is down for a week fills no disk.
  void complain(const std::string& what, const std::string& why, const std::string& remedy) {
    const std::lock_guard lock(mutex_);
    if (++complaints_ > kMostComplaints) return;
    nlohmann::ordered_json details = {{"what", what}, {"reason", why}};
    if (!remedy.empty()) details["remedy"] = remedy;
    run_.try_event("alert-undelivered", details);
    std::cerr << "warning: " << what << ": " << why << std::endl;
  }

  const RunDir& run_;
  const Recipe& recipe_;
  std::mutex mutex_;
  int complaints_ = 0;
  RunReader reader_;
  std::optional<Endpoint> endpoint_;
  std::optional<RuleEngine> engine_;
  Webhook webhook_;
  std::string mail_program_;
  double textfile_at_ = 0;
  bool textfile_failed_ = false;
  Courier courier_;
  Sender sender_;
};

}  // namespace

void watch_over(const RunDir& run, const Recipe& recipe, const std::function<bool(double)>& wait) {
  Watch watch(run, recipe);
  do watch.look();
  while (!wait(kLook_s));
  watch.end();
}

std::optional<cluster::ChildSettings> monitor_child(const RunDir& run, const Recipe& recipe, const fs::path& program,
                                                    const fs::path& output) {
  if (!recipe.metrics.prometheus_port && !recipe.metrics.textfile && recipe.alerts.empty()) return std::nullopt;
  return cluster::ChildSettings{.argv = {program.string(), "monitor", run.root().string(), "--supervised"},
                                .remedy_when_missing = "",
                                .output = output,
                                .environment = {}};
}

}  // namespace pst::monitor
