// SPDX-License-Identifier: Apache-2.0
#include <algorithm>

#include "plan/machine.hpp"

// Peak dense bf16 rate with f32 sums, memory and its bandwidth, link of one device to its neighbours: from the vendors'
// data sheets. A node's network and what programs attain of the peaks are assumptions, and named so.
namespace pst::plan {
namespace {

struct Sheet {
  const char *key, *name;
  double bf16_tflops, f32_tflops, memory_gb, memory_tb_per_s, link_gb_per_s;
  int devices;
  bool hopper = false;  // compute capability 9
};

constexpr Sheet kSheets[] = {
    {"a100-40", "NVIDIA A100 SXM4 40 GB", 312, 19.5, 40, 1.555, 300, 4},
    {"a100", "NVIDIA A100 SXM4 80 GB", 312, 19.5, 80, 2.039, 300, 4},
    {"h100", "NVIDIA H100 SXM5 80 GB", 989, 67, 80, 3.35, 450, 4, true},
    {"h200", "NVIDIA H200 SXM5 141 GB", 989, 67, 141, 4.8, 450, 8, true},
    {"gh200", "NVIDIA GH200 96 GB", 989, 67, 96, 4.0, 450, 4, true},
    {"mi250x", "AMD Instinct MI250X, one of its two dies", 191.5, 23.95, 64, 1.6, 50, 8},
};

constexpr double kNetworkBytesPerS = 25e9;  // one 200 Gbit/s interface for each device, as on Alps, Frontier, LUMI
constexpr double kNetworkLatencyS = 10e-6;

}  // namespace

std::optional<Machine> published_machine(const std::string& name) {
  const auto sheet =
      std::find_if(std::begin(kSheets), std::end(kSheets), [&](const Sheet& s) { return name == s.key; });
  if (sheet == std::end(kSheets)) return std::nullopt;
  return Machine{.name = sheet->name,
                 .is_gpu = true,
                 .source = "published, not measured",
                 .devices = sheet->devices,
                 .cudnn_attention = sheet->hopper,
                 .memory_bytes = static_cast<std::uint64_t>(sheet->memory_gb * 1e9),
                 .fast_bf16 = true,
                 .roofline = Roofline{.f32_flops = sheet->f32_tflops * 1e12,
                                      .bf16_flops = sheet->bf16_tflops * 1e12,
                                      .bytes_per_s = sheet->memory_tb_per_s * 1e12,
                                      .fp8_flops = sheet->hopper ? 2 * sheet->bf16_tflops * 1e12 : 0,
                                      .flops_share = sheet->hopper ? 0.66 : 0.6,
                                      .fp8_flops_share = 0.5,
                                      .shares_source = sheet->hopper ? "seen on an H200" : "assumed"},
                 .inside = Link{5e-6, sheet->link_gb_per_s * 1e9, "published"},
                 .between = Link{kNetworkLatencyS, kNetworkBytesPerS, "assumed"}};
}

std::vector<std::string> published_names() {
  std::vector<std::string> names;
  for (const Sheet& sheet : kSheets) names.push_back(sheet.key);
  return names;
}

}  // namespace pst::plan
