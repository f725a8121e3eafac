// SPDX-License-Identifier: Apache-2.0
// peft-studio-worker: the program of a rank. People start it through peft-studio.
#include <unistd.h>

#include <CLI/CLI.hpp>
#include <cstdlib>
#include <functional>
#include <iostream>
#include <optional>

#include "app/generate.hpp"
#include "app/infer.hpp"
#include "app/merge.hpp"
#include "app/node_checks.hpp"
#include "app/pipeline.hpp"
#include "app/probe.hpp"
#include "app/ranks.hpp"
#include "app/this_machine.hpp"
#include "app/vital_signs.hpp"
#include "comm_mpi/mpi_communicator.hpp"
#include "core/crash.hpp"
#include "core/error.hpp"
#include "core/standard_streams.hpp"
#include "core/strings.hpp"
#include "core/time_limit.hpp"
#include "core/trust.hpp"
#include "requests/command_line.hpp"
#include "requests/train_request.hpp"
#include "version/version.hpp"

namespace {

/// Of N programs that MPI left alone, the launcher's first speaks for all.
bool speaks_for_all() {
  const char* const process = std::getenv("SLURM_PROCID");
  return process == nullptr || std::string(process) == "0";
}

int report(const pst::Error& error) {
  std::cerr << error.what() << std::endl;
  return pst::exit_status(error.fault());
}

/// Starts MPI and does `body` as one of its ranks.
int as_rank(const std::string& action, const std::function<void()>& before,
            const std::function<void(const pst::app::Ranks&)>& body) {
  std::optional<pst::comm::MpiSession> mpi;
  try {
    before();
    mpi.emplace();
  } catch (const pst::Error& error) {
    if (speaks_for_all()) return report(error);
    ::sleep(1);  // srun ends all ranks as soon as one has left: the first to leave is to be the one that spoke
    return pst::exit_status(error.fault());
  }
  try {
    pst::doing(action, [&] { body({mpi->world(), mpi->local_rank(), mpi->local_size(), mpi->node_root()}); });
    return 0;
  } catch (const pst::Error& error) {
    const int status = report(error);
    // Peers may be waiting for this rank in a collective; but a stop is agreed upon by all, and they leave in order.
    if (mpi->world().size() > 1 && error.fault() != pst::Fault::stopped) mpi->abort(status);
    return status;
  }
}

int train(const pst::requests::TrainRequest& request) {
  try {
    pst::app::check_scratch(pst::rundir::RunDir(request.run), request.attempt);
  } catch (const pst::Error& error) {
    return report(error);  // of this node alone, so it is this rank that has to say it
  }
  std::optional<pst::app::VitalSigns> signs;
  return as_rank(
      "training", [&] { signs.emplace(request.run, request.attempt); },
      [&](const pst::app::Ranks& ranks) {
        signs->enter(pst::heartbeat::Phase::starting);  // out of MPI_Init
        if (request.cores_per_rank > 0)
          pst::comm::together(ranks.world, "binding to cores",
                              [&] { pst::app::bind_to_cores(ranks.local_rank, request.cores_per_rank); });
        pst::app::train(request.run, request.attempt, ranks, *signs);
      });
}

int probe(const pst::requests::ProbeRequest& request) {
  const auto limit_time = [&] {
    pst::end_after(request.time_limit_s,
                   pst::cat("measuring took longer than ", pst::number(request.time_limit_s), " s (--time-limit)"),
                   "measure on a node where nothing else runs; with several ranks see whether `mpirun -n 2 hostname` "
                   "comes back; a longer --time-limit, 0 is none");
  };
  return as_rank("measuring this machine", limit_time,
                 [&](const pst::app::Ranks& ranks) { pst::app::probe(request, ranks); });
}

}  // namespace

int main(int argc, char** argv) {
  const pst::StandardStreams streams;
  pst::tell_of_crashes();
  pst::keep_from_others();
  pst::app::keep_freed_memory();
  pst::app::limit_kept_kernels();
  CLI::App cli("The program of a rank of PEFT Studio; start it with `peft-studio train` or `peft-studio submit`.",
               "peft-studio-worker");
  cli.set_version_flag("--version", pst::cat(pst::version(), " with ", pst::comm::mpi_library()));
  cli.require_subcommand(1);

  pst::requests::TrainRequest to_train;
  pst::requests::GenerateRequest to_generate;
  pst::requests::InferRequest to_infer;
  pst::requests::MergeRequest to_merge;
  pst::requests::ProbeRequest to_probe;
  CLI::App* const train_command = cli.add_subcommand("train", "Train as one rank of a run");
  CLI::App* const generate_command = cli.add_subcommand("generate", "Answer a prompt");
  CLI::App* const infer_command = cli.add_subcommand("infer", "Answer a file of prompts");
  CLI::App* const merge_command = cli.add_subcommand("merge", "Write a model with an adapter in its weights");
  CLI::App* const probe_command = cli.add_subcommand("probe", "Measure this machine for `peft-studio plan`");
  pst::requests::add_options(*train_command, to_train);
  pst::requests::add_options(*generate_command, to_generate);
  pst::requests::add_options(*infer_command, to_infer);
  pst::requests::add_options(*merge_command, to_merge);
  pst::requests::add_options(*probe_command, to_probe);
  try {
    if (const auto done = pst::requests::parse_command_line(cli, argc, argv)) return *done;
    if (*train_command) return train(to_train);
    if (*probe_command) return probe(to_probe);
    if (*infer_command)
      return pst::doing("answering a file of prompts", [&] { return pst::app::infer(to_infer); }) ? 0 : 1;
    if (*merge_command) {
      pst::app::merge_and_tell(to_merge);
      return 0;
    }
    pst::doing("generating", [&] { pst::app::generate(to_generate); });
    return 0;
  } catch (const pst::Error& error) {
    return report(error);
  }
}
