// SPDX-License-Identifier: Apache-2.0
#include "runs/slurm_facts_here.hpp"

#include "cluster/capture.hpp"
#include "core/error.hpp"
#include "core/strings.hpp"
#include "site/find_profile.hpp"

namespace pst::runs {
namespace {

std::string words_of(std::vector<std::string> argv) {
  const std::string line = join(argv, " ");
  const auto answer = cluster::capture({.argv = std::move(argv),
                                        .remedy_when_missing = "run this on a login node of the site (perhaps after "
                                                               "`module load slurm`)",
                                        .timeout_s = 60,
                                        .max_output = 16u << 20});
  if (answer.status != 0)
    throw Error(Fault::transient, cat("`", line, "` failed: ", answer.words()),
                "is Slurm's controller up? try again later");
  return answer.out + "\n" + answer.err;  // srun lists its MPI types on stderr
}

}  // namespace

site::SlurmFacts slurm_facts_here() {
  site::SlurmFacts facts;
  facts.host = site::this_host().name;
  read_sinfo(words_of({"sinfo", "--noheader", cat("--format=", site::kSinfoFormat)}), facts);
  read_config(words_of({"scontrol", "show", "config"}), facts);
  read_partitions(words_of({"scontrol", "show", "partition", "--oneliner"}), facts);
  read_mpi_list(words_of({"srun", "--mpi=list"}), facts);
  return facts;
}

}  // namespace pst::runs
