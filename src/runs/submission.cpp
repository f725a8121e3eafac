// SPDX-License-Identifier: Apache-2.0
#include "runs/submission.hpp"

#include <algorithm>

#include "core/error.hpp"
#include "core/strings.hpp"
#include "json/record.hpp"
#include "runs/handle.hpp"
#include "runs/live_state.hpp"
#include "runs/slurm_cluster.hpp"

namespace pst::runs {

using rundir::State;

Before come_after(const rundir::RunDir& run, NeedCompleted need) {
  const LiveState live = live_state(run);
  const rundir::fs::path must_complete = need == NeedCompleted::yes ? run.root() : rundir::fs::path();
  if (live.run.state == State::completed) return {.jobs = {}, .run = must_complete};
  if (rundir::is_final(live.run.state)) {
    if (need == NeedCompleted::no) return {};
    throw Error(
        Fault::data,
        cat("run ", handle(run), " is ", rundir::name_of(live.run.state),
            live.run.reason.empty() ? "" : ": " + live.run.reason),
        cat("peft-studio resume ", shell_quoted(handle(run)), "   first, or do without its success: --after-any"));
  }
  const auto& chain = live.run.chain;
  const std::string job = chain.empty() ? live.run.job_id.value_or("") : chain.back();
  if (!cluster::is_job_id(job))
    throw Error(Fault::usage, cat("run ", handle(run), " has no Slurm job that could be waited for"),
                cat("let it end first: peft-studio follow ", shell_quoted(handle(run))));
  return {.jobs = {job}, .run = must_complete};
}

std::vector<std::string> submit_chain(const rundir::fs::path& script, int jobs, const Before& before,
                                      std::vector<std::string> head) {
  std::vector<std::string> ids = std::move(head);
  try {
    while (ids.empty() || ids.size() < static_cast<std::size_t>(jobs))
      ids.push_back(
          cluster::submit(script, {.after = ids.empty() ? before.jobs : std::vector{ids.back()}, .known = ids}));
  } catch (const Error&) {
    try {
      cluster::cancel(ids);
    } catch (const Error&) {
      // The first error is the one to tell; the jobs find a run without a submission and end at once.
    }
    throw;
  }
  return ids;
}

std::vector<std::string> known_jobs(const std::vector<rundir::RunDir>& runs) {
  std::vector<std::string> jobs;
  for (const auto& run : runs)
    for (const auto& event : run.read_events()) {
      if (json::text_of(event, "event") != "submitted") continue;
      auto ids = json::texts_of(event, "chain");
      ids.push_back(json::text_of(event, "job_id"));
      for (const auto& id : ids) jobs.push_back(id.substr(0, id.find('_')));
    }
  return jobs;
}

std::vector<std::string> unknown_jobs(const rundir::fs::path& script, const std::vector<rundir::RunDir>& runs) {
  const auto known = known_jobs(runs);
  auto jobs = cluster::queued_jobs_of(script);
  std::erase_if(jobs, [&](const std::string& id) { return std::find(known.begin(), known.end(), id) != known.end(); });
  return jobs;
}

nlohmann::ordered_json submitted_details(const std::vector<std::string>& jobs, const Before& before) {
  nlohmann::ordered_json details = {{"job_id", jobs.front()}};
  if (jobs.size() > 1) details["chain"] = jobs;
  if (const std::string cluster = cluster_asked(); !cluster.empty()) details["cluster"] = cluster;
  if (!before.run.empty()) details["after"] = before.run.string();
  return details;
}

}  // namespace pst::runs
