// SPDX-License-Identifier: Apache-2.0
// A run's folder, one of its files at a time being hostile; a sweep's record; a prepared store. They are read as
// status, report and the metrics' endpoint read them.
#include <map>

#include "core/digest.hpp"
#include "core/file.hpp"
#include "core/strings.hpp"
#include "data/prepared.hpp"
#include "fuzz/driver.hpp"
#include "monitor/run_reader.hpp"
#include "report/page.hpp"
#include "report/summary.hpp"
#include "rundir/attempt.hpp"
#include "rundir/lease.hpp"
#include "rundir/sweep_dir.hpp"
#include "runs/run_monitor.hpp"
#include "support/prepared_store.hpp"
#include "unit/report/made_run.hpp"

namespace pst::fuzz {
namespace {

namespace fs = std::filesystem;

/// Files by their names, with what a healthy run has in them.
std::map<std::string, std::string> files_of(const fs::path& folder, const std::vector<std::string>& names) {
  std::map<std::string, std::string> files;
  for (const auto& name : names) files[name] = read_file(folder / name);
  return files;
}

std::string step_lines(Draw& draw) {
  std::string text;
  std::int64_t step = 1;
  for (std::size_t i = 0, n = draw.size(5000); i < n; ++i) {
    step += static_cast<std::int64_t>(draw.size(20'000));
    const std::string rank = draw.one_in(3) ? std::to_string(draw.size(2'000'000)) : "0";
    text += cat(R"({"t":"2026-01-01T00:00:10.000Z","kind":"step","step":)", step, R"(,"us":[[)", rank,
                ",9223372036854775807,9223372036854775807,4,4,4,4,4,4,4]",
                R"(],"loss":1e308,"rows":9223372036854775807})", "\n");
  }
  return text;
}
std::string event_lines(Draw& draw) {
  static const std::vector<std::string> kKinds = {"guard", "alert", "attempt-ended", "resumed", "checkpoint", "x"};
  const std::string kind = draw.of(kKinds);
  return repeated(
      cat(R"({"t":"2026-01-01T00:00:10.000Z","event":")", kind, R"(","attempt":1,"step":7,"state":"firing",)",
          R"("reason":")", repeated("r", draw.size(200)), R"(","remedy":"x"})", "\n"),
      draw.size(20'000));
}
std::string deep_line(Draw& draw) {
  return cat(R"({"t":"","event":"guard","reason":)", repeated("[", draw.size(200'000)), "\n");
}

}  // namespace
}  // namespace pst::fuzz

int main(int argc, char** argv) {
  using namespace pst;
  fixture::MadeRun made;
  made.attempt(1, {{"n1", {0, 1}}, {"n2", {2, 3}, 1.5}}, 1, 20, fixture::kEpoch);
  made.event("submitted", fixture::kEpoch, {{"job_id", "7"}});
  made.event("started", fixture::kEpoch + 1, {{"attempt", 1}});
  made.event("guard", fixture::kEpoch + 5, {{"attempt", 1}, {"step", 3}, {"reason", "loss"}, {"remedy", "look"}});
  made.event("attempt-ended", fixture::kEpoch + 20, {{"attempt", 1}, {"end", "node-lost"}, {"exit", 75}});
  const auto& run = made.run();
  rundir::write_lease(run, {.generation = 1, .holder = {"n1", "b", 7, 9}, .job_id = "7", .renewed = 0});
  fixture::finish(run);
  fuzz::put(run.root() / "attempts/0001/samples/n1.jsonl",
            R"({"t":"2026-01-01T00:00:10.000Z","kind":"sample","seconds":10,"cpu_busy":0.5,"available_bytes":7,)"
            R"("network":[1,2],"ranks":[[0,5,0.5]],"gpus":[[0,50,1,2,3,4,5,8]]})"
            "\n");
  const fixture::TemporaryDirectory other;
  rundir::SweepDir sweep(other.path() / "sweep");
  fuzz::put(sweep.root() / "x", "");
  sweep.write_record({.id = "1",
                      .name = "s",
                      .version = "1",
                      .created = "",
                      .recipe_file = "r",
                      .keys = {"a"},
                      .values = {{"1"}, {"2"}},
                      .max_parallel = 1});
  fixture::write_prepared_store(other.path() / "store", {{"train", {3, 4, 5}}}, 7);

  const auto in_run = fuzz::files_of(
      run.root(), {"run.json", "lease.json", "completed.json", "events.jsonl", "attempts/0001/attempt.json",
                   "attempts/0001/nodes/n1.jsonl", "attempts/0001/samples/n1.jsonl"});
  const auto elsewhere = fuzz::files_of(other.path(), {"sweep/sweep.json", "store/meta.json"});
  const std::vector<std::string> words = {
      "\"event\":", "\"kind\":", "\"step\":",           "\"attempt\":", "\"us\":", "\"renewed\":", "[",         "{",
      "1e999",      "-1",        "9223372036854775807", "\n",           "null",    "\"guard\"",    "\"bytes\":"};
  std::vector<fuzz::Part> parts;
  for (const auto& [name, content] : in_run) parts.push_back({name, {content}, words});
  for (const auto& [name, content] : elsewhere) parts.push_back({name, {content}, words});
  for (auto& part : parts) {
    if (part.name.ends_with(".jsonl")) part.bombs = {fuzz::deep_line};
    if (part.name == "events.jsonl") part.bombs.push_back(fuzz::event_lines);
    if (part.name.find("nodes/") != part.name.npos) part.bombs.push_back(fuzz::step_lines);
  }
  return fuzz::run(argc, argv,
                   {.name = "run", .parts = parts, .read = [&](const fuzz::Part& part, const std::string& input) {
                      if (const auto good = elsewhere.find(part.name); good != elsewhere.end()) {
                        fuzz::put(other.path() / part.name, input);
                        if (part.name == "sweep/sweep.json")
                          sweep.write_results({{"best", sweep.read_record().values.size()}});
                        else
                          (void)data::PreparedSet::open(other.path() / "store", "train").largest_id();
                        return;
                      }
                      fuzz::put(run.root() / part.name, input);
                      const auto restore = [&] { fuzz::put(run.root() / part.name, in_run.at(part.name)); };
                      try {
                        rundir::refuse_when_held(
                            run, "8", [](const rundir::ProcessMark&) { return false; }, [](double) {});
                        (void)rundir::read_state(run);
                        (void)runs::RunMonitor(run).poll();
                        (void)monitor::RunReader(run).look();
                        (void)report::report_page(report::summarise(run, report::read_metrics(run), {}));
                        (void)rundir::read_attempt(run, 1);
                        (void)run.read_record();
                        (void)run.read_completed();
                      } catch (...) {
                        restore();
                        throw;
                      }
                      restore();
                    }});
}
