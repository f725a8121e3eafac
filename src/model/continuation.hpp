// SPDX-License-Identifier: Apache-2.0
#pragma once
#include <span>
#include <vector>

#include "families/spec.hpp"
#include "model/rows.hpp"

// Passes that continue sequences, for generation: which rows they have, and where virtual ones come in.
namespace pst::model {

/// Takes pages for the new rows of each sequence; one that begins gets virtual rows too.
/// @param positions  of the longest sequence
Continuation continue_in(nn::KvPages& pages, std::span<const nn::Continued> parts, std::int64_t virtual_tokens,
                         std::int64_t positions);

/// The rows of a pass over them. @param to  outlives it
Rows rows_of(const Continuation& to, const families::ModelSpec& spec, std::int64_t positions, at::Device device);

/// CausalLm::kind_of_length().
std::int64_t kind_of_length(const families::ModelSpec& spec, std::int64_t longest, std::int64_t positions);

/// Sequences that begin get keys and values before their own. @param heads  of each layer
void write_virtual_keys(const nn::VirtualKeys& keys, const std::vector<ops::Heads>& heads,
                        std::span<const nn::Continued> parts, nn::KvPages& pages);
/// Puts virtual tokens before the rows of sequences that begin.
at::Tensor behind_virtual_tokens(const at::Tensor& x_nd, const Continuation& to, const nn::VirtualTokens& tokens);

/// What the pass gives of the tokens themselves; each sequence has seen its rows from then on.
at::Tensor seen(const at::Tensor& hidden_nd, const Continuation& to, std::span<const nn::Continued> parts);

}  // namespace pst::model
