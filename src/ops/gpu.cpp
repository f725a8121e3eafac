// SPDX-License-Identifier: Apache-2.0
#include "ops/gpu.hpp"

#include <ATen/Context.h>
#include <ATen/Parallel.h>
#include <dlfcn.h>

#include <cstdlib>
#include <filesystem>

#include "core/error.hpp"
#include "core/strings.hpp"
#include "kernels/cuda/module.hpp"
#include "ops/torch_exec.hpp"

namespace pst::ops {
namespace {

namespace fs = std::filesystem;

/// libtorch_cuda.so lies beside the libtorch_cpu.so that this process has.
fs::path torch_cuda_library() {
  Dl_info found{};
  if (::dladdr(reinterpret_cast<const void*>(&at::get_num_threads), &found) == 0 || found.dli_fname == nullptr)
    throw Error(Fault::bug, "libtorch_cpu is not among the libraries of this process");
  return fs::path(found.dli_fname).parent_path() / "libtorch_cuda.so";
}

/// Where it is, once it is seen to be there.
fs::path require_torch_cuda() {
  const fs::path library = torch_cuda_library();
  std::error_code ignored;
  if (!fs::exists(library, ignored))
    throw Error(Fault::usage, cat("libtorch has no CUDA part: there is no ", library.string()),
                "install libtorch of PyTorch for CUDA 13 (PyPI: torch==2.11.0), or use train.device: cpu");
  return library;
}

void load_torch_cuda() {
  // cuBLAS repeats its bits only with a workspace of a fixed size; it reads this when it is loaded.
  ::setenv("CUBLAS_WORKSPACE_CONFIG", ":4096:8", /*overwrite=*/0);
  const fs::path library = require_torch_cuda();
  // It registers its operators and its device with libtorch when it is loaded, so its symbols have to be seen by all.
  if (::dlopen(library.c_str(), RTLD_NOW | RTLD_GLOBAL) == nullptr)
    throw Error(Fault::usage, cat("cannot open libtorch's CUDA part: ", ::dlerror()),
                "install the NVIDIA wheels that PyPI's torch==2.11.0 names (cuBLAS, cuDNN, NCCL ...) beside it, or use "
                "train.device: cpu");
  if (!at::globalContext().hasCUDA())
    throw Error(Fault::unfit, "libtorch's CUDA part is loaded and finds no GPU",
                "`nvidia-smi` shows what the driver sees");
  at::globalContext().setDeterministicAlgorithms(true, /*warn_only=*/false);
  at::globalContext().setDeterministicFillUninitializedMemory(
      false);  // which comes with it, and writes every new tensor once more
}

/// Of a process to which the driver shows one GPU, that one.
int index_of(const CudaTable& table, int wanted) {
  int count = 0;
  return table.device_count(&count) == 0 && count == 1 ? 0 : wanted;
}

}  // namespace

CudaDevice look_for_gpu(int wanted) {
  const CudaTable& table = load_cuda_module(cuda_module_path());
  const CudaDevice facts = require_cuda_device(table, index_of(table, wanted));
  require_torch_cuda();
  return facts;
}

Gpu open_gpu(int wanted) {
  return doing("opening the GPU", [&] {
    const CudaTable& table = load_cuda_module(cuda_module_path());
    const int index = index_of(table, wanted);
    const CudaDevice facts = require_cuda_device(table, index);
    load_torch_cuda();
    if (const int error = table.select(index); error != 0)
      throw Error(Fault::unfit, cat("GPU ", index, " cannot be taken: ", table.error_text(error)),
                  "leave its node out with slurm.exclude");
    use_cuda(table);
    return Gpu{at::Device(at::kCUDA, static_cast<at::DeviceIndex>(index)), facts};
  });
}

}  // namespace pst::ops
