// SPDX-License-Identifier: Apache-2.0
// How people name runs and sweeps: by folder, name or id.
#include <algorithm>

#include "core/error.hpp"
#include "core/strings.hpp"
#include "rundir/sweep_dir.hpp"

namespace pst::rundir {
namespace {

bool holds(const fs::path& folder, const char* file) {
  std::error_code ignored;
  return fs::is_regular_file(folder / file, ignored);
}
bool is_run(const fs::path& folder) { return holds(folder, "run.json"); }
bool is_sweep(const fs::path& folder) { return holds(folder, "sweep.json"); }

std::string id_of(const std::string& folder_name) { return folder_name.substr(folder_name.rfind('-') + 1); }
std::string name_part_of(const std::string& folder_name) { return folder_name.substr(0, folder_name.rfind('-')); }

std::vector<std::string> folder_names(const std::vector<fs::path>& folders) {
  std::vector<std::string> names;
  for (const auto& folder : folders) names.push_back(folder.filename().string());
  return names;
}

/// Folders in `output_dir` that hold `file`, oldest first.
std::vector<fs::path> folders_with(const fs::path& output_dir, const char* file) {
  std::vector<std::pair<fs::file_time_type, fs::path>> found;
  std::error_code status;
  for (fs::directory_iterator at(output_dir, status), end; !status && at != end; at.increment(status)) {
    std::error_code ignored;
    if (holds(at->path(), file)) found.emplace_back(fs::last_write_time(at->path() / file, ignored), at->path());
  }
  std::sort(found.begin(), found.end());
  std::vector<fs::path> folders;
  for (const auto& [time, path] : found) folders.push_back(fs::absolute(path).lexically_normal());
  return folders;
}

RunOrSweep at_folder(const fs::path& folder) {
  fs::path whole = fs::absolute(folder).lexically_normal();
  if (!whole.has_filename()) whole = whole.parent_path();
  if (is_run(whole)) return RunDir(whole);
  return SweepDir(whole);
}

/// "<sweep>/<number>", the sweep by any of its names.
std::optional<RunDir> one_of_a_sweep(const std::string& what, const fs::path& output_dir) {
  const auto slash = what.rfind('/');
  if (slash == std::string::npos || slash == 0 || slash + 1 == what.size()) return std::nullopt;
  const auto number = to_int(what.substr(slash + 1));
  if (!number || *number < 0) return std::nullopt;
  const std::string name = what.substr(0, slash);
  if (name.find('/') != std::string::npos) return std::nullopt;
  const RunOrSweep sweep = find_run_or_sweep(name, output_dir);
  if (!std::holds_alternative<SweepDir>(sweep)) return std::nullopt;
  const SweepDir& found = std::get<SweepDir>(sweep);
  const RunDir run = found.run(static_cast<std::size_t>(*number));
  if (is_run(run.root())) return run;
  throw Error(Fault::usage,
              cat("sweep ", found.root().filename().string(), " has no run ", *number, "; the last one is ",
                  static_cast<std::int64_t>(found.read_record().values.size()) - 1));
}

[[noreturn]] void refuse_unknown(const std::string& what, const fs::path& output_dir, std::vector<std::string> all) {
  if (all.empty())
    throw Error(Fault::usage, cat("there is no run ", quoted(what), ": no run in ", output_dir.string()),
                "give the run's folder, or the folder of runs with --output-dir");
  if (all.size() > 10) all.erase(all.begin(), all.end() - 10);
  const auto close = nearest(what, all);
  throw Error(Fault::usage, cat("there is no run ", quoted(what), " in ", output_dir.string()),
              close ? cat("did you mean '", *close, "'?") : cat("the newest there: ", join(all, ", ")));
}

}  // namespace

std::vector<RunDir> list_runs(const fs::path& output_dir) {
  std::vector<RunDir> runs;
  for (const auto& folder : folders_with(output_dir, "run.json")) runs.emplace_back(folder);
  return runs;
}

std::vector<SweepDir> list_sweeps(const fs::path& output_dir) {
  std::vector<SweepDir> sweeps;
  for (const auto& folder : folders_with(output_dir, "sweep.json")) sweeps.emplace_back(folder);
  return sweeps;
}

std::optional<SweepDir> sweep_of(const RunDir& run) {
  const fs::path parent = run.root().parent_path();
  return is_sweep(parent) ? std::optional(SweepDir(parent)) : std::nullopt;
}

RunOrSweep find_run_or_sweep(const std::string& what, const fs::path& output_dir) {
  if (!what.empty() && (is_run(what) || is_sweep(what))) return at_folder(what);
  if (const auto run = one_of_a_sweep(what, output_dir)) return *run;

  auto folders = folders_with(output_dir, "run.json");
  const auto sweeps = folders_with(output_dir, "sweep.json");
  folders.insert(folders.end(), sweeps.begin(), sweeps.end());
  std::vector<fs::path> exact, same_id, same_name, begins;
  for (const auto& path : folders) {
    const std::string folder = path.filename().string();
    if (folder == what) exact.push_back(path);
    if (id_of(folder) == what) same_id.push_back(path);
    if (name_part_of(folder) == what) same_name.push_back(path);
    if (folder.starts_with(what) || id_of(folder).starts_with(what)) begins.push_back(path);
  }
  for (const auto* candidates : {&exact, &same_id, &same_name, &begins}) {
    if (what.empty() || candidates->empty()) continue;
    if (candidates->size() == 1) return at_folder(candidates->front());
    throw Error(Fault::usage,
                cat("more than one run in ", output_dir.string(), " is meant by ", quoted(what), ": ",
                    join(folder_names(*candidates), ", ")),
                "name one of them in full");
  }
  refuse_unknown(what, output_dir, folder_names(folders));
}

RunDir RunDir::find(const std::string& what, const fs::path& output_dir) {
  const RunOrSweep found = find_run_or_sweep(what, output_dir);
  if (const auto* run = std::get_if<RunDir>(&found)) return *run;
  const std::string name = std::get<SweepDir>(found).root().filename().string();
  throw Error(Fault::usage, cat(name, " is a sweep, and one run is wanted here"),
              cat("name one of its runs: ", what, what.empty() || what.back() != '/' ? "/" : "", "0"));
}

}  // namespace pst::rundir
