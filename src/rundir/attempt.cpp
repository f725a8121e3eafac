// SPDX-License-Identifier: Apache-2.0
#include "rundir/attempt.hpp"

#include "core/strings.hpp"
#include "rundir/json_file.hpp"

namespace pst::rundir {

using nlohmann::ordered_json;
namespace {

/// Node names hold no commas.
std::vector<std::string> names_in(const std::string& text) {
  return text.empty() ? std::vector<std::string>{} : split(text, ',');
}

}  // namespace

void write_attempt(const RunDir& run, const AttemptRecord& record) {
  write_json(run.attempt(record.number) / "attempt.json", {{"attempt", record.number},
                                                           {"launcher", record.launcher},
                                                           {"job_id", record.job_id.value_or("")},
                                                           {"hosts", record.hosts},
                                                           {"ranks", record.ranks},
                                                           {"nodes", join(record.nodes, ",")},
                                                           {"blamed", join(record.blamed, ",")},
                                                           {"started", record.started},
                                                           {"supervisor_host", record.supervisor.host},
                                                           {"supervisor_boot_id", record.supervisor.boot_id},
                                                           {"supervisor_pid", record.supervisor.pid},
                                                           {"supervisor_start_ticks", record.supervisor.start_ticks}});
}

AttemptRecord read_attempt(const RunDir& run, int number) {
  const JsonFile file(run.attempt(number) / "attempt.json");
  const std::string job = file.text("job_id");
  return {.number = number,
          .launcher = file.text("launcher"),
          .job_id = job.empty() ? std::nullopt : std::optional(job),
          .hosts = file.text("hosts"),
          .ranks = static_cast<int>(file.integer("ranks")),
          .nodes = names_in(file.optional_text("nodes")),
          .blamed = names_in(file.optional_text("blamed")),
          .started = file.text("started"),
          .supervisor = {.host = file.text("supervisor_host"),
                         .boot_id = file.text("supervisor_boot_id"),
                         .pid = file.integer("supervisor_pid"),
                         .start_ticks = file.integer("supervisor_start_ticks")}};
}

}  // namespace pst::rundir
