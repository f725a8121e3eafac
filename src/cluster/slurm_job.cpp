// SPDX-License-Identifier: Apache-2.0
#include "cluster/slurm_job.hpp"

#include <cstdlib>

#include "cluster/capture.hpp"
#include "core/error.hpp"
#include "core/strings.hpp"

namespace pst::cluster {
namespace {

const char* const kNoSlurm = "this node lacks Slurm's commands on the job's PATH; ask the site";
constexpr double kAnswerWithin_s = 4, kControllerWithin_s = 3;

std::vector<std::string> one_process_on(const std::string& node) {
  // --overlap: beside the step that trains, or that Slurm still believes in.
  return {"srun",       "--overlap",    "--nodes=1", "--ntasks=1", "--ntasks-per-node=1", "--nodelist=" + node,
          "--mpi=none", "--input=none", "--no-kill"};
}

}  // namespace

std::vector<std::string> node_names(const std::string& list) {
  const Captured answer =
      capture({.argv = {"scontrol", "show", "hostnames", list}, .remedy_when_missing = kNoSlurm, .timeout_s = 20});
  if (answer.status != 0)
    throw Error(Fault::transient, cat("scontrol cannot expand ", quoted(list), ": ", answer.words()),
                "try again; `scontrol ping` tells whether the controller answers");
  std::vector<std::string> names;
  for (const auto& line : split(answer.out, '\n'))
    if (!trim(line).empty()) names.emplace_back(trim(line));
  return names;
}

bool answers(const std::string& node) {
  Command command{.argv = one_process_on(node), .remedy_when_missing = kNoSlurm, .timeout_s = kAnswerWithin_s};
  command.argv.emplace_back("true");
  try {
    return capture(command).status == 0;
  } catch (const Error&) {
    return false;
  }
}

void end_steps(const std::string& job_id, const std::string& name) {
  try {
    const Captured steps = capture({.argv = {"squeue", "--steps", "--noheader", "--format=%i|%j", "--jobs=" + job_id},
                                    .remedy_when_missing = kNoSlurm,
                                    .timeout_s = kControllerWithin_s});
    for (const auto& line : split(steps.out, '\n')) {
      const auto fields = split(trim(line), '|');
      if (fields.size() != 2 || fields[1] != name) continue;
      capture({.argv = {"scancel", "--signal=KILL", fields[0]},
               .remedy_when_missing = kNoSlurm,
               .timeout_s = kControllerWithin_s});
    }
  } catch (const Error&) {
    // A controller that does not answer: the ranks have their order by heartbeat, and end when it stops.
  }
}

std::string requeue_id() {
  const auto variable = [](const char* name) {
    const char* const text = std::getenv(name);
    return std::string(text ? text : "");
  };
  const std::string array = variable("SLURM_ARRAY_JOB_ID"), task = variable("SLURM_ARRAY_TASK_ID");
  return array.empty() || task.empty() ? variable("SLURM_JOB_ID") : array + "_" + task;
}

void requeue(const std::string& job_id) {
  const Captured answer =
      capture({.argv = {"scontrol", "requeue", job_id}, .remedy_when_missing = kNoSlurm, .timeout_s = 20});
  if (answer.status != 0)
    throw Error(Fault::transient, cat("Slurm does not requeue job ", job_id, ": ", answer.words()),
                "peft-studio resume RUN");
}

std::string mail_program() {
  const Captured answer =
      capture({.argv = {"scontrol", "show", "config"}, .remedy_when_missing = kNoSlurm, .timeout_s = 20});
  for (const auto& line : split(answer.out, '\n')) {
    const auto equals = line.find('=');
    if (equals != std::string::npos && trim(std::string_view(line).substr(0, equals)) == "MailProg")
      return std::string(trim(std::string_view(line).substr(equals + 1)));
  }
  throw Error(Fault::transient, cat("Slurm does not say what its MailProg is: ", answer.words()));
}

std::string step_name(int attempt) { return cat("pst-attempt-", attempt); }

ChildSettings on_node(const std::string& node, const std::string& name, std::vector<std::string> argv,
                      std::filesystem::path output) {
  ChildSettings settings{
      .argv = one_process_on(node), .remedy_when_missing = kNoSlurm, .output = std::move(output), .environment = {}};
  settings.argv.push_back("--job-name=" + name);
  for (auto& word : argv) settings.argv.push_back(std::move(word));
  return settings;
}

}  // namespace pst::cluster
