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
  const json::Document document = read_json(run.attempt(number) / "attempt.json");
  const json::Object file = document.object();
  const std::string job = file.at("job_id").text();
  return {.number = number,
          .launcher = file.at("launcher").text(),
          .job_id = job.empty() ? std::nullopt : std::optional(job),
          .hosts = file.at("hosts").text(),
          .ranks = file.at("ranks").small_whole(),
          .nodes = names_in(file.text("nodes").value_or("")),
          .blamed = names_in(file.text("blamed").value_or("")),
          .started = file.at("started").text(),
          .supervisor = {.host = file.at("supervisor_host").text(),
                         .boot_id = file.at("supervisor_boot_id").text(),
                         .pid = file.at("supervisor_pid").whole(),
                         .start_ticks = file.at("supervisor_start_ticks").whole()}};
}

}  // namespace pst::rundir
