// SPDX-License-Identifier: Apache-2.0
// Products through cuBLASLt, which libtorch brings along. Its search for an algorithm takes the CPU some ten
// microseconds a call (200 for 8-bit floats), longer than many a product takes the GPU: here it is asked once per
// shape.
// @see NVIDIA, cuBLAS 13.0 documentation, section 3
#include <cuda_runtime_api.h>
#include <dlfcn.h>

#include <algorithm>
#include <map>
#include <memory>
#include <mutex>
#include <string>
#include <tuple>
#include <type_traits>

#include "kernels/cuda/operations.hpp"

#if __has_include(<cublasLt.h>)
#include <cublasLt.h>

namespace pst::cuda {
namespace {

/// The library's functions, by name: the module links none of CUDA's libraries.
struct Lt {
  decltype(&cublasLtCreate) create = nullptr;
  decltype(&cublasLtMatmul) matmul = nullptr;
  decltype(&cublasLtMatmulDescCreate) desc_create = nullptr;
  decltype(&cublasLtMatmulDescSetAttribute) desc_set = nullptr;
  decltype(&cublasLtMatrixLayoutCreate) layout_create = nullptr;
  decltype(&cublasLtMatmulPreferenceCreate) preference_create = nullptr;
  decltype(&cublasLtMatmulPreferenceDestroy) preference_destroy = nullptr;
  decltype(&cublasLtMatmulPreferenceSetAttribute) preference_set = nullptr;
  decltype(&cublasLtMatmulAlgoGetHeuristic) search = nullptr;
  decltype(&cublasLtMatmulDescDestroy) desc_destroy = nullptr;
  decltype(&cublasLtMatrixLayoutDestroy) layout_destroy = nullptr;
  bool complete = false;
};

Lt open_library() {
  Lt lt;
  void* const library = ::dlopen(("libcublasLt.so." + std::to_string(CUBLAS_VER_MAJOR)).c_str(), RTLD_NOW | RTLD_LOCAL);
  if (library == nullptr) return lt;
  lt.complete = true;
  const auto get = [&](auto& into, const char* name) {
    into = reinterpret_cast<std::remove_reference_t<decltype(into)>>(::dlsym(library, name));
    lt.complete = lt.complete && into != nullptr;
  };
  get(lt.create, "cublasLtCreate");
  get(lt.matmul, "cublasLtMatmul");
  get(lt.desc_create, "cublasLtMatmulDescCreate");
  get(lt.desc_set, "cublasLtMatmulDescSetAttribute");
  get(lt.desc_destroy, "cublasLtMatmulDescDestroy");
  get(lt.layout_create, "cublasLtMatrixLayoutCreate");
  get(lt.layout_destroy, "cublasLtMatrixLayoutDestroy");
  get(lt.preference_create, "cublasLtMatmulPreferenceCreate");
  get(lt.preference_destroy, "cublasLtMatmulPreferenceDestroy");
  get(lt.preference_set, "cublasLtMatmulPreferenceSetAttribute");
  get(lt.search, "cublasLtMatmulAlgoGetHeuristic");
  return lt;
}
const Lt& library() {
  static const Lt lt = open_library();
  return lt;
}

cudaDataType_t type_of(Dtype dtype) {
  switch (dtype) {
    case Dtype::f32: return CUDA_R_32F;
    case Dtype::u8: return CUDA_R_8F_E4M3;
    default: return CUDA_R_16BF;
  }
}

/// The largest power of two up to 256 that divides an address: algorithms differ in what they ask for.
std::uint32_t alignment(const void* data) {
  const auto address = reinterpret_cast<std::uintptr_t>(data);
  return address == 0 ? 256 : static_cast<std::uint32_t>(std::min<std::uintptr_t>(256, address & (~address + 1)));
}

/// What an algorithm was chosen for.
using Key = std::tuple<int, std::int64_t, std::int64_t, std::int64_t, std::int64_t, std::int64_t, std::int64_t, int,
                       std::uint32_t, std::uint32_t, std::uint32_t, std::size_t>;
Key key_of(int device, const Product& p, std::size_t workspace) {
  const int kinds = (p.a_transposed ? 1 : 0) + (p.b_transposed ? 2 : 0) + (p.beta != 0 ? 4 : 0) +
                    (p.a_scales != nullptr ? 8 : 0) + 16 * static_cast<int>(p.in) + 512 * static_cast<int>(p.out_dtype);
  return {
      device,           p.m,      p.n, p.k, p.a_stride, p.b_stride, p.out_stride, kinds, alignment(p.a), alignment(p.b),
      alignment(p.out), workspace};
}

/// cuBLASLt counts by columns: our rows of out = op(a) op(b) are its columns of op(b)^T op(a)^T, so b comes first.
struct Plan {
  ~Plan() {
    const Lt& lt = library();
    if (desc != nullptr) lt.desc_destroy(desc);
    for (const cublasLtMatrixLayout_t layout : {first, second, result})
      if (layout != nullptr) lt.layout_destroy(layout);
  }
  cublasLtMatmulDesc_t desc = nullptr;
  cublasLtMatrixLayout_t first = nullptr, second = nullptr, result = nullptr;
  cublasLtMatmulAlgo_t algorithm{};
  int status = CUBLAS_STATUS_SUCCESS;
};

template <class T>
cublasStatus_t set(cublasLtMatmulDesc_t desc, cublasLtMatmulDescAttributes_t name, const T& value) {
  return library().desc_set(desc, name, &value, sizeof value);
}

#define PST_TRY(call) \
  if (const cublasStatus_t status = (call); status != CUBLAS_STATUS_SUCCESS) return status

cublasStatus_t describe(Plan& plan, const Product& p) {
  const Lt& lt = library();
  PST_TRY(lt.desc_create(&plan.desc, CUBLAS_COMPUTE_32F, CUDA_R_32F));
  const cublasOperation_t turned = CUBLAS_OP_T, straight = CUBLAS_OP_N;
  PST_TRY(set(plan.desc, CUBLASLT_MATMUL_DESC_TRANSA, p.b_transposed ? turned : straight));
  PST_TRY(set(plan.desc, CUBLASLT_MATMUL_DESC_TRANSB, p.a_transposed ? turned : straight));
  if (p.a_scales != nullptr) {
#if CUBLAS_VERSION < 120900
    return CUBLAS_STATUS_NOT_SUPPORTED;
#else
    const std::int32_t by_row = CUBLASLT_MATMUL_MATRIX_SCALE_OUTER_VEC_32F;
    PST_TRY(set(plan.desc, CUBLASLT_MATMUL_DESC_A_SCALE_MODE, by_row));
    PST_TRY(set(plan.desc, CUBLASLT_MATMUL_DESC_B_SCALE_MODE, by_row));
    // The search looks at them, so they have to be there: those of this call.
    PST_TRY(set(plan.desc, CUBLASLT_MATMUL_DESC_A_SCALE_POINTER, p.b_scales));
    PST_TRY(set(plan.desc, CUBLASLT_MATMUL_DESC_B_SCALE_POINTER, p.a_scales));
#endif
  }
  const auto layout = [&](cublasLtMatrixLayout_t* into, Dtype dtype, std::int64_t rows, std::int64_t columns,
                          bool transposed, std::int64_t stride) {
    return lt.layout_create(into, type_of(dtype), static_cast<std::uint64_t>(transposed ? rows : columns),
                            static_cast<std::uint64_t>(transposed ? columns : rows), stride);
  };
  PST_TRY(layout(&plan.first, p.in, p.k, p.n, p.b_transposed, p.b_stride));
  PST_TRY(layout(&plan.second, p.in, p.m, p.k, p.a_transposed, p.a_stride));
  return layout(&plan.result, p.out_dtype, p.m, p.n, false, p.out_stride);
}

cublasStatus_t choose(Plan& plan, const Product& p, cublasLtHandle_t handle, std::uint64_t workspace_bytes) {
  const Lt& lt = library();
  cublasLtMatmulPreference_t preference = nullptr;
  PST_TRY(lt.preference_create(&preference));
  const std::unique_ptr<cublasLtMatmulPreferenceOpaque_t, decltype(lt.preference_destroy)> kept(preference,
                                                                                                lt.preference_destroy);
  const auto prefer = [&](cublasLtMatmulPreferenceAttributes_t name, auto value) {
    return lt.preference_set(preference, name, &value, sizeof value);
  };
  PST_TRY(prefer(CUBLASLT_MATMUL_PREF_MAX_WORKSPACE_BYTES, workspace_bytes));
  PST_TRY(prefer(CUBLASLT_MATMUL_PREF_MIN_ALIGNMENT_A_BYTES, alignment(p.b)));
  PST_TRY(prefer(CUBLASLT_MATMUL_PREF_MIN_ALIGNMENT_B_BYTES, alignment(p.a)));
  PST_TRY(prefer(CUBLASLT_MATMUL_PREF_MIN_ALIGNMENT_C_BYTES, alignment(p.out)));
  PST_TRY(prefer(CUBLASLT_MATMUL_PREF_MIN_ALIGNMENT_D_BYTES, alignment(p.out)));
  cublasLtMatmulHeuristicResult_t found{};
  int count = 0;
  PST_TRY(
      lt.search(handle, plan.desc, plan.first, plan.second, plan.result, plan.result, preference, 1, &found, &count));
  plan.algorithm = found.algo;
  return count == 0 ? CUBLAS_STATUS_NOT_SUPPORTED : found.state;
}

/// The handles and plans of a process. Forward and backward passes are on threads of their own.
struct Plans {
  std::mutex mutex;
  std::map<int, cublasLtHandle_t> handles;
  std::map<Key, std::unique_ptr<Plan>> plans;
  static constexpr std::size_t kMost = 8192;  // rows of every length come by: what has not been kept is found again
};

int answer(int status) {
  if (status == CUBLAS_STATUS_SUCCESS) return 0;
  return status == CUBLAS_STATUS_NOT_SUPPORTED ? kNotHere : kLibraryErrors + status;
}

}  // namespace

int matmul(Stream stream, const Product& p, void* workspace, std::size_t workspace_bytes) {
  const Lt& lt = library();
  if (!lt.complete) return kNotHere;
  static Plans all;
  const std::lock_guard lock(all.mutex);
  int device = 0;
  if (const int error = cudaGetDevice(&device)) return error;
  cublasLtHandle_t& handle = all.handles[device];
  if (handle == nullptr)
    if (const int status = lt.create(&handle)) return answer(status);

  if (all.plans.size() >= Plans::kMost) all.plans.clear();
  std::unique_ptr<Plan>& plan = all.plans[key_of(device, p, workspace_bytes)];
  if (plan == nullptr) {
    plan = std::make_unique<Plan>();
    plan->status = describe(*plan, p);
    if (plan->status == CUBLAS_STATUS_SUCCESS) plan->status = choose(*plan, p, handle, workspace_bytes);
  }
  if (plan->status != CUBLAS_STATUS_SUCCESS) return answer(plan->status);
  if (p.a_scales != nullptr) {
    if (const int status = set(plan->desc, CUBLASLT_MATMUL_DESC_A_SCALE_POINTER, p.b_scales)) return answer(status);
    if (const int status = set(plan->desc, CUBLASLT_MATMUL_DESC_B_SCALE_POINTER, p.a_scales)) return answer(status);
  }
  return answer(lt.matmul(handle, plan->desc, &p.alpha, p.b, plan->first, p.a, plan->second, &p.beta, p.out,
                          plan->result, p.out, plan->result, &plan->algorithm, workspace, workspace_bytes,
                          static_cast<cudaStream_t>(stream)));
}

}  // namespace pst::cuda

#else  // a toolkit without cuBLAS, which nvcc alone does not need

int pst::cuda::matmul(Stream, const Product&, void*, std::size_t) { return kNotHere; }

#endif
