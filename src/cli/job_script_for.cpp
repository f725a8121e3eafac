#include "cli/job_script_for.hpp"

#include "cluster/job_script.hpp"
#include "cluster/program_path.hpp"

extern char** environ;

namespace pst::cli {

std::string job_script_for(const recipe::Recipe& recipe, const std::filesystem::path& run_dir) {
  std::vector<std::string> environment;
  for (char** entry = environ; *entry; ++entry) environment.emplace_back(*entry);
  return cluster::job_script({.name = recipe.name,
                              .slurm = recipe.slurm,
                              .run_dir = run_dir,
                              .program = cluster::own_program(),
                              .exports = cluster::variables_to_export(environment)});
}

}  // namespace pst::cli
