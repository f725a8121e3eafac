// SPDX-License-Identifier: Apache-2.0
#pragma once
#include <gmock/gmock.h>
#include <signal.h>
#include <unistd.h>

#include <functional>
#include <string>

#include "cluster/supervisor.hpp"
#include "core/file.hpp"
#include "support/fake_programs.hpp"
#include "support/run_fixture.hpp"

namespace pst::cluster {

/// A run whose workers are a shell script.
class SupervisedRun : public testing::Test {
 protected:
  fixture::FakePrograms fake;
  fixture::TemporaryDirectory dir;
  rundir::RunDir run = fixture::new_run(dir.path(), "x");

  SuperviseSettings settings_for(const std::string& body) {
    const auto worker = fake.add("worker", body);
    SuperviseSettings settings;
    settings.launch = [this, worker](int attempt, const auto&) {
      return Launch{
          .launcher = "local",
          .ranks = 1,
          .child = {.argv = {worker.string(), run.root().string()}, .output = run.attempt(attempt) / "ranks.log"}};
    };
    settings.patience.grace = settings.patience.kill = 0.5;
    settings.max_restarts = 0;
    return settings;
  }
  /// Leaves the results where a worker script can copy them from.
  void make_results(int attempt) {
    fixture::finish(run, attempt);
    make_directories(dir / "done");
    fs::rename(run.root() / "completed.json", dir / "done/completed.json");
  }
  /// Sends `signal` to ourselves as soon as the worker script has made the file "ready".
  std::function<void()> when_ready(int signal) {
    return [this, signal, sent = false]() mutable {
      if (sent || !fs::exists(run.root() / "ready")) return;
      sent = true;
      ::kill(::getpid(), signal);
    };
  }
};

}  // namespace pst::cluster
