// SPDX-License-Identifier: Apache-2.0
#include "app/this_machine.hpp"

#include <malloc.h>
#include <sched.h>
#include <sys/resource.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cstdlib>
#include <fstream>
#include <optional>

#include "core/error.hpp"
#include "core/proc_value.hpp"
#include "core/strings.hpp"
#include "kernels/matmul/onednn.hpp"

namespace pst::app {
namespace {

namespace fs = std::filesystem;

std::optional<std::uint64_t> number_in(const fs::path& file) {
  std::ifstream in(file);
  std::string text;
  if (!(in >> text)) return std::nullopt;
  const auto value = to_int(text);
  return value && *value >= 0 ? std::optional(static_cast<std::uint64_t>(*value)) : std::nullopt;
}

/// What is left to this process of its cgroup (version 2) and of those around it, where one has a limit: Slurm limits
/// the job and the step, and puts processes further down.
std::optional<std::uint64_t> cgroup_left(const fs::path& proc, const fs::path& sys) {
  std::ifstream in(proc / "self/cgroup");
  std::string line;
  std::optional<std::uint64_t> left;
  while (std::getline(in, line)) {
    if (!line.starts_with("0::")) continue;
    for (fs::path group = line.substr(3);; group = group.parent_path()) {
      const fs::path folder = sys / "fs/cgroup" / group.relative_path();
      const auto limit = number_in(folder / "memory.max"), used = number_in(folder / "memory.current");
      if (limit && used) left = std::min(left.value_or(*limit), *limit > *used ? *limit - *used : 0);
      if (!group.has_relative_path()) break;
    }
  }
  return left;
}

}  // namespace

std::string host_name() {
  std::array<char, 256> name{};
  return ::gethostname(name.data(), name.size() - 1) == 0 ? std::string(name.data()) : "unknown";
}

std::string node_name() {
  const char* const name = std::getenv("SLURMD_NODENAME");
  return name ? name : host_name();
}

void bind_to_cores(int local_rank, int count) {
  cpu_set_t all, mine;
  CPU_ZERO(&all);
  CPU_ZERO(&mine);
  if (::sched_getaffinity(0, sizeof all, &all) != 0) CPU_ZERO(&all);
  int seen = 0, taken = 0;
  for (int core = 0; core < CPU_SETSIZE && taken < count; ++core) {
    if (!CPU_ISSET(core, &all)) continue;
    if (seen++ < local_rank * count) continue;
    CPU_SET(core, &mine);
    ++taken;
  }
  if (taken < count || ::sched_setaffinity(0, sizeof mine, &mine) != 0)
    throw Error(Fault::usage, cat("there are no ", count, " cores of its own for rank ", local_rank, " of this node"),
                "lower --cores-per-rank, or start fewer ranks");
}

int usable_cores() {
  cpu_set_t set;
  CPU_ZERO(&set);
  if (::sched_getaffinity(0, sizeof set, &set) != 0) return 1;
  return std::max(1, CPU_COUNT(&set));
}

bool has_fast_bf16() {
  const auto flags = proc_value("/proc/cpuinfo", "flags");
  const std::string padded = " " + flags + " ";
  return padded.find(" avx512_bf16 ") != std::string::npos || padded.find(" amx_bf16 ") != std::string::npos;
}

std::uint64_t available_memory_bytes(const fs::path& proc, const fs::path& sys) {
  std::uint64_t available = 0;
  if (const auto text = proc_value(proc / "meminfo", "MemAvailable"); !text.empty())
    available = static_cast<std::uint64_t>(to_int(split(text, ' ')[0]).value_or(0)) * 1024;
  if (const auto left = cgroup_left(proc, sys)) available = available == 0 ? *left : std::min(available, *left);
  return available;
}

std::uint64_t peak_memory_bytes() {
  rusage usage{};
  ::getrusage(RUSAGE_SELF, &usage);
  return static_cast<std::uint64_t>(usage.ru_maxrss) * 1024;
}

void keep_freed_memory() {
  ::mallopt(M_MMAP_MAX, 0);                // large blocks from the heap, not from fresh mappings
  ::mallopt(M_TRIM_THRESHOLD, 512 << 20);  // and back to the system only in large pieces
}

void limit_kept_kernels() {
  const std::string most = std::to_string(kernels::kOnednnKernels);
  for (const char* const variable : {"ONEDNN_PRIMITIVE_CACHE_CAPACITY", "LRU_CACHE_CAPACITY"})
    ::setenv(variable, most.c_str(), /*overwrite=*/0);
}

}  // namespace pst::app
