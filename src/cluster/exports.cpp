// SPDX-License-Identifier: Apache-2.0
#include <algorithm>

#include "cluster/job_script.hpp"
#include "config/slurm_words.hpp"
#include "core/strings.hpp"

namespace pst::cluster {
namespace {

bool is_wanted(const std::string& name, const std::vector<std::string>& site_exports) {
  for (const char* known :
       {"PATH", "HOME", "USER", "LOGNAME", "SHELL", "LANG", "LC_ALL", "TZ", "TMPDIR", "LD_LIBRARY_PATH", "SLURM_CONF",
        "PST_WORKER", "PEFT_STUDIO_TEST_HOLD", "OMP_NUM_THREADS", "CUDA_HOME"})
    if (name == known) return true;
  for (const char* prefix : {"OMPI_MCA_", "PMIX_MCA_", "UCX_", "FI_", "NCCL_"})
    if (name.starts_with(prefix)) return true;
  return std::any_of(site_exports.begin(), site_exports.end(), [&](const std::string& wanted) {
    return wanted == name || (wanted.ends_with("*") && name.starts_with(wanted.substr(0, wanted.size() - 1)));
  });
}

bool hints_at_a_secret(const std::string& name) {
  const std::string small = lower(name);
  for (const char* word : {"token", "secret", "passw", "key", "credential"})
    if (small.find(word) != std::string::npos) return true;
  return false;
}

}  // namespace

std::vector<std::string> variables_to_export(const std::vector<std::string>& environment,
                                             const std::vector<std::string>& site_exports) {
  std::vector<std::string> names;
  for (const std::string& entry : environment) {
    const std::string name = entry.substr(0, entry.find('='));
    if (config::is_variable_name(name) && is_wanted(name, site_exports) && !hints_at_a_secret(name))
      names.push_back(name);
  }
  std::sort(names.begin(), names.end());
  names.erase(std::unique(names.begin(), names.end()), names.end());
  // sbatch takes an empty list for "everything"; PATH is there in any shell that found sbatch.
  if (names.empty()) names.push_back("PATH");
  return names;
}

}  // namespace pst::cluster
