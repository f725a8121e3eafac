// SPDX-License-Identifier: Apache-2.0
#include "rundir/lease.hpp"

#include <algorithm>
#include <chrono>
#include <cmath>
#include <thread>

#include "core/clock.hpp"
#include "core/error.hpp"
#include "core/strings.hpp"
#include "rundir/json_file.hpp"

namespace pst::rundir {
namespace {

/// Whether its holder writes it anew, as one that works does every few seconds. A time ahead of our clock says nothing
/// about when it was written.
bool is_renewed(const RunDir& run, const Lease& lease, const std::function<void(double)>& wait) {
  for (double waited_s = 0; waited_s < kLeaseFresh_s; ++waited_s) {
    wait(1);
    const auto now = read_lease(run);
    if (now && (now->renewed != lease.renewed || now->generation != lease.generation)) return true;
  }
  return false;
}

fs::path lease_file(const RunDir& run) { return run.root() / "lease.json"; }

}  // namespace

void sleep_for(double seconds) { std::this_thread::sleep_for(std::chrono::duration<double>(seconds)); }

void write_lease(const RunDir& run, const Lease& lease) {
  write_json(lease_file(run), {{"generation", lease.generation},
                               {"host", lease.holder.host},
                               {"boot_id", lease.holder.boot_id},
                               {"pid", lease.holder.pid},
                               {"start_ticks", lease.holder.start_ticks},
                               {"job_id", lease.job_id},
                               {"renewed", lease.renewed}});
}

std::optional<Lease> read_lease(const RunDir& run) {
  try {
    const json::Document document = read_json(lease_file(run));
    const json::Object file = document.object();
    return Lease{.generation = file.at("generation").small_whole(),
                 .holder = {.host = file.at("host").text(),
                            .boot_id = file.at("boot_id").text(),
                            .pid = file.at("pid").whole(),
                            .start_ticks = file.at("start_ticks").whole()},
                 .job_id = file.at("job_id").text(),
                 .renewed = real_or_nan(file, "renewed")};
  } catch (const Error&) {
    return std::nullopt;
  }
}

void refuse_when_held(const RunDir& run, const std::string& own_job,
                      const std::function<bool(const ProcessMark&)>& is_gone, const std::function<void(double)>& wait) {
  const auto lease = read_lease(run);
  if (!lease || !std::isfinite(lease->renewed)) return;  // no time at all: damaged
  const double age = unix_seconds() - lease->renewed;
  if (age > kLeaseFresh_s || is_gone(lease->holder)) return;
  if (!own_job.empty() && lease->job_id == own_job) return;
  if (age < -kLeaseFresh_s && !is_renewed(run, *lease, wait)) return;
  throw Error(
      Fault::usage,
      cat("run ", run.root().string(), " is being worked on already (attempt ", lease->generation, "): process ",
          lease->holder.pid, " on ", lease->holder.host, lease->job_id.empty() ? "" : cat(" (job ", lease->job_id, ")"),
          ", last heard from ", fixed(std::max(age, 0.0), 0), " s ago"),
      cat("watch it with `peft-studio follow`, end it with `peft-studio pause` or `cancel`; if it is dead, wait ",
          fixed(kLeaseFresh_s, 0), " s"));
}

void check_generation(const RunDir& run, int generation) {
  int newest = run.last_attempt();
  // Over a network file system the listing of a folder may be old, while opening a file asks its server.
  if (const auto lease = read_lease(run); lease && lease->generation > newest) newest = lease->generation;
  if (newest > generation)
    throw Error(Fault::transient,
                cat("attempt ", generation, " of this run has been replaced by attempt ", newest,
                    " and may write nothing more"),
                cat("nothing is lost; the newer one goes on: peft-studio status ", shell_quoted(run.root().string())));
}

}  // namespace pst::rundir
