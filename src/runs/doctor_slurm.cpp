// SPDX-License-Identifier: Apache-2.0
#include "runs/doctor_slurm.hpp"

#include <algorithm>
#include <cstdlib>
#include <map>
#include <nlohmann/json.hpp>
#include <set>

#include "cluster/capture.hpp"
#include "cluster/program_path.hpp"
#include "cluster/slurm_job.hpp"
#include "config/slurm_variables.hpp"
#include "core/error.hpp"
#include "core/file.hpp"
#include "core/strings.hpp"
#include "json/parse.hpp"
#include "runs/job_script_for.hpp"
#include "version/version.hpp"

namespace pst::runs {
namespace {

using cluster::capture;
using doctor::Finding;
using doctor::Health;

/// Standard output of a command, or what stands in the way.
struct Said {
  std::string words, failure;
  bool is_late = false;  ///< it had not ended after the time that it was given
};

Said ask(std::vector<std::string> argv, double timeout_s = 10) {
  try {
    const auto captured = capture({.argv = std::move(argv), .timeout_s = timeout_s});
    // srun --mpi=list writes to standard error before 23.11 and to standard output since
    if (captured.status == 0) return {.words = captured.out + captured.err, .failure = {}};
    return {.words = {}, .failure = split(captured.words(), '\n')[0]};
  } catch (const Error& error) {
    return {.words = {}, .failure = error.message(), .is_late = error.fault() == Fault::transient};
  }
}

/// "KillOnBadExit           = 0" -> 0
std::string setting(const std::string& config, std::string_view key) {
  for (const std::string& line : split(config, '\n')) {
    const auto equals = line.find('=');
    if (equals != std::string::npos && trim(std::string_view(line).substr(0, equals)) == key)
      return std::string(trim(std::string_view(line).substr(equals + 1)));
  }
  return {};
}

Finding mpi_plugin() {
  const Said list = ask({"srun", "--mpi=list"});
  if (!list.failure.empty())
    return {Health::fail, "MPI plugin", list.failure, "srun has to work on this machine: ask the site"};
  const auto plugins = mpi_plugins_in(list.words);
  const bool pmix =
      std::any_of(plugins.begin(), plugins.end(), [](const auto& name) { return name.starts_with("pmix"); });
  if (pmix) return {Health::ok, "MPI plugin", "srun knows " + join(plugins, ", ")};
  return {Health::fail, "MPI plugin",
          "srun knows " + (plugins.empty() ? "none" : join(plugins, ", ")) + ", and not pmix",
          "ask the site for Slurm's PMIx plugin, or name what it has in slurm.mpi"};
}

std::vector<Finding> settings_worth_knowing() {
  const Said config = ask({"scontrol", "show", "config"});
  if (!config.failure.empty())
    return {{Health::fail, "controller", config.failure, "slurmctld does not answer; try again later or ask the site"}};
  std::vector<Finding> all;
  const auto seconds = to_int(split(setting(config.words, "SlurmdTimeout"), ' ')[0]).value_or(0);
  all.push_back({.subject = "dead nodes",
                 .text = cat("Slurm notices them after ", seconds, " s; our supervisor after about 5 s")});
  if (setting(config.words, "JobRequeue") == "0")
    all.push_back({Health::warn, "requeue", "JobRequeue=0: jobs come back only when they ask for it",
                   "our jobs ask with --requeue; where the site forbids it, submit a chain with --jobs"});
  return all;
}

}  // namespace

std::vector<std::string> mpi_plugins_in(const std::string& words) {
  // "MPI plugin types are..." and one name a line, before 22.05 each after "srun: "; 23.11 adds "specific pmix plugin
  // versions available: pmix_v4"
  std::set<std::string> names;
  std::string plain = words;
  std::replace_if(
      plain.begin(), plain.end(), [](char c) { return c == ',' || c == ':' || c == '\t' || c == '\n'; }, ' ');
  for (const std::string& word : split(plain, ' '))
    for (const char* known : {"pmix", "pmi2", "none", "openmpi", "cray_shasta"})
      if (word == known || word.starts_with(std::string(known) + "_v")) names.insert(word);
  return {names.begin(), names.end()};
}

std::map<std::string, std::string> by_task(const std::string& labelled) {
  std::map<std::string, std::string> texts;
  for (const std::string& line : split(labelled, '\n'))
    if (const auto colon = line.find(": "); colon != std::string::npos)
      texts[std::string(trim(line.substr(0, colon)))] += line.substr(colon + 2);
  return texts;
}

std::vector<Finding> check_worker() {
  fs::path worker;
  try {
    worker = cluster::worker_program();
  } catch (const Error& error) {
    return {{Health::fail, "worker", error.message(), error.remedy()}};
  }
  const Said said = ask({worker.string(), "--version"});
  if (said.is_late)
    return {{Health::warn, "worker", said.failure,
             "this machine, or the file system that libtorch is read from, is busy: ask again"}};
  if (!said.failure.empty())
    return {{Health::fail, "worker", cat(worker.string(), " does not start: ", said.failure),
             "a library is missing: `ldd " + worker.string() + "` names it"}};
  const std::string words(trim(said.words));
  if (split(words, ' ')[0] != version())
    return {{Health::fail, "worker",
             cat(worker.string(), " is version ", split(words, ' ')[0], ", this program ", version()),
             "install both from one build"}};
  return {{Health::ok, "worker", cat(worker.string(), ", version ", words), {}}};
}

std::vector<Finding> check_slurm() {
  const Said version = ask({"sbatch", "--version"});
  if (!version.failure.empty())
    return {{Health::warn, "Slurm", "none here: " + version.failure,
             "`peft-studio train` works without; on a login node perhaps `module load slurm`"}};
  std::vector<Finding> all = {{.subject = "Slurm", .text = std::string(trim(version.words))}, mpi_plugin()};
  for (Finding& finding : settings_worth_knowing()) all.push_back(std::move(finding));
  if (const auto withheld = config::withheld_options(environment_here()); !withheld.empty())
    all.push_back({Health::warn, "variables",
                   cat("set in this shell, and not given to Slurm's commands by us: ", join(withheld, ", ")),
                   "what they ask for belongs into the recipe's slurm section or the site profile; unset them where a "
                   "module sets them without need"});
  return all;
}

std::vector<doctor::Machine> look_at_job_nodes(const std::vector<std::string>& folders,
                                               std::vector<std::string>& unheard) {
  const char* const list = std::getenv("SLURM_JOB_NODELIST");
  const auto names = cluster::node_names(list ? list : "");
  std::vector<std::string> argv = {"srun",
                                   "--overlap",
                                   "--mpi=none",
                                   "--input=none",
                                   "--label",
                                   cat("--nodes=", names.size()),
                                   "--ntasks-per-node=1",
                                   "--kill-on-bad-exit=0",
                                   cluster::own_program().string(),
                                   "doctor",
                                   "--here",
                                   "--json"};
  for (const auto& folder : folders) {
    argv.emplace_back("--folder");
    argv.push_back(folder);
  }
  const auto captured = capture(
      {.argv = std::move(argv), .remedy_when_missing = "the site's Slurm commands belong on PATH", .timeout_s = 60});
  std::vector<doctor::Machine> machines;
  unheard = names;
  for (const auto& [task, text] : by_task(captured.out)) {
    nlohmann::ordered_json answer;
    if (json::read(text, answer) || !answer.is_object() || !answer.contains("machine")) continue;
    try {
      machines.push_back(answer.at("machine").get<doctor::Machine>());
      std::erase(unheard, machines.back().host);
    } catch (const nlohmann::json::exception&) {
      // another version: it stays unheard, and the remedy is the same
    }
  }
  if (machines.empty())
    throw Error(Fault::transient, "no node of the job answered: " + captured.words(),
                "`peft-studio doctor --here` looks at this machine alone");
  std::sort(machines.begin(), machines.end(), [](const auto& a, const auto& b) { return a.host < b.host; });
  return machines;
}

}  // namespace pst::runs
