// SPDX-License-Identifier: Apache-2.0
#pragma once
// How an operation goes to where its memory is: the CPU's loops, or the functions of the CUDA module.
#include <initializer_list>

#include "core/error.hpp"
#include "core/exec.hpp"
#include "core/strings.hpp"
#include "kernels/cuda/table.hpp"

namespace pst::kernels::detail {

/// @throws Error(bug) when a view that is there lies on another device than `on`
inline void require_on(const Exec& on, const char* operation, std::initializer_list<ConstView> views) {
  for (const ConstView& view : views)
    if (view.data != nullptr && !(view.device == on.device))
      throw Error(Fault::bug, cat(operation, " got memory of another device than it runs on"));
}

/// For operations without a kernel for GPUs: attention is libtorch's there, and weights are quantised on the CPU while
/// they are read.
inline void require_cpu(const Exec& on, const char* operation) {
  if (on.device.kind != DeviceKind::cpu) throw Error(Fault::bug, cat(operation, " is done on the CPU only"));
}

/// Calls `entry` of the module on the device of `on`. @throws Error(unfit) when there is no module, or the GPU refuses
template <class... Parameters, class... Arguments>
void on_cuda(const Exec& on, const char* operation, int (*CudaTable::*entry)(cuda::Stream, Parameters...),
             Arguments&&... arguments) {
  if (on.cuda == nullptr)
    throw Error(Fault::unfit, cat(operation, " was asked for on a GPU, and the module for GPUs is not loaded"),
                "use train.device: cpu");
  int error = on.cuda->select(on.device.index);
  if (error == 0) error = (on.cuda->*entry)(on.stream, std::forward<Arguments>(arguments)...);
  if (error != 0)
    throw Error(Fault::unfit, cat(operation, " failed on GPU ", on.device.index, ": ", on.cuda->error_text(error)),
                "`nvidia-smi` and the kernel's log (Xid) tell whether the GPU is at fault; leave its node out with "
                "slurm.exclude");
}

}  // namespace pst::kernels::detail
