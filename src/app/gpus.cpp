// SPDX-License-Identifier: Apache-2.0
#include "app/gpus.hpp"

#include <algorithm>
#include <array>
#include <string>
#include <vector>

#include "app/this_machine.hpp"
#include "core/error.hpp"
#include "core/strings.hpp"
#include "core/view.hpp"
#include "rundir/unfit.hpp"

namespace pst::app {
namespace {

/// The nodes that have something to say, each once, in the order of the ranks.
std::vector<std::string> nodes_that(comm::Communicator& world, bool has) {
  std::array<std::uint8_t, 256> mine{};  // a host name is shorter
  const std::string name = has ? node_name() : std::string();
  std::copy_n(name.begin(), std::min(name.size(), mine.size() - 1), mine.begin());
  std::vector<std::uint8_t> all(mine.size() * static_cast<std::size_t>(world.size()));
  world.all_gather(const_view_of(std::span<const std::uint8_t>(mine)), view_of(std::span(all)));
  std::vector<std::string> nodes;
  for (std::size_t at = 0; at < all.size(); at += mine.size()) {
    const std::string node = reinterpret_cast<const char*>(all.data() + at);
    if (!node.empty() && std::find(nodes.begin(), nodes.end(), node) == nodes.end()) nodes.push_back(node);
  }
  return nodes;
}

}  // namespace

std::optional<ops::Gpu> open_gpus(const Ranks& ranks, const rundir::RunDir& run, int attempt,
                                  const recipe::Train& train) {
  comm::Communicator& world = ranks.world;
  if (train.device != recipe::DeviceChoice::cuda) return std::nullopt;
  std::optional<ops::Gpu> gpu;
  std::optional<Error> failure;
  try {
    gpu = ops::open_gpu(ranks.local_rank);
  } catch (const Error& error) {
    failure = error;
  }
  const auto unfit = nodes_that(world, failure && failure->fault() == Fault::unfit);
  if (world.is_root() && !unfit.empty())
    rundir::write_unfit(run, attempt, {unfit, cat("no GPU can be used on ", join(unfit, ", "))});
  world.barrier();  // unfit.json is there before anybody's exit ends the launcher
  comm::together(world, "opening the GPUs", [&] {
    if (failure) throw *failure;
  });
  return gpu;
}

}  // namespace pst::app
