#include "cluster/job_script.hpp"

#include <algorithm>
#include <cctype>
#include <map>
#include <optional>

#include "cluster/encode.hpp"
#include "core/error.hpp"
#include "core/strings.hpp"

namespace pst::cluster {
namespace {

/// Placeholder -> encoded text, or nothing when the recipe leaves it to the site.
using Values = std::map<std::string, std::optional<std::string>>;

std::optional<std::string> number(const char* what, std::optional<int> value) {
  if (!value) return std::nullopt;
  if (*value < 1) throw Error(Fault::usage, cat(what, " is ", *value, "; it must be at least 1"));
  return std::to_string(*value);
}

std::optional<std::string> text(const char* what, const std::optional<std::string>& value) {
  if (!value) return std::nullopt;
  return directive_value(what, *value);
}

/// Whether the supervisor could go on without one of the job's nodes; else Slurm may as well requeue the job at once.
bool outlives_a_node(const recipe::Slurm& slurm) {
  return slurm.spares > 0 || (slurm.shrink && slurm.nodes > 1 && slurm.nodes % 2 == 0);
}

Values values_of(const Job& job) {
  const recipe::Slurm& slurm = job.slurm;
  const auto signal = warning_seconds(slurm);
  return {
      {"job_name", directive_value("name", job.name)},
      {"log", directive_path("the run's folder", job.run_dir, "/slurm-%j.log")},
      {"nodes", number("slurm.nodes", slurm.nodes + slurm.spares)},
      {"ranks_per_node", number("slurm.ranks_per_node", slurm.ranks_per_node)},
      {"cpus_per_rank", number("slurm.cpus_per_rank", slurm.cpus_per_rank)},
      {"gpus_per_node", number("slurm.gpus_per_node", slurm.gpus_per_node)},
      {"mem", text("slurm.mem", slurm.mem)},
      {"time", directive_value("slurm.time", slurm.time)},
      {"account", text("slurm.account", slurm.account)},
      {"partition", text("slurm.partition", slurm.partition)},
      {"qos", text("slurm.qos", slurm.qos)},
      {"constraint", text("slurm.constraint", slurm.constraint)},
      {"reservation", text("slurm.reservation", slurm.reservation)},
      {"nodelist", text("slurm.nodelist", slurm.nodelist)},
      {"exclude", text("slurm.exclude", slurm.exclude)},
      {"exclusive", slurm.exclusive ? std::optional<std::string>("--exclusive") : std::nullopt},
      {"no_kill", outlives_a_node(slurm) ? std::optional<std::string>("--no-kill") : std::nullopt},
      {"signal", signal ? std::optional(cat("B:USR2@", *signal)) : std::nullopt},
      {"export", directive_value("the list of exported variables", join(job.exports, ","))},
      {"program", shell_word("the path of peft-studio", job.program.string())},
      {"run", shell_word("the run's folder", job.run_dir.string())},
  };
}

/// One line of the template with its placeholder replaced, or nothing when there is no value for it. A value is never
/// looked at again, so an "@run@" inside one stays what it is.
std::optional<std::string> filled(const std::string& line, const Values& values) {
  const auto begin = line.find('@');
  if (begin == std::string::npos) return line;
  const auto end = line.find('@', begin + 1);
  PST_ASSERT(end != std::string::npos, "a line of jobscripts/train.sh.in has one @placeholder@ or none");
  const auto value = values.find(line.substr(begin + 1, end - begin - 1));
  PST_ASSERT(value != values.end(), "every placeholder of jobscripts/train.sh.in is known here: " + line);
  if (!value->second) return std::nullopt;
  return line.substr(0, begin) + *value->second + line.substr(end + 1);
}

bool is_variable_name(const std::string& name) {
  return !name.empty() && !std::isdigit(static_cast<unsigned char>(name[0])) &&
         std::all_of(name.begin(), name.end(), [](unsigned char c) { return std::isalnum(c) || c == '_'; });
}

bool is_wanted(const std::string& name) {
  for (const char* known : {"PATH", "HOME", "USER", "LOGNAME", "SHELL", "LANG", "LC_ALL", "TZ", "TMPDIR",
                            "LD_LIBRARY_PATH", "SLURM_CONF", "PST_WORKER", "OMP_NUM_THREADS", "CUDA_HOME"})
    if (name == known) return true;
  for (const char* prefix : {"OMPI_MCA_", "PMIX_MCA_", "UCX_", "FI_", "NCCL_"})
    if (starts_with(name, prefix)) return true;
  return false;
}

bool hints_at_a_secret(const std::string& name) {
  const std::string small = lower(name);
  for (const char* word : {"token", "secret", "passw", "key", "credential"})
    if (small.find(word) != std::string::npos) return true;
  return false;
}

}  // namespace

std::optional<int> warning_seconds(const recipe::Slurm& slurm) {
  // 90 s and two checkpoints. What one takes is not known before the first; half a minute is long for an adapter.
  constexpr std::int64_t kLead_s = 90 + 2 * 30;
  const auto limit = recipe::slurm_seconds(slurm.time);
  if (!limit || *limit < 3) return std::nullopt;
  return static_cast<int>(std::min(kLead_s, *limit / 3));
}

std::string job_script(const Job& job) {
  return doing("writing the job script", [&] {
    const Values values = values_of(job);
    std::string script;
    for (const std::string& line : split(trim(job_template()), '\n'))
      if (const auto text = filled(line, values)) script += *text + '\n';
    return script;
  });
}

std::vector<std::string> variables_to_export(const std::vector<std::string>& environment) {
  std::vector<std::string> names;
  for (const std::string& entry : environment) {
    const std::string name = entry.substr(0, entry.find('='));
    if (is_variable_name(name) && is_wanted(name) && !hints_at_a_secret(name)) names.push_back(name);
  }
  std::sort(names.begin(), names.end());
  names.erase(std::unique(names.begin(), names.end()), names.end());
  // sbatch takes an empty list for "everything"; PATH is there in any shell that found sbatch.
  if (names.empty()) names.push_back("PATH");
  return names;
}

}  // namespace pst::cluster
