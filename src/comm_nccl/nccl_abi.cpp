// SPDX-License-Identifier: Apache-2.0
// Compares nccl_types.hpp with NVIDIA's header where that is installed; holds no code.
#include "comm_nccl/nccl_types.hpp"

#if __has_include(<nccl.h>) && __has_include(<cuda_runtime.h>)
#include <nccl.h>

namespace pst::comm::nccl {

static_assert(sizeof(ncclResult_t) == sizeof(Result) && sizeof(ncclDataType_t) == sizeof(DataType));
static_assert(ncclSuccess == kSuccess && ncclUnhandledCudaError == kUnhandledCudaError);
static_assert(ncclSystemError == kSystemError && ncclInternalError == kInternalError);
static_assert(ncclInvalidArgument == kInvalidArgument && ncclInvalidUsage == kInvalidUsage);
static_assert(ncclRemoteError == kRemoteError && ncclInProgress == kInProgress);
static_assert(ncclInt8 == kInt8);
static_assert(sizeof(ncclUniqueId) == sizeof(UniqueId));
static_assert(NCCL_CONFIG_UNDEF_INT == INT_MIN);

static_assert(sizeof(Config) <= sizeof(ncclConfig_t));
static_assert(offsetof(Config, size) == offsetof(ncclConfig_t, size));
static_assert(offsetof(Config, magic) == offsetof(ncclConfig_t, magic));
static_assert(offsetof(Config, version) == offsetof(ncclConfig_t, version));
static_assert(offsetof(Config, blocking) == offsetof(ncclConfig_t, blocking));
static_assert(offsetof(Config, cga_cluster_size) == offsetof(ncclConfig_t, cgaClusterSize));
static_assert(offsetof(Config, min_ctas) == offsetof(ncclConfig_t, minCTAs));
static_assert(offsetof(Config, max_ctas) == offsetof(ncclConfig_t, maxCTAs));
static_assert(offsetof(Config, net_name) == offsetof(ncclConfig_t, netName));
static_assert(offsetof(Config, split_share) == offsetof(ncclConfig_t, splitShare));
constexpr ncclConfig_t kTheirs = NCCL_CONFIG_INITIALIZER;
static_assert(kTheirs.magic == Config{}.magic);

}  // namespace pst::comm::nccl
#endif
