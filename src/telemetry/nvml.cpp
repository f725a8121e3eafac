// SPDX-License-Identifier: Apache-2.0
#include "telemetry/nvml.hpp"

#include <dlfcn.h>

#include <array>
#include <utility>

namespace pst::telemetry {
namespace {

// Numbers of NVML's enumerations.
constexpr int kTemperatureGpu = 0, kClockSm = 1, kClockMemory = 2, kEccUncorrected = 1, kEccVolatile = 0;
constexpr unsigned kNvlinkSentField = 138, kNvlinkReceivedField = 139;  // NVML_FI_DEV_NVLINK_THROUGHPUT_DATA_TX, _RX
constexpr unsigned kAllLinks = ~0u;

template <class Function>
void find(void* library, const char* name, Function*& into) {
  into = reinterpret_cast<Function*>(::dlsym(library, name));
}

template <class Number, class Call>
std::optional<std::int64_t> ask(const Call& call) {
  Number value{};
  if (call(&value) != 0) return std::nullopt;
  return static_cast<std::int64_t>(value);
}

}  // namespace

std::unique_ptr<Nvml> Nvml::load() {
  void* const library = ::dlopen("libnvidia-ml.so.1", RTLD_NOW | RTLD_LOCAL);
  if (library == nullptr) return nullptr;
  NvmlApi api;
  find(library, "nvmlInit_v2", api.init);
  find(library, "nvmlShutdown", api.shutdown);
  find(library, "nvmlDeviceGetCount_v2", api.count);
  find(library, "nvmlDeviceGetHandleByIndex_v2", api.handle);
  find(library, "nvmlDeviceGetName", api.name);
  find(library, "nvmlDeviceGetUtilizationRates", api.utilization);
  find(library, "nvmlDeviceGetMemoryInfo", api.memory);
  find(library, "nvmlDeviceGetPowerUsage", api.power);
  find(library, "nvmlDeviceGetTotalEnergyConsumption", api.energy);
  find(library, "nvmlDeviceGetTemperature", api.temperature);
  find(library, "nvmlDeviceGetClockInfo", api.clock);
  find(library, "nvmlDeviceGetCurrentClocksThrottleReasons", api.throttle);
  find(library, "nvmlDeviceGetTotalEccErrors", api.ecc);
  find(library, "nvmlDeviceGetFieldValues", api.fields);
  auto nvml = with(api);
  if (nvml)
    nvml->library_ = library;
  else
    ::dlclose(library);
  return nvml;
}

std::unique_ptr<Nvml> Nvml::with(const NvmlApi& api) {
  if (api.init == nullptr || api.shutdown == nullptr || api.count == nullptr || api.handle == nullptr) return nullptr;
  if (api.init() != 0) return nullptr;
  std::unique_ptr<Nvml> nvml(new Nvml);  // its constructor is private
  nvml->api_ = api;
  unsigned count = 0;
  if (api.count(&count) != 0) return nullptr;
  for (unsigned index = 0; index < count; ++index) {
    NvmlApi::Device device = nullptr;
    if (api.handle(index, &device) != 0) continue;
    std::array<char, 96> name{};
    if (api.name != nullptr) api.name(device, name.data(), name.size() - 1);
    nvml->devices_.push_back(device);
    nvml->names_.emplace_back(name.data());
  }
  if (nvml->devices_.empty()) return nullptr;
  return nvml;
}

Nvml::~Nvml() {
  if (api_.shutdown != nullptr) api_.shutdown();
  if (library_ != nullptr) ::dlclose(library_);
}

std::vector<GpuReading> Nvml::read() const {
  std::vector<GpuReading> all;
  for (const auto device : devices_) {
    GpuReading gpu;
    if (NvmlApi::Utilization rates{}; api_.utilization != nullptr && api_.utilization(device, &rates) == 0)
      gpu.utilization_percent = rates.gpu;
    if (NvmlApi::Memory memory{}; api_.memory != nullptr && api_.memory(device, &memory) == 0)
      gpu.memory_used_bytes = static_cast<std::int64_t>(memory.used);
    if (api_.power != nullptr) gpu.power_mw = ask<unsigned>([&](auto* v) { return api_.power(device, v); });
    if (api_.energy != nullptr)
      gpu.energy_mj = ask<unsigned long long>([&](auto* v) { return api_.energy(device, v); });
    if (api_.temperature != nullptr)
      gpu.temperature_c = ask<unsigned>([&](auto* v) { return api_.temperature(device, kTemperatureGpu, v); });
    if (api_.clock != nullptr) {
      gpu.sm_mhz = ask<unsigned>([&](auto* v) { return api_.clock(device, kClockSm, v); });
      gpu.memory_mhz = ask<unsigned>([&](auto* v) { return api_.clock(device, kClockMemory, v); });
    }
    if (api_.throttle != nullptr)
      gpu.throttle_reasons = ask<unsigned long long>([&](auto* v) { return api_.throttle(device, v); });
    if (api_.ecc != nullptr)
      gpu.ecc_uncorrected =
          ask<unsigned long long>([&](auto* v) { return api_.ecc(device, kEccUncorrected, kEccVolatile, v); });
    if (api_.fields != nullptr) {
      std::array<NvmlApi::FieldValue, 2> values{};
      values[0].field = kNvlinkSentField;
      values[1].field = kNvlinkReceivedField;
      values[0].scope = values[1].scope = kAllLinks;
      if (api_.fields(device, 2, values.data()) == 0) {
        if (values[0].status == 0) gpu.nvlink_sent_kib = static_cast<std::int64_t>(values[0].value.ull);
        if (values[1].status == 0) gpu.nvlink_received_kib = static_cast<std::int64_t>(values[1].value.ull);
      }
    }
    all.push_back(gpu);
  }
  return all;
}

}  // namespace pst::telemetry
