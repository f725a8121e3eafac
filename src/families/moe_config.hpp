// SPDX-License-Identifier: Apache-2.0
#pragma once
#include <cstdint>
#include <string>
#include <vector>

#include "families/spec.hpp"
#include "json/object.hpp"

namespace pst::families {

/// Modules of one expert, after its own prefix.
struct ExpertNames {
  const char *gate = "gate_proj", *up = "up_proj", *down = "down_proj";
};

/// Experts whose matrices have names of their own: `<prefix><i>.gate_proj.weight`. transformers keeps them in the
/// module `prefix` without its dot.
void add_experts(MoeSpec& moe, const std::string& prefix, std::int64_t count, std::int64_t hidden,
                 const ExpertNames& names = {});

/// How the rows of an expert's gate and up lie in transformers' `gate_up_proj`.
enum class GateUp { gate_first, by_turns };
/// Says where transformers keeps the experts in memory: `<module>.gate_up_proj` and `<module>.down_proj`.
void stack_experts(MoeSpec& moe, const std::string& module, GateUp rows = GateUp::gate_first);

/// The router [experts, hidden], `moe.experts` being there.
void add_router(MoeSpec& moe, const std::string& name, std::int64_t hidden, bool bias = false);

/// The MLP beside the experts that every row takes: `<prefix>gate_proj`, `up_proj`, `down_proj`.
void add_shared(MoeSpec& moe, const std::string& prefix, std::int64_t inner, std::int64_t hidden);

/// Which layers have experts: every `decoder_sparse_step`-th that `mlp_only_layers` does not list.
std::vector<bool> read_sparse_layers(const json::Object& config, std::size_t layers);

/// How many experts a row takes. @throws Error(data) when it is more than there are
std::int64_t read_chosen(const json::Object& config, std::int64_t experts, std::int64_t absent);

/// How many experts there are: `num_experts`, which newer transformers write as `num_local_experts`.
std::int64_t read_expert_count(const json::Object& config, std::int64_t absent);

/// The loss that balances experts: `router_aux_loss_coef`, which `output_router_logits` asks for.
void read_balance(const json::Object& config, ModelSpec& model, double absent = 0.001);

}  // namespace pst::families
