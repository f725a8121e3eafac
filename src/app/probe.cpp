// SPDX-License-Identifier: Apache-2.0
#include "app/probe.hpp"

#include <malloc.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <filesystem>
#include <fstream>
#include <iomanip>
#include <iostream>
#include <optional>
#include <vector>

#include "app/probe_bench.hpp"
#include "app/this_machine.hpp"
#include "core/cache_folder.hpp"
#include "core/clock.hpp"
#include "core/digest.hpp"
#include "core/error.hpp"
#include "core/file.hpp"
#include "core/strings.hpp"
#include "core/trial_file.hpp"
#include "ops/allocator.hpp"
#include "ops/torch_exec.hpp"
#include "plan/costs.hpp"
#include "telemetry/proc.hpp"

namespace pst::app {
namespace {

/// Seconds since this process was made, from the kernel's own clock ticks.
double age_s() {
  std::ifstream stat("/proc/self/stat"), uptime("/proc/uptime");
  std::string text;
  std::getline(stat, text);
  double up = 0;
  uptime >> up;
  const auto fields = split(text.substr(text.rfind(')') + 2), ' ');  // the name before may hold anything
  constexpr std::size_t kStartTime = 19;  // field 22 of proc(5), the third being the first here
  const auto ticks = fields.size() > kStartTime ? to_int(fields[kStartTime]) : std::nullopt;
  return ticks ? std::max(0.0, up - static_cast<double>(*ticks) / static_cast<double>(::sysconf(_SC_CLK_TCK))) : 0;
}

std::uint64_t resident_bytes() {
  std::ifstream statm("/proc/self/statm");
  std::uint64_t size = 0, resident = 0;
  statm >> size >> resident;
  return resident * static_cast<std::uint64_t>(::sysconf(_SC_PAGESIZE));
}

/// What malloc has given out: tensors are not of it (ops/arena.hpp), what libraries keep is.
std::uint64_t allocated_bytes() {
  const auto heap = ::mallinfo2();
  return heap.uordblks + heap.hblkhd;
}

std::uint64_t node_memory_bytes() {
  return static_cast<std::uint64_t>(::sysconf(_SC_PHYS_PAGES)) * static_cast<std::uint64_t>(::sysconf(_SC_PAGESIZE));
}

/// Writes and flushes a file of 64 MiB, then small ones: what a checkpoint does.
plan::Disk probe_disk(const fs::path& folder) {
  const std::string block(4 << 20, 'x');
  const auto written = [&](std::size_t bytes, int blocks) {
    const double began = monotonic_seconds();
    TrialFile file(folder / ".peft-studio-probe");
    if (!file.good())
      throw Error(Fault::io, cat("cannot write to ", folder.string(), ": ", file.failure()),
                  "name a folder you may write to with --folder");
    for (int i = 0; i < blocks; ++i) file.write(std::string_view(block).substr(0, bytes));
    file.flush();
    if (!file.good())
      throw Error(Fault::io, cat("cannot write 64 MiB to ", folder.string(), ": ", file.failure()),
                  "free space, or use --folder");
    return monotonic_seconds() - began;
  };
  std::array<double, 5> small{};
  for (double& seconds : small) seconds = written(4096, 1);
  std::sort(small.begin(), small.end());
  std::array<double, 3> large{};
  for (double& seconds : large) seconds = written(block.size(), 16);
  std::sort(large.begin(), large.end());
  const double bytes = 16.0 * static_cast<double>(block.size());
  return {bytes / std::max(1e-6, large[1] - small[2]), small[2], cat("measured in ", fs::absolute(folder).string())};
}

/// A link by two sizes of the all-reduce: 2 (R - 1) messages' latency, and twice (R - 1) / R of the bytes.
plan::Link link_of(const plan::Table& table, int ranks) {
  const double small = table.axes()[0].points.front(), large = table.axes()[0].points.back();
  const double messages = 2.0 * (ranks - 1), share = 2.0 * 4 * (ranks - 1) / ranks;
  const double slope = std::max(1e-15, (table.at({large}) - table.at({small})) / (large - small));
  return {table.at({small}) / messages, share / slope, "measured"};
}

fs::path file_of(const plan::Machine& machine) {
  return cache_folder() / "machines" / cat(digest(cat(machine.name, "|", machine.cores)), ".json");
}

void report_speed(const plan::Machine& machine, const plan::Layout& layout) {
  std::cout << machine.name << ", " << machine.cores << " cores; " << layout.ranks << " x " << layout.threads
            << " threads\nlinear layers, 1024 tokens, GFLOP/s of a rank:  in x out      f32     bf16\n";
  for (const double width : {128.0, 544.0, 2304.0}) {
    const auto rate = [&](plan::Dtype dtype) {
      return fixed(2e-9 * 1024 * width * width /
                       layout.tables.at(table_name(plan::Op::linear_forward, dtype)).at({1024, width, width}),
                   1);
    };
    std::cout << std::setw(50) << fixed(width, 0) << " x " << std::left << std::setw(4) << fixed(width, 0) << std::right
              << std::setw(8) << rate(plan::Dtype::f32) << std::setw(9) << rate(plan::Dtype::bf16) << '\n';
  }
  if (machine.disk)
    std::cout << "disk: " << fixed(machine.disk->bytes_per_s / 1e6, 0) << " MB/s, a flush takes "
              << fixed(1e3 * machine.disk->fsync_s, 2) << " ms\n";
  const auto tell = [](const char* what, const std::optional<plan::Link>& link) {
    if (link)
      std::cout << what << ": " << fixed(1e6 * link->latency_s, 1) << " us, " << fixed(link->bytes_per_s / 1e9, 2)
                << " GB/s\n";
  };
  tell("ranks of a node", machine.inside);
  tell("nodes", machine.between);
}

}  // namespace

void probe(const requests::ProbeRequest& request, const Ranks& ranks) {
  comm::Communicator& world = ranks.world;
  const double began = monotonic_seconds(), start_s = age_s();
  ops::use_tensor_arena();
  plan::Layout layout{.ranks = ranks.local_size,
                      .threads = request.threads.value_or(std::max(1, usable_cores() / ranks.local_size)),
                      .start_s = start_s};
  ops::set_threads(layout.threads);
  warm_up();
  layout.baseline_bytes = resident_bytes();
  const ProductCost f32 = product_cost(plan::Dtype::f32, allocated_bytes),
                    bf16 = product_cost(plan::Dtype::bf16, allocated_bytes);
  layout.product_bytes_f32 = f32.bytes;
  layout.product_bytes_bf16 = bf16.bytes;
  layout.product_s_f32 = f32.seconds;
  layout.product_s_bf16 = bf16.seconds;

  plan::Machine machine{.name = telemetry::cpu_name(),
                        .source = cat("measured on ", iso_time(unix_seconds())),
                        .cores = usable_cores(),
                        .memory_bytes = node_memory_bytes(),
                        .fast_bf16 = has_fast_bf16()};
  comm::together(world, "measuring the disk", [&] {
    if (world.is_root()) machine.disk = probe_disk(request.folder);
  });
  Bench bench(world, layout);
  using Part = std::pair<const char*, void (*)(Bench&)>;
  for (const auto& [what, part] : {Part{"linear layers", &probe_linears}, Part{"attention", &probe_attention},
                                   Part{"elementwise operations", &probe_elementwise},
                                   Part{"optimizer", &probe_updates}, Part{"all-reduce", &probe_all_reduce}}) {
    const double took = timed_by_the_wall([&, part = part] { part(bench); });
    if (world.is_root())
      std::cerr << std::left << std::setw(24) << what << std::right << " measured in " << std::setw(5) << fixed(took, 1)
                << " s" << std::endl;
  }
  if (const auto reduced = layout.tables.find("all_reduce"); reduced != layout.tables.end())
    (ranks.local_size < world.size() ? machine.between : machine.inside) = link_of(reduced->second, world.size());
  machine.layouts.push_back(layout);

  comm::together(world, "keeping the measurements", [&] {
    if (!world.is_root()) return;
    const fs::path path = request.output.empty() ? file_of(machine) : fs::path(request.output);
    if (fs::exists(path)) {  // other numbers of ranks and threads, measured before
      const auto before = plan::parse_machine(read_file(path), path.string());
      if (before.name == machine.name && before.cores == machine.cores) machine = plan::merged(before, machine);
    }
    if (path.has_parent_path()) make_directories(path.parent_path());
    write_durably(path, plan::to_json(machine));
    report_speed(machine, layout);
    std::cout << "measured in " << fixed(monotonic_seconds() - began, 1) << " s, kept in " << path.string() << '\n';
  });
}

}  // namespace pst::app
