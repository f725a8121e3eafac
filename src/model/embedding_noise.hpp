// SPDX-License-Identifier: Apache-2.0
#pragma once
#include <ATen/core/Tensor.h>

#include <cstdint>
#include <vector>

#include "core/rng.hpp"
#include "families/spec.hpp"
#include "model/rows.hpp"

namespace pst::model {

/// NEFTune's noise for the embeddings x [n, d] of documents: uniform in [-m, m) with m = alpha / sqrt(l d) in a
/// document of l tokens. Its own length counts, whatever it is packed with, so that the noise is that of a batch of one
/// document in transformers. Row i of the stream has the draws i d ... of `random`.
/// @param starts  where each document begins, then n
/// @see Jain et al. 2023, arXiv:2310.05914, algorithm 1
at::Tensor embedding_noise(const at::Tensor& x_nd, const std::vector<std::int64_t>& starts, double alpha,
                           const Rng& random);

/// What the stream begins with: the embedding's rows x [n, d] times the model's factor and, in a training pass, with
/// the noise that an alpha above 0 asks for, where transformers adds it: to what its module of the embedding gives.
at::Tensor embeddings(const families::ModelSpec& spec, const at::Tensor& x_nd, const Rows& rows, double alpha);

}  // namespace pst::model
