// SPDX-License-Identifier: Apache-2.0
#include "comm_nccl/nccl_api.hpp"

#include <cstdlib>

#include "comm_nccl/shared_library.hpp"
#include "core/error.hpp"
#include "core/strings.hpp"

namespace pst::comm {
namespace {

constexpr int kOldest = 21800;
const char* const kRemedy =
    "NCCL comes with the CUDA wheels of torch (nvidia-nccl-cu12 or -cu13, 2.18 or newer); point PST_NCCL_LIBRARY to a "
    "libnccl.so.2, or use one rank, or train.device: cpu";

}  // namespace

std::string nccl_version_text(int version) {
  // Up to 2.8 the code was 2804, since then it is 20904.
  if (version < 10000) return cat(version / 1000, '.', version / 100 % 10, '.', version % 100);
  return cat(version / 10000, '.', version / 100 % 100, '.', version % 100);
}

std::string check_nccl_version(int version) {
  if (version < kOldest)
    throw Error(
        Fault::unfit,
        cat("NCCL ", nccl_version_text(version), " is too old: groups of ranks came with ", nccl_version_text(kOldest)),
        kRemedy);
  if (version >= 30000)
    throw Error(Fault::unfit,
                cat("NCCL ", nccl_version_text(version), " is of a generation that this program does not know"),
                kRemedy);
  if (version >= 22803 && version <= 22808)
    return cat("NCCL ", nccl_version_text(version),
               " is one of 2.28.3 to 2.28.8, which NVIDIA's resiliency tools advise against: aborts may hang; use "
               "2.28.9 or newer");
  return {};
}

NcclApi load_nccl(const std::string& library) {
  const char* const given = std::getenv("PST_NCCL_LIBRARY");
  const SharedLibrary nccl(!library.empty()                     ? library
                           : given != nullptr && *given != '\0' ? given
                                                                : "libnccl.so.2",
                           kRemedy);
  NcclApi api;
  nccl.get(api.get_version, "ncclGetVersion");
  int version = 0;
  if (api.get_version(&version) != nccl::kSuccess) throw Error(Fault::unfit, "NCCL does not tell its version", kRemedy);
  check_nccl_version(version);  // first: an older library lacks functions, and the version says it better

  nccl.get(api.get_unique_id, "ncclGetUniqueId");
  nccl.get(api.comm_init_rank_config, "ncclCommInitRankConfig");
  nccl.get(api.comm_split, "ncclCommSplit");
  nccl.get(api.comm_finalize, "ncclCommFinalize");
  nccl.get(api.comm_destroy, "ncclCommDestroy");
  nccl.get(api.comm_abort, "ncclCommAbort");
  nccl.get(api.comm_get_async_error, "ncclCommGetAsyncError");
  nccl.get(api.get_error_string, "ncclGetErrorString");
  nccl.get(api.get_last_error, "ncclGetLastError");
  nccl.get(api.broadcast, "ncclBroadcast");
  nccl.get(api.all_gather, "ncclAllGather");
  nccl.get(api.send, "ncclSend");
  nccl.get(api.receive, "ncclRecv");
  nccl.get(api.group_start, "ncclGroupStart");
  nccl.get(api.group_end, "ncclGroupEnd");
  return api;
}

}  // namespace pst::comm
