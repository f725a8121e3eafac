// SPDX-License-Identifier: Apache-2.0
#pragma once
#include "plan/prediction.hpp"

namespace pst::plan {

/// Bytes that one rank may use; 0 when nothing tells. The least of the node's memory, the site's and slurm.mem.
double memory_limit(const Inputs& in, const Choice& choice);

/// Bytes that backward needs of the layers, per token of a micro batch: the rule by which a rank decides about
/// gradient_checkpointing: auto, coarser than memory_of() so that every rank comes to the same answer.
std::int64_t activation_bytes_per_token(const families::ModelSpec& model, Dtype dtype);

/// What a rank needs beside the frozen base at least, with gradient checkpointing: the layers' inputs, one layer's
/// results and gradients, what is trained with its state, the libraries. As coarse, for parallel.strategy: auto.
double beside_base(const families::ModelSpec& model, Dtype dtype, double tokens, double trainable);

}  // namespace pst::plan
