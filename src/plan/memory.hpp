// SPDX-License-Identifier: Apache-2.0
#pragma once
#include <cstdint>

#include "plan/choice.hpp"
#include "plan/model_shape.hpp"
#include "plan/work.hpp"
#include "recipe/optimizers.hpp"

namespace pst::plan {

/// Bytes of the rank that needs most, at its worst moment.
struct Memory {
  double libraries = 0;      ///< before there is a model
  double kernels = 0;        ///< code that oneDNN makes for each size of product and keeps
  double weights = 0;        ///< the frozen base in the dtype it is computed with, and the rotary tables
  double adapters = 0;       ///< f32 masters, and their bf16 copies
  double gradients = 0;      ///< the buffers of the ordered sum
  double optimizer = 0;      ///< the arrays of its state
  double activations = 0;    ///< kept from forward for backward
  double workspace = 0;      ///< of the backward pass in its widest layer
  double head = 0;           ///< one chunk of logits, and the gradient of the hidden states
  double communication = 0;  ///< of the all-reduce
  double checkpoint = 0;     ///< the snapshot
  double data = 0;           ///< mapped prepared data
  double training() const {
    return libraries + kernels + weights + adapters + gradients + optimizer + activations + workspace + head +
           communication + checkpoint + data;
  }
  double loading = 0;  ///< while the last block of weights is copied from the mapped files, where it counts as resident
  double peak() const { return training() > loading ? training() : loading; }
};

struct MemoryInputs {
  const ModelShape& model;
  MicroBatch largest;
  std::int64_t leaves = 1;        ///< micro batches of a step
  double baseline_bytes = 0;      ///< of a rank without a model
  double product_bytes = 0;       ///< of one kernel that oneDNN made; 0 where products are not its
  bool copies_operands = true;    ///< a product may bring an operand into an order of its own, as oneDNN's do
  std::int64_t token_counts = 1;  ///< different sizes of micro batches that a rank meets
  std::uint64_t weight_file_bytes = 0, prepared_bytes = 0;
  bool is_gpu = false, cudnn_attention = false;
  bool dropout = false, saves = true;
  recipe::Optimizer optimizer = {};
  int kept_arrays = 0;  ///< beside the trained values: recipe::kept_arrays()
};

Memory memory_of(const MemoryInputs& in, const Choice& choice);

/// Bytes of the optimizer's state: in memory, where each tensor's begins on a border, and in a checkpoint.
struct StateBytes {
  double kept = 0, stored = 0;
  double largest = 0;  ///< of one tensor
};
StateBytes state_bytes(const recipe::Optimizer& optimizer, const ModelShape& model);

/// What forward keeps of one decoder layer for its backward, for `tokens` tokens.
double kept_bytes(const LayerShape& layer, double tokens, Dtype dtype);

/// Matrix products of different sizes in a step whose micro batches have all the same number of tokens.
std::int64_t products_of(const ModelShape& model, Dtype dtype, bool dropout);

/// Labelled rows that pass through the head at once.
std::int64_t head_chunk_rows(std::int64_t vocabulary, Dtype dtype, DeviceKind device);

}  // namespace pst::plan
