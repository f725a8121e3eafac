// SPDX-License-Identifier: Apache-2.0
#pragma once
#include "kernels/cuda/table.hpp"

namespace pst::cuda {

/// The operations' part of a table: the same for the module and for the emulated GPU of the tests.
inline void fill_operations(CudaTable& table) {
  table.abi = kCudaAbi;
  table.bytes = sizeof(CudaTable);
  table.add = &add;
  table.scale = &scale;
  table.sum_shares = &sum_shares;
  table.sum_of_squares = &sum_of_squares;
  table.squares_of_blocks = &squares_of_blocks;
  table.fingerprint = &fingerprint;
  table.rms_norm = &rms_norm;
  table.rms_norm_backward = &rms_norm_backward;
  table.layer_norm = &layer_norm;
  table.layer_norm_backward = &layer_norm_backward;
  table.rope = &rope;
  table.gated = &gated;
  table.gated_backward = &gated_backward;
  table.activate = &activate;
  table.activate_backward = &activate_backward;
  table.dropout = &dropout;
  table.uniform_noise = &uniform_noise;
  table.cross_entropy = &cross_entropy;
  table.adamw = &adamw;
  table.sgd = &sgd;
  table.lion = &lion;
  table.adamw_8bit = &adamw_8bit;
  table.schedule_free = &schedule_free;
  table.adafactor = &adafactor;
  table.nf4_absmax = &nf4_absmax;
  table.nf4_encode = &nf4_encode;
  table.nf4_dequantise = &nf4_dequantise;
  table.nf4_product = &nf4_product;
  table.double_dequantise = &double_dequantise;
  table.fp8_quantise = &fp8_quantise;
  table.fp8_transpose = &fp8_transpose;
  table.fp8_dequantise = &fp8_dequantise;
  table.int8_dequantise = &int8_dequantise;
}

}  // namespace pst::cuda
