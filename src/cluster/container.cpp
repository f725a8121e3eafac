// SPDX-License-Identifier: Apache-2.0
#include "cluster/container.hpp"

#include "core/error.hpp"
#include "core/strings.hpp"

namespace pst::cluster {
namespace {

using site::ContainerKind;

/// The run's folder and the site's, each `from` or `from:to`.
std::vector<std::string> binds(const site::Container& container, const rundir::RunDir& run) {
  const std::string root = run.root().string();
  if (root.find_first_of(",:") != std::string::npos)
    throw Error(Fault::usage,
                cat("the run's folder, ", quoted(root),
                    ", has a comma or a colon, which a container's "
                    "list of folders cannot hold"),
                "use another output_dir");
  std::vector<std::string> all = {root};
  all.insert(all.end(), container.binds.begin(), container.binds.end());
  return all;
}

}  // namespace

std::vector<std::string> container_command(const site::Container& container, const rundir::RunDir& run) {
  if (container.kind != ContainerKind::apptainer) return {};
  std::vector<std::string> command = {"apptainer", "exec", "--bind", join(binds(container, run), ",")};
  command.insert(command.end(), container.flags.begin(), container.flags.end());
  command.push_back(container.image.value_or(""));
  return command;
}

std::vector<std::string> srun_container_arguments(const site::Container& container, const rundir::RunDir& run) {
  if (container.kind != ContainerKind::pyxis) return {};
  std::vector<std::string> mounts;
  for (const auto& bind : binds(container, run))  // Pyxis wants both sides
    mounts.push_back(bind.find(':') == std::string::npos ? cat(bind, ":", bind) : bind);
  return {"--container-image=" + container.image.value_or(""), "--container-mounts=" + join(mounts, ",")};
}

}  // namespace pst::cluster
