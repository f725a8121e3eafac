// SPDX-License-Identifier: Apache-2.0
#pragma once
#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <vector>

#include "plan/table.hpp"

namespace pst::plan {

/// What was measured with `ranks` processes of `threads` threads at work on a node at the same time: they share its
/// memory bandwidth, so that 2 x 1 and 1 x 2 are different machines.
struct Layout {
  int ranks = 1, threads = 1;
  std::map<std::string, Table> tables;  ///< "adapter_forward.f32"; names of ops in costs.hpp
  std::uint64_t baseline_bytes = 0;     ///< resident memory of a rank before it has a model
  double layer_overhead_s = 0;          ///< per decoder layer and micro batch, beside the operations in the tables
  double product_bytes_f32 = 0;         ///< that oneDNN keeps for each product of another size: code made just in time
  double product_bytes_bf16 = 0;
  double product_s_f32 = 0, product_s_bf16 = 0;  ///< that making one of them takes
  double start_s = 0;                            ///< from the start of the program to the first operation
};

/// Speed by two numbers where nothing was measured.
struct Roofline {
  double f32_flops = 0, bf16_flops = 0, bytes_per_s = 0;                ///< peaks, dense
  double fp8_flops = 0;                                                 ///< 0: it has no 8-bit floats
  double flops_share = 0.6, fp8_flops_share = 0.6, bytes_share = 0.75;  ///< that programs attain of them
  std::string shares_source = "assumed";
  double launch_s = 5e-6;         ///< before a kernel runs: assumed
  double baseline_bytes = 1.5e9;  ///< context and libraries: assumed
};

struct Link {
  double latency_s = 0, bytes_per_s = 0;
  std::string source;  ///< "measured", "published", "assumed"
};

struct Disk {
  double bytes_per_s = 0, fsync_s = 0;
  std::string source;
};

/// One type of node. Every figure says where it comes from.
struct Machine {
  std::string name;                ///< CPU or GPU model
  bool is_gpu = false;             ///< a rank is then one GPU
  std::string source;              ///< "measured here on 2026-11-23T08:00:00Z", "published, not measured (...)"
  int cores = 0;                   ///< of a node that ranks may use
  int devices = 1;                 ///< GPUs of a node
  bool cudnn_attention = false;    ///< attention over one document is cuDNN's there (docs/gpu-results.md)
  std::uint64_t memory_bytes = 0;  ///< of a node; of a GPU
  bool fast_bf16 = false;
  std::vector<Layout> layouts;
  std::optional<Roofline> roofline;
  std::optional<Link> inside, between;  ///< ranks of a node; nodes
  std::optional<Disk> disk;

  /// Whether anything says how fast it is. Without, memory can still be planned.
  bool is_timed() const { return !layouts.empty() || roofline.has_value(); }
  /// The layout measured with these numbers, else the nearest in threads, else nullptr.
  const Layout* layout(int ranks, int threads) const;
};

/// A.k.a. what `probe` writes. @throws Error(data) naming file and key for anything that probe would not have written
Machine parse_machine(const std::string& json, const std::string& name);
std::string to_json(const Machine& machine);
/// `into` with the layouts of `from`, which replace those with the same numbers; the rest as in `from`.
Machine merged(Machine into, Machine from);

/// Published figures by name: a100-40, a100, h100, h200, gh200, mi250x; nothing for another.
std::optional<Machine> published_machine(const std::string& name);
std::vector<std::string> published_names();

}  // namespace pst::plan
