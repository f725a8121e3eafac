// SPDX-License-Identifier: Apache-2.0
#pragma once
#include <cstdint>
#include <filesystem>
#include <string>

namespace pst::app {

std::string host_name();
/// As Slurm calls this machine, which may differ from what it calls itself.
std::string node_name();
/// Cores that the scheduler gave this process: its affinity mask.
int usable_cores();
/// From now on this thread, and those that it starts, stay on `count` cores of the process's, another set for each rank
/// of a node. @throws Error(usage) when there are not enough
void bind_to_cores(int local_rank, int count);
/// True where the CPU multiplies bf16 natively (avx512_bf16 or AMX); elsewhere bf16 is slower than f32.
bool has_fast_bf16();
/// MemAvailable, within the limit of the job's cgroup where there is one.
/// @param proc, sys  where the kernel's files are; tests bring their own
std::uint64_t available_memory_bytes(const std::filesystem::path& proc = "/proc",
                                     const std::filesystem::path& sys = "/sys");
std::uint64_t peak_memory_bytes();

/// Lets this process keep what it frees: the next step needs it again, and fresh pages cost time. Call it first.
void keep_freed_memory();

/// Lets oneDNN and libtorch keep kernels::kOnednnKernels kernels of products, unless the environment says otherwise:
/// each takes up to 0.5 MiB. Call it before the first product.
void limit_kept_kernels();

}  // namespace pst::app
