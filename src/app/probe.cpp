// SPDX-License-Identifier: Apache-2.0
#include "app/probe.hpp"

#include <fcntl.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cstdio>
#include <filesystem>
#include <fstream>
#include <vector>

#include "app/probe_bench.hpp"
#include "app/this_machine.hpp"
#include "core/cache_folder.hpp"
#include "core/clock.hpp"
#include "core/digest.hpp"
#include "core/error.hpp"
#include "core/file.hpp"
#include "core/strings.hpp"
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

std::uint64_t node_memory_bytes() {
  return static_cast<std::uint64_t>(::sysconf(_SC_PHYS_PAGES)) * static_cast<std::uint64_t>(::sysconf(_SC_PAGESIZE));
}

/// Writes and flushes a file of 64 MiB, then small ones: what a checkpoint does.
plan::Disk probe_disk(const fs::path& folder) {
  const std::vector<char> block(4 << 20, 'x');
  const auto written = [&](std::size_t bytes, int blocks) {
    const double began = monotonic_seconds();
    std::string path = (folder / ".peft-studio-probe-XXXXXX").string();
    const int file = ::mkostemp(path.data(), O_CLOEXEC);  // new, and no link that somebody put there
    if (file < 0) throw Error(Fault::io, cat("cannot write ", path), "name a folder you may write to with --folder");
    bool good = true;
    for (int i = 0; i < blocks && good; ++i) good = ::write(file, block.data(), bytes) == static_cast<ssize_t>(bytes);
    good = good && ::fsync(file) == 0;
    ::close(file);
    ::unlink(path.c_str());
    if (!good) throw Error(Fault::io, cat("cannot write 64 MiB to ", folder.string()), "free space, or use --folder");
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
  std::printf("%s, %d cores; %d x %d threads\n", machine.name.c_str(), machine.cores, layout.ranks, layout.threads);
  std::printf("linear layers, 1024 tokens, GFLOP/s of a rank:  in x out      f32     bf16\n");
  for (const double width : {128.0, 544.0, 2304.0}) {
    const auto rate = [&](plan::Dtype dtype) {
      return 2e-9 * 1024 * width * width /
             layout.tables.at(table_name(plan::Op::linear_forward, dtype)).at({1024, width, width});
    };
    std::printf("%45s %4.0f x %-4.0f %7.1f  %7.1f\n", "", width, width, rate(plan::Dtype::f32),
                rate(plan::Dtype::bf16));
  }
  if (machine.disk)
    std::printf("disk: %.0f MB/s, a flush takes %.2f ms\n", machine.disk->bytes_per_s / 1e6,
                1e3 * machine.disk->fsync_s);
  if (machine.inside)
    std::printf("ranks of a node: %.1f us, %.2f GB/s\n", 1e6 * machine.inside->latency_s,
                machine.inside->bytes_per_s / 1e9);
  if (machine.between)
    std::printf("nodes: %.1f us, %.2f GB/s\n", 1e6 * machine.between->latency_s, machine.between->bytes_per_s / 1e9);
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
  const ProductCost f32 = product_cost(plan::Dtype::f32, resident_bytes),
                    bf16 = product_cost(plan::Dtype::bf16, resident_bytes);
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
    if (world.is_root()) std::fprintf(stderr, "%-24s measured in %5.1f s\n", what, took);
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
    std::printf("measured in %.1f s, kept in %s\n", monotonic_seconds() - began, path.c_str());
  });
}

}  // namespace pst::app
