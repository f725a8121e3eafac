// SPDX-License-Identifier: Apache-2.0
#include "runs/submission.hpp"

#include "core/error.hpp"
#include "core/strings.hpp"
#include "runs/handle.hpp"
#include "runs/live_state.hpp"

namespace pst::runs {

using rundir::State;

Before come_after(const rundir::RunDir& run, NeedCompleted need) {
  const LiveState live = live_state(run);
  const rundir::fs::path must_complete = need == NeedCompleted::yes ? run.root() : rundir::fs::path();
  if (live.run.state == State::completed) return {.jobs = {}, .run = must_complete};
  if (rundir::is_final(live.run.state)) {
    if (need == NeedCompleted::no) return {};
    throw Error(Fault::data,
                cat("run ", handle(run), " is ", rundir::name_of(live.run.state),
                    live.run.reason.empty() ? "" : ": " + live.run.reason),
                cat("peft-studio resume ", handle(run), "   first, or do without its success: --after-any"));
  }
  const auto& chain = live.run.chain;
  const std::string job = chain.empty() ? live.run.job_id.value_or("") : chain.back();
  if (!cluster::is_job_id(job))
    throw Error(Fault::usage, cat("run ", handle(run), " has no Slurm job that could be waited for"),
                cat("let it end first: peft-studio follow ", handle(run)));
  return {.jobs = {job}, .run = must_complete};
}

std::vector<std::string> submit_chain(const rundir::fs::path& script, int jobs, const Before& before) {
  std::vector<std::string> ids;
  try {
    for (int i = 0; i < jobs; ++i)
      ids.push_back(cluster::submit(script, {.after = ids.empty() ? before.jobs : std::vector{ids.back()}}));
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

nlohmann::ordered_json submitted_details(const std::vector<std::string>& jobs, const Before& before) {
  nlohmann::ordered_json details = {{"job_id", jobs.front()}};
  if (jobs.size() > 1) details["chain"] = jobs;
  if (!before.run.empty()) details["after"] = before.run.string();
  return details;
}

}  // namespace pst::runs
