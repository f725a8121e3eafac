// SPDX-License-Identifier: Apache-2.0
#include "app/gpus.hpp"

#include <algorithm>
#include <array>
#include <cstdlib>
#include <filesystem>
#include <span>
#include <vector>

#include "app/device_choice.hpp"
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

template <std::size_t N>
void put(std::array<char, N>& into, const std::string& text) {
  into.fill('\0');
  std::copy_n(text.begin(), std::min(text.size(), N - 1), into.begin());
}

/// GpuFound for the way between ranks.
struct FoundOnWire {
  std::array<char, 256> node{};  // a host name is shorter
  std::array<char, 32> bus{};
  std::array<char, 512> why_not{};
};

GpuFound look_for_gpu(int local_rank) {
  GpuFound found{.node = node_name(), .bus = {}, .why_not = {}};
  try {
    const CudaDevice facts = ops::look_for_gpu(local_rank);
    found.bus = facts.bus_id;
  } catch (const Error& error) {
    found.why_not = error.message();
  }
  return found;
}

std::vector<GpuFound> look_everywhere(const Ranks& ranks) {
  FoundOnWire mine;
  const GpuFound found = look_for_gpu(ranks.local_rank);
  put(mine.node, found.node);
  put(mine.bus, found.bus);
  put(mine.why_not, found.why_not);
  std::vector<FoundOnWire> all(static_cast<std::size_t>(ranks.world.size()));
  ranks.world.all_gather(ConstView(&mine, sizeof mine, Dtype::u8),
                         View{all.data(), static_cast<std::int64_t>(all.size() * sizeof mine), Dtype::u8, {}});
  std::vector<GpuFound> every;
  for (const FoundOnWire& one : all) every.push_back({one.node.data(), one.bus.data(), one.why_not.data()});
  return every;
}

/// Leaves nodes for the supervisor; all ranks throw next.
void blame(const Ranks& ranks, const rundir::RunDir& run, int attempt, const rundir::Unfit& unfit) {
  if (ranks.world.is_root() && !unfit.nodes.empty()) rundir::write_unfit(run, attempt, unfit);
  ranks.world.barrier();  // unfit.json is there before anybody's exit ends the launcher
}

ops::Gpu open_own(const Ranks& ranks, const rundir::RunDir& run, int attempt, const std::string& because) {
  std::optional<ops::Gpu> gpu;
  std::optional<Error> failure;
  try {
    gpu = ops::open_gpu(ranks.local_rank);
  } catch (const Error& error) {
    failure = error;
    if (!because.empty()) failure->add_context(because);
  }
  const auto unfit = nodes_that(ranks.world, failure && failure->fault() == Fault::unfit);
  blame(ranks, run, attempt, {unfit, cat("no GPU can be used on ", join(unfit, ", "))});
  comm::together(ranks.world, "opening the GPUs", [&] {
    if (failure) throw *failure;
  });
  return *gpu;
}

/// In a job that asked Slurm for GPUs, computing on its CPUs would waste them in silence.
bool job_has_gpus(const rundir::RunDir& run, const recipe::Slurm& slurm) {
  std::error_code ignored;
  return slurm.gpus_per_node && std::getenv("SLURM_JOB_ID") != nullptr &&
         std::filesystem::exists(run.job_script(), ignored);
}

/// What is wanted of all ranks, as rank 0 knows it, who reads the run's past.
struct Wanted {
  recipe::DeviceChoice device = recipe::DeviceChoice::automatic;
  std::string reason;
};

Wanted what_is_wanted(const rundir::RunDir& run, const recipe::Recipe& recipe) {
  using recipe::DeviceChoice;
  if (recipe.train.device != DeviceChoice::automatic) return {recipe.train.device, "given"};
  if (const auto begun = device_begun_on(run))
    return {*begun == "cuda" ? DeviceChoice::cuda : DeviceChoice::cpu,
            cat("the run began on ", *begun == "cuda" ? "GPUs" : "CPUs", ", and goes on there for the same bits")};
  if (job_has_gpus(run, recipe.slurm)) return {DeviceChoice::cuda, "the job asked for GPUs (slurm.gpus_per_node)"};
  return {};
}

Wanted agree(comm::Communicator& world, const rundir::RunDir& run, const recipe::Recipe& recipe) {
  Wanted wanted;
  comm::together(world, "settling train.device", [&] {
    if (world.is_root()) wanted = what_is_wanted(run, recipe);
  });
  auto device = static_cast<std::int32_t>(wanted.device);
  world.broadcast(view_of(std::span(&device, 1)), 0);
  return {static_cast<recipe::DeviceChoice>(device), comm::broadcast_text(world, wanted.reason)};
}

[[noreturn]] void refuse_mixture(const Ranks& ranks, const rundir::RunDir& run, int attempt,
                                 const DeviceDecision& decision) {
  blame(ranks, run, attempt, {decision.without, decision.reason});
  throw Error(Fault::unfit, cat("train.device: auto: ", decision.reason),
              cat("ranks do not train on both: leave ", join(decision.without, ","),
                  " out (slurm.exclude), start as many ranks on a node as it has GPUs (slurm.ranks_per_node), or set "
                  "train.device: cpu"));
}

void tell(const Ranks& ranks, const rundir::RunDir& run, int attempt, const DeviceTaken& taken) {
  if (ranks.world.is_root())
    run.try_event("device", {{"attempt", attempt}, {"device", taken.gpu ? "cuda" : "cpu"}, {"reason", taken.reason}});
}

}  // namespace

DeviceTaken open_gpus(const Ranks& ranks, const rundir::RunDir& run, int attempt, const recipe::Recipe& recipe) {
  using recipe::DeviceChoice;
  Wanted wanted = agree(ranks.world, run, recipe);
  if (wanted.device == DeviceChoice::automatic) {
    const DeviceDecision decision = choose_device(look_everywhere(ranks));
    if (decision.device == DeviceOfAll::mixed) refuse_mixture(ranks, run, attempt, decision);
    wanted = {decision.device == DeviceOfAll::gpus ? DeviceChoice::cuda : DeviceChoice::cpu, decision.reason};
  }
  DeviceTaken taken{.gpu = {}, .reason = wanted.reason};
  if (wanted.device == DeviceChoice::cuda)
    taken.gpu =
        open_own(ranks, run, attempt,
                 recipe.train.device == DeviceChoice::automatic ? cat("train.device: auto takes GPUs: ", wanted.reason)
                                                                : std::string());
  tell(ranks, run, attempt, taken);
  return taken;
}

}  // namespace pst::app
