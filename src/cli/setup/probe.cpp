// SPDX-License-Identifier: Apache-2.0
#include <unistd.h>

#include <algorithm>
#include <cstdlib>

#include "cli/verb.hpp"
#include "cluster/program_path.hpp"
#include "core/strings.hpp"
#include "requests/probe_request.hpp"
#include "runs/exec_worker.hpp"
#include "runs/usable_cores.hpp"

namespace pst::cli {
namespace {

struct ProbeArguments {
  int ranks = 1;
  requests::ProbeRequest request;
};

int probe(const ProbeArguments& arguments) {
  requests::ProbeRequest request = arguments.request;
  if (!request.threads) request.threads = std::max(1, runs::usable_cores() / arguments.ranks);
  std::vector<std::string> argv;
  if (arguments.ranks > 1) {  // as cluster::local_launch starts a training
    argv = {cluster::require_mpirun("install Open MPI, or measure one rank").string(),
            "-n",
            cat(arguments.ranks),
            "--oversubscribe",
            "--bind-to",
            "none"};
    if (::geteuid() == 0) argv.push_back("--allow-run-as-root");
    for (const auto& [name, value] : {std::pair{"OMPI_MCA_btl", "self,vader,tcp"},
                                      {"OMPI_MCA_btl_tcp_if_include", "lo"},
                                      {"OMPI_MCA_oob_tcp_if_include", "lo"}})
      ::setenv(name, value, 0);
  }
  ::setenv("OMP_NUM_THREADS", cat(*request.threads).c_str(), 0);
  argv.insert(argv.end(), {cluster::worker_program().string(), "probe"});
  for (auto& word : requests::words_of(request)) argv.push_back(std::move(word));
  runs::exec_worker(std::move(argv));
}

}  // namespace

Runner add_probe(CLI::App& app) {
  auto arguments = std::make_shared<ProbeArguments>();
  app.add_option("--ranks", arguments->ranks,
                 "Processes that work at the same time, as in a run with so many; under srun, leave it out")
      ->check(CLI::Range(1, 4096))
      ->capture_default_str();
  requests::add_options(app, arguments->request);
  return [arguments] { return probe(*arguments); };
}

}  // namespace pst::cli
