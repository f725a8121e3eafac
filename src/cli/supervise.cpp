#include <cstdlib>
#include <iostream>

#include "cli/command.hpp"
#include "cluster/program_path.hpp"
#include "cluster/supervisor.hpp"
#include "core/error.hpp"
#include "core/strings.hpp"
#include "recipe/load.hpp"

namespace pst::cli {
namespace {

int supervise(const std::string& folder) {
  const char* const job = std::getenv("SLURM_JOB_ID");
  if (job == nullptr)
    throw Error(Fault::usage,
                "`supervise` runs inside the job that `peft-studio submit` makes, and this is not a Slurm job",
                "peft-studio submit RECIPE, or without Slurm: peft-studio train RECIPE");
  const rundir::RunDir run = rundir::RunDir::find(folder, ".");
  const auto slurm = recipe::load(run.recipe()).slurm;
  const char* const hosts = std::getenv("SLURM_JOB_NODELIST");
  const cluster::Outcome outcome = cluster::supervise(
      run, {.launch = [&](int attempt) { return cluster::srun_launch(slurm, run, attempt, cluster::worker_program()); },
            .job_id = job,
            .hosts = hosts ? hosts : ""});
  if (!outcome.report.empty()) std::cerr << outcome.report << '\n';
  if (outcome.kind == cluster::Outcome::Kind::completed)
    std::cout << "run " << run.root().string() << " completed" << std::endl;
  else
    std::cerr << "run " << run.root().string() << ": " << outcome.reason << std::endl;
  return outcome.exit;
}

}  // namespace

Command add_supervise(CLI::App& program) {
  CLI::App* app =
      program.add_subcommand("supervise", "What the job script calls: start the workers, judge how they end");
  auto run = std::make_shared<std::string>();
  app->add_option("RUN", *run, "Folder of the run")->required();
  return {app, [run] { return supervise(*run); }};
}

}  // namespace pst::cli
