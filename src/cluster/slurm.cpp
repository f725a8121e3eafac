// SPDX-License-Identifier: Apache-2.0
#include "cluster/slurm.hpp"

#include <unistd.h>

#include <algorithm>
#include <cctype>
#include <chrono>
#include <set>
#include <thread>

#include "cluster/capture.hpp"
#include "cluster/slurm_limits.hpp"
#include "core/error.hpp"
#include "core/strings.hpp"
#include "core/trust.hpp"

namespace pst::cluster {
const char* const kWithoutSlurm =
    "run this where Slurm's commands are (a login node; perhaps `module load slurm`), or train here and now with "
    "`peft-studio train`";

namespace {

bool is_number(std::string_view text) {
  return !text.empty() && text.size() < 20 &&
         std::all_of(text.begin(), text.end(), [](unsigned char c) { return std::isdigit(c); });
}

/// 12 of "12_3": the job that Slurm counts an element to.
std::string array_of(const std::string& id) { return id.substr(0, id.find('_')); }

/// {0, 1, 2, 5} -> "0-2,5".
std::string ranges(const std::vector<int>& numbers) {
  std::vector<std::string> parts;
  for (std::size_t begin = 0, end = 0; begin < numbers.size(); begin = end) {
    for (end = begin + 1; end < numbers.size() && numbers[end] == numbers[end - 1] + 1;) ++end;
    parts.push_back(end == begin + 1 ? cat(numbers[begin]) : cat(numbers[begin], "-", numbers[end - 1]));
  }
  return join(parts, ",");
}

void check_ids(const std::vector<std::string>& ids) {
  for (const auto& id : ids)
    if (!is_job_id(id))
      throw Error(Fault::data, cat("the run's job is ", quoted(id), ", which is no job number"),
                  "the record of its job in the run's folder is damaged; `squeue --me` lists your jobs");
}

}  // namespace

bool is_transient(const std::string& words) {
  const std::string small = lower(words);
  for (const char* sign : {"unable to contact", "timed out", "connection refused", "connect failure", "communication",
                           "socket", "try again", "temporarily"})
    if (small.find(sign) != std::string::npos) return true;
  return false;
}

bool is_job_id(std::string_view text) {
  const auto bar = text.find('_');
  return is_number(text.substr(0, bar)) && (bar == std::string_view::npos || is_number(text.substr(bar + 1)));
}

void refuse(const std::string& what, const std::string& words) {
  if (is_transient(words))
    throw Error(Fault::transient, cat(what, ": ", words), "Slurm's controller does not answer; try again later");
  throw Error(Fault::usage, cat(what, ": ", words), remedy_for_refusal(words));
}

std::vector<std::string> sbatch_words(const SubmitOptions& options) {
  std::vector<std::string> words;
  check_ids(options.after);
  if (!options.after.empty()) words.push_back("--dependency=afterany:" + join(options.after, ":"));
  if (!options.array.empty())
    words.push_back(cat("--array=", ranges(options.array), options.at_once ? cat("%", *options.at_once) : ""));
  if (!options.output.empty()) words.push_back("--output=" + options.output);
  return words;
}

namespace {

/// A cluster's name as sbatch prints it behind a number.
bool is_cluster_name(std::string_view text) {
  return !text.empty() && std::all_of(text.begin(), text.end(), [](unsigned char c) {
    return std::isalnum(c) || c == '_' || c == '-' || c == '.';
  });
}

std::optional<std::string> number_in_line(std::string_view line) {
  constexpr std::string_view kWords = "Submitted batch job ";
  if (line.starts_with(kWords)) {
    line.remove_prefix(kWords.size());
    line = line.substr(0, line.find(' '));
    return is_number(line) ? std::optional<std::string>(line) : std::nullopt;
  }
  const auto semicolon = line.find(';');
  const bool fits = semicolon == std::string_view::npos || is_cluster_name(line.substr(semicolon + 1));
  const auto number = line.substr(0, semicolon);
  return fits && is_number(number) ? std::optional<std::string>(number) : std::nullopt;
}

/// The connection itself failed, so the controller has heard of nothing.
bool never_reached_it(const std::string& words) {
  const std::string small = lower(words);
  return small.find("connect failure") != std::string::npos || small.find("connection refused") != std::string::npos;
}

/// @param trouble  why it is not known whether the job was taken
std::string find_submitted(const std::filesystem::path& script, const SubmitOptions& options,
                           const std::string& trouble) {
  try {
    for (const double wait_s : options.look_after_s) {
      std::this_thread::sleep_for(std::chrono::duration<double>(wait_s));
      auto jobs = queued_jobs_of(script);
      std::erase_if(jobs, [&](const std::string& id) {
        return std::find(options.known.begin(), options.known.end(), id) != options.known.end();
      });
      if (!jobs.empty()) return jobs.back();
    }
  } catch (const Error& error) {
    throw Error(Fault::transient,
                cat(trouble, "; whether Slurm has taken the job is not known, because ", error.message()),
                "wait until squeue answers, then: peft-studio resume RUN   looks for the job before it submits one");
  }
  throw Error(Fault::transient, cat(trouble, "; no job of ", script.string(), " is in Slurm's queue"),
              "peft-studio resume RUN   looks for the job before it submits one");
}

}  // namespace

std::optional<std::string> job_number(const std::string& printed) {
  std::set<std::string> found;
  for (const auto& line : split(printed, '\n'))
    if (const auto number = number_in_line(trim(line))) found.insert(*number);
  return found.size() == 1 ? std::optional(*found.begin()) : std::nullopt;
}

std::string submit(const std::filesystem::path& script, const SubmitOptions& options) {
  if (const auto why = not_ours(script))
    throw Error(Fault::usage, cat("the job script ", script.string(), " is not submitted: ", *why),
                "look into it; where the run is yours, `chmod -R go-w` its folder, or make a new run");
  std::vector<std::string> argv = {"sbatch", "--parsable"};
  for (auto& word : sbatch_words(options)) argv.push_back(std::move(word));
  argv.push_back(script.string());
  Captured answer;
  try {
    answer = capture({.argv = std::move(argv), .remedy_when_missing = kWithoutSlurm});
  } catch (const Error& error) {
    if (error.fault() != Fault::transient) throw;
    return find_submitted(script, options, error.message());
  }
  const std::string words = answer.words();
  if (answer.status != 0 && is_transient(words) && !never_reached_it(words))
    return find_submitted(script, options, cat("sbatch had no answer from Slurm: ", words));
  if (answer.status != 0) refuse("sbatch refused the job", words);
  if (const auto number = job_number(answer.out)) return *number;
  return find_submitted(script, options,
                        cat("sbatch printed ", quoted(std::string(trim(answer.out))), " instead of its job's number"));
}

std::vector<std::string> queued_jobs_of(const std::filesystem::path& script) {
  const Captured answer = capture({.argv = {"squeue", "--noheader", "--states=PENDING,CONFIGURING,RUNNING",
                                            cat("--user=", ::getuid()), "--format=%F|%o"},
                                   .remedy_when_missing = kWithoutSlurm,
                                   .timeout_s = 20,
                                   .max_output = 8 << 20});
  if (answer.status != 0)
    throw Error(Fault::transient, cat("squeue failed: ", answer.words()),
                "try again later; `scontrol ping` asks Slurm's controller");
  std::set<std::int64_t> jobs;
  for (const auto& line : split(answer.out, '\n')) {
    const auto bar = line.find('|');
    if (bar == std::string::npos || trim(std::string_view(line).substr(bar + 1)) != script.string()) continue;
    if (const auto number = to_int(trim(std::string_view(line).substr(0, bar)))) jobs.insert(*number);
  }
  std::vector<std::string> ids;
  for (const auto number : jobs) ids.push_back(std::to_string(number));
  return ids;
}

std::map<std::string, JobState> job_states(const std::vector<std::string>& ids) {
  std::set<std::string> valid, jobs;  // a thousand elements of an array are asked for as one job
  for (const auto& id : ids)
    if (is_job_id(id)) valid.insert(id), jobs.insert(array_of(id));
  if (valid.empty()) return {};
  const Captured answer = capture({.argv = {"squeue", "--noheader", "--states=all", "--array", "--format=%i|%T|%r|%M",
                                            "--jobs=" + join({jobs.begin(), jobs.end()}, ",")},
                                   .remedy_when_missing = kWithoutSlurm,
                                   .timeout_s = 20,
                                   .max_output = 8 << 20});
  // Of a single job that it has forgotten Slurm says this; of one among several it says nothing.
  if (answer.status != 0 && answer.err.find("Invalid job id") != std::string::npos) return {};
  if (answer.status != 0)
    throw Error(
        Fault::transient, cat("squeue failed: ", answer.words()),
        is_transient(answer.words())
            ? "Slurm's controller does not answer; try again later"
            : "run squeue by hand to see whether Slurm works on this machine; `scontrol ping` asks its controller");

  std::map<std::string, JobState> states;
  for (const auto& line : split(answer.out, '\n')) {
    const auto fields = split(trim(line), '|');
    if (fields.size() != 4 || valid.count(fields[0]) == 0) continue;
    // Seen with 22.05, with a time limit and without: a job that goes back into the queue has run for no time at all
    // while it completes; one that was cancelled keeps the time that it had run.
    const bool goes_back = fields[1] == "COMPLETING" && fields[3] == "0:00";
    states[fields[0]] = {.state = goes_back ? "REQUEUED" : fields[1], .reason = fields[2] == "None" ? "" : fields[2]};
  }
  return states;
}

namespace {

void scancel(const std::vector<std::string>& job_ids, std::vector<std::string> options) {
  check_ids(job_ids);
  options.insert(options.begin(), "scancel");
  options.insert(options.end(), job_ids.begin(), job_ids.end());
  const Captured answer = capture({.argv = options, .remedy_when_missing = kWithoutSlurm});
  if (answer.status == 0) return;
  if (is_transient(answer.words())) refuse(cat("scancel ", join(job_ids, " "), " failed"), answer.words());
  throw Error(Fault::usage, cat("scancel ", join(job_ids, " "), " failed: ", answer.words()),
              cat("see whose job it is and whether it still exists: squeue --jobs=", join(job_ids, ","),
                  "; only its owner can end it"));
}

}  // namespace

void cancel(const std::vector<std::string>& job_ids) {
  if (!job_ids.empty()) scancel(job_ids, {});
}

void warn(const std::string& job_id) { scancel({job_id}, {"--batch", "--signal=USR2"}); }

bool is_active(const JobState& job) {
  for (const char* ended : {"COMPLETED", "FAILED", "CANCELLED", "TIMEOUT", "NODE_FAIL", "OUT_OF_MEMORY", "PREEMPTED",
                            "BOOT_FAIL", "DEADLINE", "REVOKED"})
    if (job.state.starts_with(ended)) return false;
  return true;
}

std::string to_text(const JobState& job) {
  return job.reason.empty() ? job.state : cat(job.state, " (", job.reason, ")");
}

}  // namespace pst::cluster
