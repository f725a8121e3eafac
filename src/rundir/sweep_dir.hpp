// SPDX-License-Identifier: Apache-2.0
#pragma once
#include <nlohmann/json.hpp>
#include <optional>
#include <string>
#include <variant>
#include <vector>

#include "rundir/run_dir.hpp"

namespace pst::rundir {

/// sweep.json: who this sweep is. Written last when it is made, which is what makes the folder a sweep.
struct SweepRecord {
  std::string id, name;
  std::string version;                           ///< of peft-studio
  std::string created;                           ///< UTC
  std::string recipe_file;                       ///< as given, for people
  std::vector<std::string> keys;                 ///< of the recipe, which differ between the runs
  std::vector<std::vector<std::string>> values;  ///< of each run, in the order of the keys, as in the recipe
  std::optional<int> max_parallel;
};

/// The folder of a sweep, `<output_dir>/<name>-<id>`: sweep.json, job.sh of the job array, and the runs, each a run
/// directory of its own, named by its number: 0, 1, ...
class SweepDir {
 public:
  explicit SweepDir(fs::path root) : root_(std::move(root)) {}
  static SweepDir create(const fs::path& output_dir, const std::string& name);  ///< @throws Error(io)

  const fs::path& root() const { return root_; }
  fs::path record_file() const { return root_ / "sweep.json"; }
  fs::path job_script() const { return root_ / "job.sh"; }
  RunDir run(std::size_t number) const { return RunDir(root_ / std::to_string(number)); }
  std::vector<RunDir> runs(const SweepRecord& record) const;

  void write_record(const SweepRecord& record) const;
  SweepRecord read_record() const;  ///< @throws Error(data)
  /// What came of it, put under "results" into sweep.json. Several processes may do so at once: one of them wins.
  void write_results(const nlohmann::ordered_json& results) const;

 private:
  fs::path root_;
};

/// Every sweep in `output_dir`, oldest first.
std::vector<SweepDir> list_sweeps(const fs::path& output_dir);

/// The sweep that a run is one of, if any.
std::optional<SweepDir> sweep_of(const RunDir& run);

/// What a user can name: a run (one of a sweep is `<sweep>/<number>`), or a sweep.
using RunOrSweep = std::variant<RunDir, SweepDir>;
/// As RunDir::find. @throws Error(usage) naming the candidates when there is none or more than one
RunOrSweep find_run_or_sweep(const std::string& what, const fs::path& output_dir);

}  // namespace pst::rundir
