// SPDX-License-Identifier: Apache-2.0
#include <signal.h>

#include <iostream>

#include "cli/verb.hpp"
#include "cluster/signals.hpp"
#include "core/clock.hpp"
#include "core/error.hpp"
#include "core/printable.hpp"
#include "core/strings.hpp"
#include "runs/handle.hpp"
#include "runs/live_state.hpp"
#include "runs/log_merge.hpp"

namespace pst::cli {
namespace {

struct LogsArguments {
  RunArguments run;
  runs::LogChoice choice;
  bool follow = false;
};

void print(const std::string& name, std::string_view line) {
  std::cout << '[' << printable(name) << "] " << printable(line) << '\n';
}

/// Until the run has ended and nothing more comes, or Ctrl-C.
void follow(const rundir::RunDir& run, runs::LogMerge& logs) {
  constexpr double kPoll_s = 0.5, kAskSlurm_s = 5, kQuiet_s = 2;
  cluster::SignalQueue signals{SIGINT, SIGTERM, SIGHUP};
  double asked_at = -1e9, spoken_at = monotonic_seconds();
  bool ended = false;
  for (;;) {
    logs.poll([&](const std::string& name, std::string_view line) {
      print(name, line);
      spoken_at = monotonic_seconds();
    });
    std::cout.flush();
    if (ended && monotonic_seconds() - spoken_at > kQuiet_s) break;
    if (monotonic_seconds() - asked_at > kAskSlurm_s) {
      ended = rundir::is_final(runs::live_state(run).run.state);
      asked_at = monotonic_seconds();
    }
    if (signals.wait(kPoll_s)) break;
  }
  logs.poll(print, /*rest=*/true);
}

int logs(const LogsArguments& arguments) {
  const rundir::RunDir run = arguments.run.find();
  if (const auto attempt = arguments.choice.attempt; attempt && *attempt > run.last_attempt())
    throw Error(Fault::usage,
                cat("run ", runs::handle(run), " has no attempt ", *attempt, "; the latest is ", run.last_attempt()),
                "leave --attempt out for all of them");
  runs::LogMerge merged(run, arguments.choice);
  if (arguments.follow) {
    follow(run, merged);
    return 0;
  }
  bool said = false;
  const auto print_and_note = [&](const auto&... line) {
    said = true;
    print(line...);
  };
  merged.poll(print_and_note, /*rest=*/true);
  if (merged.found_any()) {
    if (!said) std::cerr << "the logs of run " << runs::handle(run) << " are empty: nobody complained of anything\n";
    return 0;
  }
  throw Error(Fault::usage,
              arguments.choice.rank
                  ? cat("there is no log of rank ", *arguments.choice.rank, " in run ", runs::handle(run))
                  : cat("run ", runs::handle(run), " has no logs yet"),
              cat("peft-studio status ", shell_quoted(runs::handle(run))));
}

}  // namespace

Runner add_logs(CLI::App& app) {
  auto arguments = std::make_shared<LogsArguments>();
  add_run_arguments(app, arguments->run);
  app.add_flag("-f,--follow", arguments->follow, "Keep printing new lines until the run ends");
  app.add_option("--rank", arguments->choice.rank, "Only the log of this rank, counted from 0")
      ->check(CLI::NonNegativeNumber);
  app.add_option("--attempt", arguments->choice.attempt,
                 "Only this attempt (each start of the workers is one), counted from 1")
      ->check(CLI::Range(1, 1'000'000));
  app.add_option("-n,--lines", arguments->choice.last, "Only the last N lines of each log")
      ->check(CLI::Range(1, 1'000'000));
  return [arguments] { return logs(*arguments); };
}

}  // namespace pst::cli
