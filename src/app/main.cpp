// peft-studio-worker: the program of a rank. People start it through peft-studio.
#include <unistd.h>

#include <CLI/CLI.hpp>
#include <cstdio>
#include <cstdlib>
#include <optional>

#include "app/generate.hpp"
#include "app/pipeline.hpp"
#include "app/preflight.hpp"
#include "app/vital_signs.hpp"
#include "comm_mpi/mpi_communicator.hpp"
#include "core/error.hpp"
#include "core/strings.hpp"
#include "version/version.hpp"

namespace {

/// Of N programs that MPI left alone, the launcher's first speaks for all.
bool speaks_for_all() {
  const char* const process = std::getenv("SLURM_PROCID");
  return process == nullptr || std::string(process) == "0";
}

int report(const pst::Error& error) {
  std::fprintf(stderr, "%s\n", error.what());
  std::fflush(stderr);
  return pst::exit_status(error.fault());
}

int train(const std::string& run, int attempt) {
  std::optional<pst::app::VitalSigns> signs;
  std::optional<pst::comm::MpiSession> mpi;
  try {
    pst::app::check_scratch(pst::rundir::RunDir(run), attempt);
  } catch (const pst::Error& error) {
    return report(error);
  }
  try {
    signs.emplace(run, attempt);
    mpi.emplace();
    signs->enter(pst::heartbeat::Phase::starting);
  } catch (const pst::Error& error) {
    if (speaks_for_all()) return report(error);
    ::sleep(1);  // srun ends all ranks as soon as one has left: the first to leave is to be the one that spoke
    return pst::exit_status(error.fault());
  }
  try {
    pst::doing("training", [&] { pst::app::train(run, attempt, *mpi, *signs); });
    return 0;
  } catch (const pst::Error& error) {
    const int status = report(error);
    // Peers may be waiting for this rank in a collective; but a stop is agreed upon by all, and they leave in order.
    if (mpi->world().size() > 1 && error.fault() != pst::Fault::stopped) mpi->abort(status);
    return status;
  }
}

}  // namespace

int main(int argc, char** argv) {
  CLI::App cli("The program of a rank of PEFT Studio; start it with `peft-studio train` or `peft-studio submit`.",
               "peft-studio-worker");
  cli.set_version_flag("--version", pst::cat(pst::version(), " with ", pst::comm::mpi_library()));
  cli.require_subcommand(1);

  std::string run;
  int attempt = 1;
  CLI::App* const train_command = cli.add_subcommand("train", "Train as one rank of a run");
  train_command->add_option("--run", run, "Run directory")->required();
  train_command->add_option("--attempt", attempt, "Number of the attempt")->required();

  pst::app::GenerateRequest request;
  CLI::App* const generate_command = cli.add_subcommand("generate", "Answer a prompt");
  pst::app::add_options(*generate_command, request);

  try {
    cli.parse(argc, argv);
  } catch (const CLI::ParseError& error) {
    const int status = cli.exit(error);
    return status == 0 ? 0 : pst::exit_status(pst::Fault::usage);
  }
  if (*train_command) return train(run, attempt);
  try {
    pst::doing("generating", [&] { pst::app::generate(request); });
    return 0;
  } catch (const pst::Error& error) {
    return report(error);
  }
}
