// SPDX-License-Identifier: Apache-2.0
#pragma once
#include <cstddef>
#include <cstdint>

#include "core/view.hpp"

// The functions of the CUDA module. Each is the work of the operation of the same name in kernels/<op>/<op>.hpp, which
// has the contract and has checked the arguments: all memory is on the current device, dtypes and sizes agree. Each
// queues its kernels on `stream` and returns a cudaError_t as a number: 0, or what was wrong with the launch. Nothing
// is thrown, nothing is printed.
namespace pst::cuda {

using Stream = void*;  ///< a cudaStream_t; null is the default stream

/// What a function answers when this machine, or the library that does the work, cannot do it at all: no CUDA error.
inline constexpr int kNotHere = -1;
inline constexpr int kLibraryErrors = 100000;  ///< plus a status of cuBLASLt's
inline constexpr int kCudnnErrors = 200000;    ///< plus a status of cuDNN's, where it gave one

int add(Stream stream, View into, ConstView from);
int scale(Stream stream, View x, float factor);
int sum_shares(Stream stream, View shares, std::int64_t ranks);
/// @param sum  of the host; this one waits for the result
int sum_of_squares(Stream stream, ConstView x, double* sum);
int squares_of_blocks(Stream stream, ConstView x, double* sums);
/// @param sums  the two sums of the formula, of the host; this one waits for them
int fingerprint(Stream stream, const void* data, std::int64_t bytes, std::uint64_t* sums);

int rms_norm(Stream stream, ConstView x, ConstView residual, ConstView weight, float eps, View sum, View y, View rstd);
int rms_norm_backward(Stream stream, ConstView dy, ConstView dsum, ConstView sum, ConstView weight, ConstView rstd,
                      View dx);
int layer_norm(Stream stream, ConstView x, ConstView residual, ConstView weight, ConstView bias, std::int64_t width,
               float eps, View sum, View y, View statistics);
int layer_norm_backward(Stream stream, ConstView dy, ConstView dsum, ConstView sum, ConstView weight,
                        std::int64_t width, ConstView statistics, View dx);
struct Rotation {
  std::int64_t heads = 0, dim = 0, half = 0;
  bool interleaved = false;
  float sign = 1;  ///< -1: back
};
int rope(Stream stream, View x, const Rotation& rotation, ConstView positions, ConstView cosines, ConstView sines);
/// @param act  a kernels::Act
int gated(Stream stream, int act, ConstView gate, ConstView up, View out, float limit);
int gated_backward(Stream stream, int act, ConstView dout, ConstView gate, ConstView up, View dgate, View dup,
                   float limit);
int activate(Stream stream, int act, ConstView x, View out);
int activate_backward(Stream stream, int act, ConstView dout, ConstView x, View dx);
/// @param threshold  16-bit choices below it are dropped;  key: of the random stream
int dropout(Stream stream, ConstView x, std::uint32_t threshold, float factor, std::uint32_t key0, std::uint32_t key1,
            View out);
/// @param key  of the random stream
int uniform_noise(Stream stream, ConstView magnitude, std::uint32_t key0, std::uint32_t key1, View out);
int cross_entropy(Stream stream, View logits, ConstView targets, View loss, int with_gradient, float scale,
                  float smoothing);

int nf4_absmax(Stream stream, ConstView values, std::int64_t block, View absmax);
int nf4_encode(Stream stream, ConstView values, std::int64_t first, std::int64_t n, ConstView absmax,
               std::int64_t block, View packed);
int nf4_dequantise(Stream stream, ConstView packed, ConstView absmax, std::int64_t block, std::int64_t first, View out);
int nf4_product(Stream stream, ConstView x, ConstView packed, ConstView absmax, std::int64_t block, std::int64_t rows,
                View out);
int double_dequantise(Stream stream, ConstView codes, ConstView scale, ConstView map, ConstView offset,
                      std::int64_t first, View out);
int fp8_quantise(Stream stream, ConstView values, ConstView factors, std::int64_t width, View codes, View scales);
int fp8_transpose(Stream stream, ConstView codes, std::int64_t width, View out);
int fp8_dequantise(Stream stream, ConstView codes, ConstView scales, std::int64_t width, std::int64_t first, View out);
int int8_dequantise(Stream stream, ConstView codes, ConstView absmax, std::int64_t width, std::int64_t first, View out);

struct AdamWFactors {
  float gradient, decay, rest1, beta2, rest2, step_size, root_correction, eps;
};
int adamw(Stream stream, AdamWFactors factors, View value, ConstView gradient, View moment1, View moment2);
struct SgdFactors {
  float gradient, decay, momentum, lr, ahead, along;
};
int sgd(Stream stream, SgdFactors factors, View value, ConstView gradient, View momentum);
struct LionFactors {
  float gradient, decay, beta1, rest1, beta2, rest2, lr;
};
int lion(Stream stream, LionFactors factors, View value, ConstView gradient, View momentum);
struct AdamW8Factors {
  float gradient, decay, beta1, rest1, beta2, rest2, step_size, root_correction, eps;
};
int adamw_8bit(Stream stream, AdamW8Factors factors, ConstView map1, ConstView nearest1, ConstView map2,
               ConstView nearest2, View value, ConstView gradient, View codes1, View absmax1, View codes2,
               View absmax2);
struct ScheduleFreeFactors {
  float gradient, decay, beta1, beta2, rest2, root_correction, eps, lr, average;
  bool start;
};
int schedule_free(Stream stream, ScheduleFreeFactors factors, View value, ConstView gradient, View z, View moment2,
                  View x);
struct AdafactorFactors {
  float gradient, eps, beta2, rest2, lr, least_scale, clip, weight_decay;
};
int adafactor(Stream stream, AdafactorFactors factors, std::int64_t matrices, std::int64_t rows, std::int64_t columns,
              View value, ConstView gradient, View row, View column, View scratch);

/// out [m, n] = alpha * op(a) [m, k] op(b) [k, n] + beta * out, matrices by rows, sums in f32. op() is the matrix, or,
/// where `transposed`, what is stored the other way round.
struct Product {
  std::int64_t m = 0, n = 0, k = 0;
  const void *a = nullptr, *b = nullptr;
  void* out = nullptr;
  std::int64_t a_stride = 0, b_stride = 0, out_stride = 0;  ///< values from a row in memory to the next
  bool a_transposed = false, b_transposed = false;
  Dtype in = Dtype::bf16, out_dtype = Dtype::bf16;  ///< f32 or bf16; of a and b also u8: codes of kernels/fp8
  float alpha = 1, beta = 0;
  /// For codes: f32 [m] of op(a)'s rows and [n] of op(b)'s columns. Then a is stored straight and b transposed.
  const float *a_scales = nullptr, *b_scales = nullptr;
};
/// The same bits for the same shapes, addresses' alignments, GPU and library. @param workspace  used until the stream
/// is through; of one size for all calls. @return kNotHere where there is no cuBLASLt, or none that can do this
int matmul(Stream stream, const Product& product, void* workspace, std::size_t workspace_bytes);

/// A token stream that is one document, for attention by cuDNN: bf16, causal, scores divided by sqrt(dim). q, out and
/// their gradients: [rows, heads * dim]; k, v: [rows, key_value_heads * dim]; log_sum_exp: f32 [rows, heads].
struct OneDocument {
  std::int64_t rows = 0, heads = 0, key_value_heads = 0, dim = 0;
};
/// Whether cuDNN takes it on the current GPU, and the bytes that the passes work in: by the shape, the GPU and the
/// library alone. The first call for a shape takes a while. @return 0, kNotHere where it does not, or what went wrong
int document_attention_needs(const OneDocument& shape, std::int64_t* forward_bytes, std::int64_t* backward_bytes);
/// For a shape that cuDNN takes. @param workspace  u8, of the size that was asked for, used until the stream is through
int document_attention(Stream stream, const OneDocument& shape, ConstView q, ConstView k, ConstView v, View out,
                       View log_sum_exp, View workspace);
/// The same, by sums in a fixed order.
int document_attention_backward(Stream stream, const OneDocument& shape, ConstView dout, ConstView q, ConstView k,
                                ConstView v, ConstView out, ConstView log_sum_exp, View dq, View dk, View dv,
                                View workspace);

}  // namespace pst::cuda
