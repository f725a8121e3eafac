// SPDX-License-Identifier: Apache-2.0
#include "kernels/cuda/module.hpp"

#include <dlfcn.h>
#include <unistd.h>

#include <array>
#include <cstdlib>

#include "core/error.hpp"
#include "core/strings.hpp"

namespace pst {
namespace {

namespace fs = std::filesystem;
constexpr const char* kUseCpu = "use train.device: cpu";

fs::path folder_of_program() {
  std::error_code failure;
  const fs::path program = fs::read_symlink("/proc/self/exe", failure);
  return failure ? fs::path(".") : program.parent_path();
}

}  // namespace

fs::path cuda_module_path() {
  if (const char* const given = std::getenv("PST_CUDA_MODULE"); given != nullptr && *given != '\0') return given;
  return folder_of_program().parent_path() / "lib" / "peft-studio" / "libpst_cuda.so";
}

const CudaTable& load_cuda_module(const fs::path& path) {
  std::error_code ignored;
  if (!fs::exists(path, ignored))
    throw Error(
        Fault::usage, cat("this installation has no code for GPUs: ", path.string(), " is missing"),
        cat("build with -DPST_CUDA=ON (Spack: +cuda), point PST_CUDA_MODULE to a libpst_cuda.so, or ", kUseCpu));
  void* const module = ::dlopen(path.c_str(), RTLD_NOW | RTLD_LOCAL);
  if (module == nullptr)
    throw Error(Fault::usage, cat("cannot open the module for GPUs: ", ::dlerror()), cat("rebuild it, or ", kUseCpu));
  using Entry = const CudaTable*();
  const auto entry = reinterpret_cast<Entry*>(::dlsym(module, kCudaEntry));
  const CudaTable* const table = entry == nullptr ? nullptr : entry();
  if (table == nullptr || table->abi != kCudaAbi || table->bytes != sizeof(CudaTable))
    throw Error(Fault::usage, cat(path.string(), " belongs to another build than this program"),
                "install program and module together, or unset PST_CUDA_MODULE");
  return *table;
}

CudaDevice require_cuda_device(const CudaTable& table, int device) {
  int count = 0;
  if (const int error = table.device_count(&count); error != 0 || count == 0)
    throw Error(
        Fault::unfit, cat("no GPU can be used here: ", error != 0 ? table.error_text(error) : "the driver shows none"),
        cat("on a cluster ask for GPUs (slurm.gpus_per_node); `nvidia-smi` shows what the driver sees; or ", kUseCpu));
  if (device >= count)
    throw Error(Fault::unfit, cat("GPU ", device, " was asked for, and the driver shows ", count),
                "start as many ranks on a node as it has GPUs (slurm.ranks_per_node, slurm.gpus_per_node)");
  CudaDevice found;
  if (const int error = table.describe(device, &found); error != 0)
    throw Error(Fault::unfit, cat("GPU ", device, " does not answer: ", table.error_text(error)),
                "leave its node out with slurm.exclude");
  if (found.has_code == 0)
    throw Error(Fault::unfit,
                cat("GPU ", device, " (", found.name, ") has compute capability ", found.major, ".", found.minor,
                    ", and the module was built for ", table.built_for()),
                cat("build with -DCMAKE_CUDA_ARCHITECTURES=", found.major, found.minor,
                    " (Spack: cuda_arch=", found.major, found.minor, ")"));
  return found;
}

}  // namespace pst
