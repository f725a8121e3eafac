// SPDX-License-Identifier: Apache-2.0
// Attention of one document by cuDNN, on GPUs of compute capability 9: its kernels take about half the time of
// FlashAttention 2 there. A plan takes long to make and is good for one number of rows, so that is rounded up, and the
// document's own length goes along in GPU memory.
//
// cuDNN is told of a ragged batch with one document in it, not of a matrix with the rounded number of rows: what lies
// behind a document of a ragged batch is the next one's, so it is left alone.
// @see NVIDIA, cudnn-frontend 1.16, docs/operations/Attention.md
#include <cuda_runtime_api.h>
#include <cudnn_frontend.h>

#include <cmath>
#include <compare>
#include <exception>
#include <map>
#include <memory>
#include <mutex>
#include <new>
#include <unordered_map>

#include "kernels/attention/cudnn_layout.hpp"
#include "kernels/attention/cudnn_library.hpp"
#include "kernels/attention/cudnn_shape.hpp"

namespace pst::cuda {
namespace {

using cudnn_frontend::DataType_t;
using cudnn_frontend::graph::Graph;
using cudnn_frontend::graph::Tensor_attributes;
using Tensor = std::shared_ptr<Tensor_attributes>;
using Addresses = std::unordered_map<std::int64_t, void*>;

constexpr std::size_t kOldest = 91900;      // what was tried
constexpr std::int64_t kLayoutBytes = 256;  // of a workspace; the plan's part comes behind it
static_assert(sizeof(CudnnLayout) <= kLayoutBytes);

/// What a plan is made for.
struct Kind {
  int device = 0;
  std::int64_t heads = 0, key_value_heads = 0, dim = 0, rows = 0;  // rows: rounded up
  auto operator<=>(const Kind&) const = default;
};

// ---- graphs

enum Name : std::int64_t {
  kQ = 1,
  kK,
  kV,
  kOut,
  kLogSumExp,
  kDout,
  kDq,
  kDk,
  kDv,
  kQueryLength,
  kKeyLength,
  kQueryBorders,
  kKeyBorders,
  kSumBorders
};

/// The tensors of a graph.
class Drawing {
 public:
  Drawing(Graph& graph, const Kind& kind) : graph_(graph), kind_(kind) {
    graph_.set_io_data_type(DataType_t::BFLOAT16)
        .set_intermediate_data_type(DataType_t::FLOAT)
        .set_compute_data_type(DataType_t::FLOAT);
    query_borders_ = numbers(kQueryBorders, 2);
    key_borders_ = numbers(kKeyBorders, 2);
    sum_borders_ = numbers(kSumBorders, 2);
    query_length_ = numbers(kQueryLength, 1);
    key_length_ = numbers(kKeyLength, 1);
  }

  Tensor by_query(Name name) { return as_query(input(), name); }
  Tensor by_key(Name name) { return as_key(input(), name); }
  Tensor sums(Name name) { return as_sums(input(), name); }
  Tensor as_query(Tensor tensor, Name name) const {
    return by_rows(std::move(tensor), name, kind_.heads, kind_.dim, query_borders_);
  }
  Tensor as_key(Tensor tensor, Name name) const {
    return by_rows(std::move(tensor), name, kind_.key_value_heads, kind_.dim, key_borders_);
  }
  Tensor as_sums(Tensor tensor, Name name) const {
    tensor->set_data_type(DataType_t::FLOAT);
    return by_rows(std::move(tensor), name, kind_.heads, 1, sum_borders_);
  }

  /// What forward and backward have in common.
  template <class Options>
  Options options(const char* name) const {
    Options options;
    options.set_name(name)
        .set_causal_mask(true)
        .set_attn_scale(1 / std::sqrt(static_cast<float>(kind_.dim)))
        .set_padding_mask(true)
        .set_seq_len_q(query_length_)
        .set_seq_len_kv(key_length_);
    return options;
  }

 private:
  Tensor input() { return graph_.tensor(Tensor_attributes()); }
  Tensor numbers(Name name, std::int64_t count) {
    return graph_.tensor(Tensor_attributes()
                             .set_uid(name)
                             .set_dim({count, 1, 1, 1})
                             .set_stride({1, 1, 1, 1})
                             .set_data_type(DataType_t::INT32));
  }
  /// A row holds all heads side by side; cuDNN wants to hear of batch, head, row and value in this order.
  Tensor by_rows(Tensor tensor, Name name, std::int64_t heads, std::int64_t width, const Tensor& borders) const {
    tensor->set_uid(name)
        .set_dim({1, heads, kind_.rows, width})
        .set_stride({heads * kind_.rows * width, width, heads * width, 1})
        .set_ragged_offset(borders);
    return tensor;
  }

  Graph& graph_;
  Kind kind_;
  Tensor query_borders_, key_borders_, sum_borders_, query_length_, key_length_;
};

void draw_forward(Graph& graph, const Kind& kind) {
  Drawing drawing(graph, kind);
  auto options = drawing.options<cudnn_frontend::graph::SDPA_attributes>("forward");
  options.set_generate_stats(true);
  const auto [out, log_sum_exp] = graph.sdpa(drawing.by_query(kQ), drawing.by_key(kK), drawing.by_key(kV), options);
  drawing.as_query(out, kOut)->set_output(true);
  drawing.as_sums(log_sum_exp, kLogSumExp)->set_output(true);
}

void draw_backward(Graph& graph, const Kind& kind) {
  Drawing drawing(graph, kind);
  auto options = drawing.options<cudnn_frontend::graph::SDPA_backward_attributes>("backward");
  options.set_deterministic_algorithm(true).set_max_total_seq_len_q(kind.rows).set_max_total_seq_len_kv(kind.rows);
  const auto [dq, dk, dv] =
      graph.sdpa_backward(drawing.by_query(kQ), drawing.by_key(kK), drawing.by_key(kV), drawing.by_query(kOut),
                          drawing.by_query(kDout), drawing.sums(kLogSumExp), options);
  drawing.as_query(dq, kDq)->set_output(true);
  drawing.as_key(dk, kDk)->set_output(true);
  drawing.as_key(dv, kDv)->set_output(true);
}

// ---- plans

/// A graph that cuDNN has found a kernel for. The choice is its heuristic's, which measures nothing.
struct Pass {
  Graph graph;
  std::int64_t bytes = 0;
};
struct Plan {
  Pass forward, backward;
  int error = 0;  // kNotHere: cuDNN has no kernel for one of them
};

int build(Pass& pass, void (*draw)(Graph&, const Kind&), const Kind& kind, cudnnHandle_t handle) {
  draw(pass.graph, kind);
  auto error = pass.graph.build(handle, {cudnn_frontend::HeurMode_t::A});
  if (error.is_good()) error = pass.graph.get_workspace_size(pass.bytes);
  if (error.is_good()) return 0;
  // A GPU in trouble is no reason to go another way: the next start would come back, and compute other bits.
  return error.get_code() == cudnn_frontend::error_code_t::CUDA_API_FAILED ? kCudnnErrors : kNotHere;
}

int build(Plan& plan, const Kind& kind, cudnnHandle_t handle) {
  try {
    const int error = build(plan.forward, draw_forward, kind, handle);
    return error != 0 ? error : build(plan.backward, draw_backward, kind, handle);
  } catch (const std::bad_alloc&) {
    return cudaErrorMemoryAllocation;
  } catch (const std::exception&) {
    return kNotHere;  // some of the frontend's headers throw what others return
  }
}

/// The handles and plans of a process. Forward and backward passes are on threads of their own.
struct Plans {
  std::mutex mutex;
  std::map<int, cudnnHandle_t> handles;
  std::map<Kind, Plan> plans;
};
Plans& all() {
  static Plans& plans = *new Plans;  // never taken down: at the end of the process cuDNN may be gone before
  return plans;
}

int new_handle(cudnnHandle_t* handle) {
  const cudnnStatus_t status = cudnnCreate(handle);
  if (status == CUDNN_STATUS_SUCCESS) return 0;
  const bool incomplete =
      status == CUDNN_STATUS_SUBLIBRARY_LOADING_FAILED || status == CUDNN_STATUS_SUBLIBRARY_VERSION_MISMATCH;
  return incomplete ? kNotHere : kCudnnErrors + status;
}

/// Calls body(handle, plan) for `shape`, on the current GPU. @return what it returns, or why there is no plan
template <class Body>
int with_plan(const OneDocument& shape, const Body& body) {
  if (!kernels::cudnn_takes(shape.rows, shape.heads, shape.key_value_heads, shape.dim) || cudnn_version() < kOldest)
    return kNotHere;
  Kind kind{0, shape.heads, shape.key_value_heads, shape.dim, kernels::cudnn_rows(shape.rows)};
  int major = 0;
  if (const int error = cudaGetDevice(&kind.device)) return error;
  if (const int error = cudaDeviceGetAttribute(&major, cudaDevAttrComputeCapabilityMajor, kind.device)) return error;
  if (major != 9) return kNotHere;

  const std::lock_guard lock(all().mutex);
  cudnnHandle_t& handle = all().handles[kind.device];
  if (handle == nullptr)
    if (const int error = new_handle(&handle)) return error;
  const auto [at, is_new] = all().plans.try_emplace(kind);
  Plan& plan = at->second;
  if (is_new) plan.error = build(plan, kind, handle);
  return plan.error != 0 ? plan.error : body(handle, plan);
}

/// with_plan(), and nothing is thrown.
template <class Body>
int guarded(const OneDocument& shape, const Body& body) {
  try {
    return with_plan(shape, body);
  } catch (const std::bad_alloc&) {
    return cudaErrorMemoryAllocation;
  } catch (...) {
    return kCudnnErrors;
  }
}

void* address(ConstView view) { return const_cast<void*>(view.data); }  // cuDNN's tables have one type for all

int execute(cudnnHandle_t handle, const Pass& pass, Stream stream, const OneDocument& shape, Addresses addresses,
            View workspace) {
  if (workspace.count < kLayoutBytes + pass.bytes) return cudaErrorInvalidValue;
  auto* const layout = static_cast<CudnnLayout*>(workspace.data);
  if (const int error = write_layout(stream, shape, layout)) return error;
  addresses.insert({{kQueryLength, &layout->length},
                    {kKeyLength, &layout->length},
                    {kQueryBorders, &layout->query_borders},
                    {kKeyBorders, &layout->key_borders},
                    {kSumBorders, &layout->sum_borders}});
  if (const int status = cudnnSetStream(handle, static_cast<cudaStream_t>(stream))) return kCudnnErrors + status;
  const auto error = pass.graph.execute(handle, addresses, static_cast<unsigned char*>(workspace.data) + kLayoutBytes);
  return error.is_good() ? 0 : kCudnnErrors + CUDNN_STATUS_EXECUTION_FAILED;
}

}  // namespace

int document_attention_needs(const OneDocument& shape, std::int64_t* forward_bytes, std::int64_t* backward_bytes) {
  return guarded(shape, [&](cudnnHandle_t, const Plan& plan) {
    *forward_bytes = kLayoutBytes + plan.forward.bytes;
    *backward_bytes = kLayoutBytes + plan.backward.bytes;
    return 0;
  });
}

int document_attention(Stream stream, const OneDocument& shape, ConstView q, ConstView k, ConstView v, View out,
                       View log_sum_exp, View workspace) {
  return guarded(shape, [&](cudnnHandle_t handle, const Plan& plan) {
    return execute(
        handle, plan.forward, stream, shape,
        {{kQ, address(q)}, {kK, address(k)}, {kV, address(v)}, {kOut, out.data}, {kLogSumExp, log_sum_exp.data}},
        workspace);
  });
}

int document_attention_backward(Stream stream, const OneDocument& shape, ConstView dout, ConstView q, ConstView k,
                                ConstView v, ConstView out, ConstView log_sum_exp, View dq, View dk, View dv,
                                View workspace) {
  return guarded(shape, [&](cudnnHandle_t handle, const Plan& plan) {
    return execute(handle, plan.backward, stream, shape,
                   {{kDout, address(dout)},
                    {kQ, address(q)},
                    {kK, address(k)},
                    {kV, address(v)},
                    {kOut, address(out)},
                    {kLogSumExp, address(log_sum_exp)},
                    {kDq, dq.data},
                    {kDk, dk.data},
                    {kDv, dv.data}},
                   workspace);
  });
}

}  // namespace pst::cuda
