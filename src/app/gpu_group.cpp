// SPDX-License-Identifier: Apache-2.0
#include "app/gpu_group.hpp"

#include <c10/core/impl/VirtualGuardImpl.h>

#include <cstdlib>
#include <filesystem>
#include <nlohmann/json.hpp>
#include <optional>

#include "comm_nccl/nccl_communicator.hpp"
#include "comm_nccl/transport.hpp"
#include "core/error.hpp"
#include "core/file.hpp"
#include "core/strings.hpp"

namespace pst::app {
namespace {

namespace fs = std::filesystem;

/// Asks NCCL to say what it does. @return the file that it says it in; nothing when somebody else has asked already
std::optional<fs::path> ask_for_log(const fs::path& attempt, int rank) {
  if (std::getenv("NCCL_DEBUG") != nullptr) return std::nullopt;
  std::error_code failure;
  fs::create_directories(attempt / "nccl", failure);
  if (failure) return std::nullopt;
  const fs::path file = attempt / "nccl" / cat("rank-", rank, ".log");
  ::setenv("NCCL_DEBUG", "INFO", 1);
  ::setenv("NCCL_DEBUG_SUBSYS", "INIT,ENV,NET,P2P,SHM", 0);
  ::setenv("NCCL_DEBUG_FILE", file.c_str(), 1);
  return file;
}

void tell_of_transport(const fs::path& log, const rundir::RunDir& run, int attempt) {
  std::string text;
  try {
    text = read_file(log);
  } catch (const Error&) {
    return;  // no log, no event: the run is not to end of it
  }
  const comm::Transport seen = comm::transport_in(text);
  const auto expected = comm::expected_transport([](const char* name) -> const char* { return std::getenv(name); });
  nlohmann::ordered_json event = {
      {"attempt", attempt}, {"nccl", seen.version}, {"network", seen.network}, {"channels", seen.channels}};
  const auto warnings = comm::compare(seen, expected);
  if (!warnings.empty()) event["warnings"] = warnings;
  run.try_event("transport", std::move(event));
}

}  // namespace

std::unique_ptr<comm::Communicator> gpu_group(comm::Communicator& world, at::Device device, const rundir::RunDir& run,
                                              int attempt) {
  if (world.size() == 1 || !device.is_cuda()) return nullptr;
  const std::optional<fs::path> log = ask_for_log(run.attempt(attempt), world.rank());
  comm::NcclApi nccl;
  comm::CudaApi cuda;
  comm::together(world, "opening NCCL", [&] {
    nccl = comm::load_nccl();
    cuda = comm::load_cuda_runtime();
  });
  comm::NcclOptions options;
  options.roll_call = run.attempt(attempt) / "roll-call";
  options.stream = [device] {
    return c10::impl::VirtualGuardImpl(c10::DeviceType::CUDA).getStream(device).native_handle();
  };
  options.warn = [&run, attempt](const std::string& text) {
    run.try_event("transport", {{"attempt", attempt}, {"warnings", {text}}});
  };
  return doing("making a group of the ranks' GPUs", [&] {
    auto group = comm::nccl_communicator(world, std::move(nccl), std::move(cuda), device.index(), std::move(options));
    group->barrier();  // connects, so that NCCL has said how
    if (world.is_root() && log) tell_of_transport(*log, run, attempt);
    return group;
  });
}

}  // namespace pst::app
