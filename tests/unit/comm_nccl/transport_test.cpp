// SPDX-License-Identifier: Apache-2.0
#include "comm_nccl/transport.hpp"

#include <gmock/gmock.h>
#include <unistd.h>

#include <cstring>
#include <filesystem>

#include "core/strings.hpp"

namespace pst::comm {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;
using testing::Pair;

// In the form of NCCL 2.28's messages. The first lines and the warning are as the library printed them on a machine
// without a GPU; those of channels follow the formats that the library holds. No line was recorded on a GPU.
constexpr const char* kOverFabric =
    "gpu-1:636:636 [0] NCCL INFO ENV/Plugin: Could not find: libnccl-env.so\n"
    "gpu-1:636:636 [0] NCCL INFO Bootstrap: Using hsn0:192.0.2.2<0>\n"
    "gpu-1:636:636 [0] NCCL INFO NCCL version 2.28.9+cuda13.0\n"
    "gpu-1:636:640 [0] NCCL INFO NET/OFI Selected provider is cxi, fabric is cxi (found 4 nics)\n"
    "gpu-1:636:640 [0] NCCL INFO Using network AWS Libfabric\n"
    "gpu-1:636:640 [0] NCCL INFO ncclCommInitRankConfig comm 0x5581 rank 0 nranks 8 cudaDev 0 nvmlDev 0 busId 1000 "
    "commId 0x1 - Init START\n"
    "gpu-1:636:641 [0] NCCL INFO Channel 00/0 : 0[0] -> 1[1] via P2P/CUMEM\n"
    "gpu-1:636:641 [0] NCCL INFO Channel 01/0 : 0[0] -> 1[1] via P2P/CUMEM\n"
    "gpu-1:636:641 [0] NCCL INFO Channel 00/0 : 7[3] -> 0[0] [receive] via NET/AWS Libfabric/0/GDRDMA\n"
    "gpu-1:636:641 [0] NCCL INFO Channel 00/0 : 0[0] -> 4[0] [send] via NET/AWS Libfabric/0/GDRDMA\n"
    "gpu-1:636:640 [0] NCCL INFO ncclCommInitRankConfig comm 0x5581 rank 0 nranks 8 cudaDev 0 nvmlDev 0 busId 1000 "
    "commId 0x1 - Init COMPLETE\n";

constexpr const char* kOverTcp =
    "[2026-11-25 17:00:49] gpu-2:71:71 [0] misc/cudawrap.cc:270 NCCL WARN Cuda failure 'CUDA driver version is "
    "insufficient for CUDA runtime version'\n"
    "[2026-11-25 17:00:50] gpu-2:71:71 [0] misc/cudawrap.cc:270 NCCL WARN Cuda failure 'CUDA driver version is "
    "insufficient for CUDA runtime version'\n"
    "gpu-2:71:80 [0] NCCL INFO Using network Socket\n"
    "gpu-2:71:80 [0] NCCL INFO Channel 00/02 : 0 1 2 3\n"
    "gpu-2:71:80 [0] NCCL INFO Channel 00 : 0[0] -> 1[1] via SHM/direct/direct\n"
    "gpu-2:71:80 [0] NCCL INFO Channel 00/0 : 1[1] -> 2[0] [send] via NET/Socket/0\n"
    "gpu-2:71:80 [0] NCCL INFO Channel 00/0 : 1[1] -> 2[0] [send] via NET/Sock";  // a line not yet written whole

TEST(Transport, ReadsVersionNetworkAndWays) {
  const Transport seen = transport_in(kOverFabric);
  EXPECT_EQ(seen.version, "2.28.9+cuda13.0");
  EXPECT_EQ(seen.network, "AWS Libfabric");
  EXPECT_THAT(seen.channels, ElementsAre(Pair("NET/AWS Libfabric", 2), Pair("P2P/CUMEM", 2)));
  EXPECT_EQ(seen.gpu_direct, 2);
  EXPECT_THAT(seen.warnings, IsEmpty());
}

TEST(Transport, AWarningIsKeptOnce) {
  const Transport seen = transport_in(kOverTcp);
  EXPECT_EQ(seen.network, "Socket");
  EXPECT_EQ(seen.channels.at("NET/Socket"), 1);
  EXPECT_EQ(seen.channels.at("SHM/direct/direct"), 1);
  EXPECT_EQ(seen.gpu_direct, 0);
  ASSERT_EQ(seen.warnings.size(), 1u);
  EXPECT_THAT(seen.warnings[0], HasSubstr("driver version is insufficient"));
}

TEST(Transport, AnythingElseIsNothing) {
  EXPECT_EQ(transport_in("").network, "");
  EXPECT_THAT(transport_in("Channel -> via P2P\n\n\0\xff NCCL INFO ").channels, IsEmpty());
}

TEST(Transport, AWrongWayIsSaid) {
  const Transport fabric = transport_in(kOverFabric), tcp = transport_in(kOverTcp);
  EXPECT_THAT(compare(fabric, {}), IsEmpty());
  EXPECT_THAT(compare(fabric, {.network = "AWS Libfabric", .has_fabric = true, .wants_gpu_direct = true}), IsEmpty());

  EXPECT_THAT(compare(tcp, {.network = "AWS Libfabric"}),
              testing::Contains("NCCL uses the network \"Socket\", and NCCL_NET asks for \"AWS Libfabric\""));
  EXPECT_THAT(compare(tcp, {.has_fabric = true}), testing::Contains(HasSubstr("faster fabric")));
  EXPECT_THAT(compare(tcp, {.network = "Socket", .has_fabric = true}),
              testing::Not(testing::Contains(HasSubstr("fabric"))))
      << "asked for";
  EXPECT_THAT(compare(tcp, {.wants_gpu_direct = true}), testing::Contains(HasSubstr("GPUDirect")));
  EXPECT_THAT(compare(tcp, {}), ElementsAre(HasSubstr("--gpu-bind=none")));
}

TEST(Transport, WhatIsExpectedComesFromTheEnvironmentAndTheDevices) {
  namespace fs = std::filesystem;
  const fs::path sys = fs::temp_directory_path() / cat("pst-sys-", ::getpid());
  const Getenv none = [](const char*) -> const char* { return nullptr; };
  EXPECT_FALSE(expected_transport(none, sys).has_fabric);
  fs::create_directories(sys / "class/infiniband/mlx5_0");
  EXPECT_TRUE(expected_transport(none, sys).has_fabric);
  fs::remove_all(sys);

  const auto expected = expected_transport([](const char* name) -> const char* {
    if (std::strcmp(name, "NCCL_NET") == 0) return "AWS Libfabric";
    return std::strcmp(name, "NCCL_NET_GDR_LEVEL") == 0 ? "PHB" : nullptr;
  });
  EXPECT_EQ(expected.network, "AWS Libfabric");
  EXPECT_TRUE(expected.wants_gpu_direct);
}

}  // namespace
}  // namespace pst::comm
