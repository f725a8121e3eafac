// SPDX-License-Identifier: Apache-2.0
#pragma once
#include <cstdint>
#include <functional>

#include "core/view.hpp"

namespace pst {

struct CudaTable;  // kernels/cuda/table.hpp

/// Where an operation runs and who shares its work. Handed over by the caller: kernels hold no thread pool.
struct Exec {
  Device device = {};
  /// Calls body(begin, end) on disjoint ranges covering [0, count), possibly at once; a range has at least `grain`
  /// items where so many are left. Every operation of ours gives the same bits whatever the ranges are.
  std::function<void(std::int64_t count, std::int64_t grain,
                     const std::function<void(std::int64_t, std::int64_t)>& body)>
      parallel_for = [](std::int64_t count, std::int64_t, const std::function<void(std::int64_t, std::int64_t)>& body) {
        if (count > 0) body(0, count);
      };
  /// On a GPU only: the functions of the loaded module, and the cudaStream_t that work is queued on (null: the default
  /// one). Operations return when their work is queued; those that return a value wait for it.
  const CudaTable* cuda = nullptr;
  void* stream = nullptr;
};

/// One thread of the calling CPU.
inline Exec serial_cpu() { return {}; }

}  // namespace pst
