// SPDX-License-Identifier: Apache-2.0
#include "runs/job_script_for.hpp"

#include <algorithm>
#include <nlohmann/json.hpp>

#include "cluster/job_script.hpp"
#include "cluster/program_path.hpp"
#include "cluster/secrets.hpp"
#include "core/error.hpp"
#include "core/file.hpp"
#include "core/strings.hpp"
#include "json/record.hpp"
#include "site/load_profile.hpp"

extern char** environ;

namespace pst::runs {

std::vector<fs::path> site_folders() { return site::folders(site::this_host(), cluster::own_program()); }

site::Choice site_for(const recipe::Recipe& recipe) {
  return doing("looking for the site profile",
               [&] { return site::choose(recipe.slurm.site, site::this_host(), site_folders()); });
}

site::Site site_of(const rundir::RunDir& run) {
  std::error_code ignored;
  return fs::exists(run.site(), ignored) ? site::load_effective(run.site()) : site::Site{};
}

std::optional<double> slowest_checkpoint_s(const rundir::RunDir& run) {
  std::optional<double> slowest;
  std::error_code ignored;
  if (!fs::exists(run.events_file(), ignored)) return slowest;
  run.for_each_event([&](const nlohmann::ordered_json& event) {
    if (json::text_of(event, "event") != "checkpoint") return;
    double took = 0;
    for (const char* part : {"stall_s", "write_s", "commit_s"}) took += json::real(event, part).value_or(0);
    slowest = std::max(slowest.value_or(0), took);
  });
  return slowest;
}

std::vector<std::string> environment_here() {
  std::vector<std::string> environment;
  for (char** entry = environ; *entry; ++entry) environment.emplace_back(*entry);
  return environment;
}

namespace {

void refuse_gpus_that_cannot_be_used(const recipe::Recipe& recipe, const site::Site& site) {
  using recipe::DeviceChoice;
  const bool wants = recipe.train.device == DeviceChoice::cuda ||
                     (recipe.train.device == DeviceChoice::automatic && recipe.slurm.gpus_per_node);
  if (site.gpus.cuda || !wants) return;
  throw Error(Fault::usage,
              cat("the GPUs of ", site.name,
                  " are not NVIDIA's, and the worker's GPU module, which is CUDA's, cannot "
                  "use them"),
              "train on the CPU cores there: train.device: cpu, without slurm.gpus_per_node");
}

}  // namespace

std::string job_script_for(const recipe::Recipe& recipe, const site::Site& site, const fs::path& run_dir) {
  refuse_gpus_that_cannot_be_used(recipe, site);
  recipe::Slurm slurm = recipe.slurm;
  // What sbatch would take anyway, said in the script, so that a look at it tells who pays.
  if (const auto account = site::this_host().variable("SBATCH_ACCOUNT"); account && !account->empty() && !slurm.account)
    slurm.account = account;
  if (const auto& secrets = slurm.secrets_file ? slurm.secrets_file : site.secrets_file)
    cluster::read_secrets(*secrets);
  return cluster::job_script({.name = recipe.name,
                              .slurm = slurm,
                              .site = site,
                              .run_dir = run_dir,
                              .program = cluster::own_program(),
                              .exports = cluster::variables_to_export(environment_here(), site.exports),
                              .checkpoint_s = slowest_checkpoint_s(rundir::RunDir(run_dir))});
}

void write_job(const rundir::RunDir& run, const recipe::Recipe& recipe, const site::Site& site) {
  const std::string script = job_script_for(recipe, site, run.root());  // may throw: before anything is written
  write_durably(run.site(), site::to_yaml(site));
  write_durably(run.job_script(), script);
}

}  // namespace pst::runs
