// SPDX-License-Identifier: Apache-2.0
#pragma once
#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <vector>

namespace pst::telemetry {

/// The calls of NVIDIA's management library that we make, by their names and types there. The library comes with the
/// driver, so it is opened at run time; tests fill the table themselves.
/// @see NVML API reference; 0 is NVML_SUCCESS
struct NvmlApi {
  struct Utilization {
    unsigned gpu, memory;  // percent
  };
  struct Memory {
    unsigned long long total, free, used;  // bytes
  };
  struct FieldValue {
    unsigned field, scope;
    long long timestamp, latency_us;
    int type, status;
    union {
      double d;
      int si;
      unsigned ui;
      unsigned long ul;
      unsigned long long ull;
      long long sll;
    } value;
  };
  using Device = void*;
  int (*init)() = nullptr;
  int (*shutdown)() = nullptr;
  int (*count)(unsigned*) = nullptr;
  int (*handle)(unsigned, Device*) = nullptr;
  int (*name)(Device, char*, unsigned) = nullptr;
  int (*utilization)(Device, Utilization*) = nullptr;
  int (*memory)(Device, Memory*) = nullptr;
  int (*power)(Device, unsigned* milliwatt) = nullptr;
  int (*energy)(Device, unsigned long long* millijoule) = nullptr;
  int (*temperature)(Device, int sensor, unsigned*) = nullptr;
  int (*clock)(Device, int kind, unsigned* mhz) = nullptr;
  int (*throttle)(Device, unsigned long long* reasons) = nullptr;
  int (*ecc)(Device, int kind, int counter, unsigned long long*) = nullptr;
  int (*fields)(Device, int count, FieldValue*) = nullptr;
};

/// One GPU at one moment; what the board or the driver does not tell is absent.
struct GpuReading {
  std::optional<std::int64_t> utilization_percent, memory_used_bytes, power_mw, energy_mj, temperature_c, sm_mhz,
      memory_mhz;
  std::optional<std::int64_t> throttle_reasons;  ///< bits of nvmlClocksThrottleReasons
  std::optional<std::int64_t> ecc_uncorrected;   ///< since the driver was loaded
  std::optional<std::int64_t> nvlink_sent_kib, nvlink_received_kib;
};

/// NVML from its initialisation to the end of the object.
class Nvml {
 public:
  /// Opens libnvidia-ml.so.1. Nothing on a machine without the driver or without a GPU.
  static std::unique_ptr<Nvml> load();
  /// With a table of somebody's own. Nothing when it has no GPU.
  static std::unique_ptr<Nvml> with(const NvmlApi& api);
  ~Nvml();

  const std::vector<std::string>& names() const { return names_; }  ///< one per GPU
  std::vector<GpuReading> read() const;

 private:
  Nvml() = default;
  NvmlApi api_;
  void* library_ = nullptr;
  std::vector<NvmlApi::Device> devices_;
  std::vector<std::string> names_;
};

}  // namespace pst::telemetry
