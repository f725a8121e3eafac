// SPDX-License-Identifier: Apache-2.0
#include "telemetry/nvml.hpp"

#include <gmock/gmock.h>

#include <cstring>

#include "telemetry/sample.hpp"

// No machine of ours has a GPU: a table of functions stands in for the driver's library.
namespace pst::telemetry {
namespace {

int shut_down = 0;

NvmlApi two_gpus() {
  NvmlApi api;
  api.init = [] { return 0; };
  api.shutdown = [] { return ++shut_down, 0; };
  api.count = [](unsigned* count) { return *count = 2, 0; };
  api.handle = [](unsigned index, NvmlApi::Device* device) {
    static int devices[2];
    *device = &devices[index];
    return 0;
  };
  api.name = [](NvmlApi::Device, char* name, unsigned) { return std::strcpy(name, "a board"), 0; };
  api.utilization = [](NvmlApi::Device, NvmlApi::Utilization* rates) { return *rates = {87, 12}, 0; };
  api.memory = [](NvmlApi::Device, NvmlApi::Memory* memory) { return *memory = {100, 60, 40}, 0; };
  api.power = [](NvmlApi::Device, unsigned* milliwatt) { return *milliwatt = 345678, 0; };
  api.energy = [](NvmlApi::Device, unsigned long long*) { return 3; };  // NVML_ERROR_NOT_SUPPORTED
  api.throttle = [](NvmlApi::Device, unsigned long long* reasons) { return *reasons = 0x40, 0; };
  return api;
}

TEST(Nvml, ReadsEveryGpuAndLeavesOutWhatTheBoardDoesNotTell) {
  const auto nvml = Nvml::with(two_gpus());
  ASSERT_TRUE(nvml);

  const auto gpus = nvml->read();

  ASSERT_EQ(gpus.size(), 2u);
  EXPECT_EQ(nvml->names()[1], "a board");
  EXPECT_EQ(gpus[1].utilization_percent, 87);
  EXPECT_EQ(gpus[1].memory_used_bytes, 40);
  EXPECT_EQ(gpus[1].throttle_reasons, 0x40);
  EXPECT_FALSE(gpus[1].energy_mj);
  EXPECT_FALSE(gpus[1].sm_mhz) << "the library has no such function";
}

TEST(Nvml, WithoutAGpuThereIsNothing) {
  NvmlApi none = two_gpus();
  none.count = [](unsigned* count) { return *count = 0, 0; };
  shut_down = 0;
  EXPECT_FALSE(Nvml::with(none));
  EXPECT_EQ(shut_down, 1);
  EXPECT_FALSE(Nvml::with(NvmlApi{}));
}

TEST(Nvml, PowerIsTheMeanByTheEnergyCounterWhereThereIsOne) {
  Snapshot before, now;
  before.machine.at_s = 0;
  now.machine.at_s = 10;
  before.gpus.push_back({.power_mw = 700000, .energy_mj = 1000000});
  now.gpus.push_back({.power_mw = 700000, .energy_mj = 6000000});

  EXPECT_EQ(sample_between(before, now)["gpus"][0][3], 500.0);
  now.gpus[0].energy_mj.reset();
  EXPECT_EQ(sample_between(before, now)["gpus"][0][3], 700.0);
}

}  // namespace
}  // namespace pst::telemetry
