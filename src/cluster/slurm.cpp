#include "cluster/slurm.hpp"

#include <algorithm>
#include <cctype>

#include "cluster/capture.hpp"
#include "cluster/job_script.hpp"
#include "core/error.hpp"
#include "core/strings.hpp"

namespace pst::cluster {
namespace {

const char* const kNoSlurm =
    "run this where Slurm's commands are (a login node; perhaps `module load slurm`), or train here and now with "
    "`peft-studio train`";

bool is_job_id(std::string_view text) {
  return !text.empty() && text.size() < 20 &&
         std::all_of(text.begin(), text.end(), [](unsigned char c) { return std::isdigit(c); });
}

/// Trouble on Slurm's side, which may be over in a minute; anything else is about the job.
bool is_transient(const std::string& words) {
  const std::string small = lower(words);
  for (const char* sign : {"unable to contact", "timed out", "connection refused", "connect failure", "communication",
                           "socket", "try again", "temporarily"})
    if (small.find(sign) != std::string::npos) return true;
  return false;
}

[[noreturn]] void refuse(const std::string& what, const Captured& answer) {
  const std::string words = answer.words();
  if (is_transient(words))
    throw Error(Fault::transient, cat(what, ": ", words), "Slurm's controller does not answer; try again later");
  throw Error(Fault::usage, cat(what, ": ", words),
              "check the recipe's slurm section against what the site offers (sinfo)");
}

}  // namespace

std::string submit(const std::filesystem::path& script) {
  // SBATCH_EXPORT would win over the script's own --export and ship the whole environment; others likewise.
  const Captured answer = capture({.argv = {"sbatch", "--parsable", script.string()},
                                   .remedy_when_missing = kNoSlurm,
                                   .without_variables = variables_that_override()});
  if (answer.status != 0) refuse("sbatch refused the job", answer);
  // "<id>" or "<id>;<cluster>" in the last line; a site's submit plugin may print a greeting before it.
  const std::string out(trim(answer.out));
  const std::string line = out.substr(out.rfind('\n') + 1);
  const std::string id = line.substr(0, line.find(';'));
  if (!is_job_id(id))
    throw Error(Fault::transient, cat("sbatch accepted the job but printed ", quoted(out), " instead of its number"),
                "look for it with squeue, and cancel it with scancel");
  return id;
}

std::map<std::string, JobState> job_states(const std::vector<std::string>& ids) {
  std::vector<std::string> valid;
  for (const auto& id : ids)
    if (is_job_id(id)) valid.push_back(id);
  if (valid.empty()) return {};
  const Captured answer =
      capture({.argv = {"squeue", "--noheader", "--states=all", "--format=%A|%T|%r", "--jobs=" + join(valid, ",")},
               .remedy_when_missing = kNoSlurm,
               .timeout_s = 20,
               .max_output = 8 << 20});
  // Of a single job that it has forgotten Slurm says this; of one among several it says nothing.
  if (answer.status != 0 && answer.err.find("Invalid job id") != std::string::npos) return {};
  if (answer.status != 0)
    throw Error(Fault::transient, cat("squeue failed: ", answer.words()),
                "Slurm's controller does not answer; try again later");

  std::map<std::string, JobState> states;
  for (const auto& line : split(answer.out, '\n')) {
    const auto fields = split(trim(line), '|');
    if (fields.size() != 3 || std::find(valid.begin(), valid.end(), fields[0]) == valid.end()) continue;
    states[fields[0]] = {.state = fields[1], .reason = fields[2] == "None" ? "" : fields[2]};
  }
  return states;
}

namespace {

void scancel(const std::string& job_id, std::vector<std::string> options) {
  if (!is_job_id(job_id))
    throw Error(Fault::data, cat("the run's job is ", quoted(job_id), ", which is no job number"));
  options.insert(options.begin(), "scancel");
  options.push_back(job_id);
  const Captured answer = capture({.argv = options, .remedy_when_missing = kNoSlurm});
  if (answer.status != 0) refuse(cat("scancel ", job_id, " failed"), answer);
}

}  // namespace

void cancel(const std::string& job_id) { scancel(job_id, {}); }

void warn(const std::string& job_id) { scancel(job_id, {"--batch", "--signal=USR2"}); }

bool is_active(const JobState& job) {
  for (const char* ended : {"COMPLETED", "FAILED", "CANCELLED", "TIMEOUT", "NODE_FAIL", "OUT_OF_MEMORY", "PREEMPTED",
                            "BOOT_FAIL", "DEADLINE", "REVOKED"})
    if (starts_with(job.state, ended)) return false;
  return true;
}

std::string to_text(const JobState& job) {
  return job.reason.empty() ? job.state : cat(job.state, " (", job.reason, ")");
}

}  // namespace pst::cluster
