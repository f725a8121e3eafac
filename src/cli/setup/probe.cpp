// SPDX-License-Identifier: Apache-2.0
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstdlib>
#include <cstring>
#include <optional>

#include "cli/verb.hpp"
#include "cluster/program_path.hpp"
#include "core/error.hpp"
#include "core/strings.hpp"
#include "runs/usable_cores.hpp"

namespace pst::cli {
namespace {

struct ProbeArguments {
  int ranks = 1;
  std::optional<int> threads;
  std::string output, folder;
};

int probe(const ProbeArguments& arguments) {
  const int threads = arguments.threads.value_or(std::max(1, runs::usable_cores() / arguments.ranks));
  std::vector<std::string> words;
  if (arguments.ranks > 1) {  // as cluster::local_launch starts a training
    words = {cluster::require_program("mpirun", "install Open MPI, or measure one rank").string(),
             "-n",
             cat(arguments.ranks),
             "--oversubscribe",
             "--bind-to",
             "none"};
    if (::geteuid() == 0) words.push_back("--allow-run-as-root");
    for (const auto& [name, value] : {std::pair{"OMPI_MCA_btl", "self,vader,tcp"},
                                      {"OMPI_MCA_btl_tcp_if_include", "lo"},
                                      {"OMPI_MCA_oob_tcp_if_include", "lo"}})
      ::setenv(name, value, 0);
  }
  ::setenv("OMP_NUM_THREADS", cat(threads).c_str(), 0);
  words.insert(words.end(), {cluster::worker_program().string(), "probe", "--threads", cat(threads)});
  if (!arguments.output.empty()) words.insert(words.end(), {"--output", arguments.output});
  if (!arguments.folder.empty()) words.insert(words.end(), {"--folder", arguments.folder});

  std::vector<char*> argv;
  for (auto& word : words) argv.push_back(word.data());
  argv.push_back(nullptr);
  ::execv(argv.front(), argv.data());  // it takes our place: its output and exit status are ours
  throw Error(Fault::unfit, cat("cannot start ", words.front(), ": ", std::strerror(errno)),
              "it belongs beside peft-studio, executable: install again, or see `ls -l`");
}

}  // namespace

Runner add_probe(CLI::App& app) {
  auto arguments = std::make_shared<ProbeArguments>();
  app.add_option("--ranks", arguments->ranks,
                 "Ranks at work at the same time, and their all-reduce; under srun: leave it out")
      ->check(CLI::Range(1, 4096));
  app.add_option("--threads", arguments->threads, "Threads of each rank; absent: the cores shared out")
      ->check(CLI::Range(1, 4096));
  app.add_option("--output", arguments->output, "File to write instead of the machine's own in the cache folder");
  app.add_option("--folder", arguments->folder, "Folder on the disk to measure, such as the runs' own");
  return [arguments] { return probe(*arguments); };
}

}  // namespace pst::cli
