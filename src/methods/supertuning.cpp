// SPDX-License-Identifier: Apache-2.0
#include "methods/supertuning.hpp"

#include "config/fields.hpp"
#include "core/error.hpp"
#include "core/strings.hpp"
#include "methods/declared.hpp"
#include "methods/method.hpp"

namespace pst::methods {
namespace {

void bind_section(config::Fields& field, Adapter& adapter) {
  Supertuning& s = adapter.as<Supertuning>();
  field("sparsity", &s.sparsity, config::from_to_below(0, 1), "Share of each weight's values that stay as they are.");
  field("select_top", &s.select_top, "Train the values of largest magnitude; else those of the smallest.");
  field("r", &s.r, config::Absent::null, config::at_least(1), "Rank of a LoRA besides; null: none.");
  field("lora_alpha", &s.lora_alpha, config::Absent::null, config::above(0),
        "The LoRA is scaled by lora_alpha / r; null: by 2.");
  field("lora_dropout", &s.lora_dropout, config::from_to_below(0, 1),
        "Chance of zeroing an input feature before the LoRA.");
  bind_target_modules(field, adapter.targeting);
  field("save_precomputed_indices", &s.save_precomputed_indices,
        "Save which values are trained; else whoever loads the adapter finds them in the base.");
}

std::vector<Adapted> adapt_layers(const Adapter& adapter, const std::vector<LinearLayer>& layers) {
  const Supertuning& s = adapter.as<Supertuning>();
  if (!s.r && s.lora_alpha)
    throw Error(Fault::usage, "adapter.lora_alpha is given, and there is no LoRA without adapter.r",
                "write r, or leave lora_alpha out");
  std::vector<Adapted> adapted;
  for (const std::size_t index : select_layers(adapter.targeting, layers)) {
    const std::int64_t out = layers[index].out, in = layers[index].in;
    const auto count = static_cast<std::int64_t>(static_cast<double>(out * in) * (1 - s.sparsity));
    if (count < 1)
      throw Error(Fault::usage,
                  cat("adapter.sparsity is ", number(s.sparsity), ", which leaves none of the ", out * in,
                      " values of ", layers[index].name, " to train"),
                  "lower it");
    if (out * in > std::int64_t{1} << 31)
      throw Error(Fault::usage,
                  cat(layers[index].name, " has ", out * in, " values, more than the file's indices can count"),
                  "leave it out of adapter.target_modules");
    Adapted of{.layer = index,
               .tensors = {{"supertuning_values", {count}},
                           {.name = "supertuning_indices",
                            .shape = {count},
                            .trained = false,
                            .saved = s.save_precomputed_indices,
                            .dtype = Dtype::i32}},
               .made = 2 * out * in};
    if (const auto r = s.r) {
      of.rank = *r;
      of.scale = s.lora_alpha.value_or(2.0 * *r) / *r;
      of.dropout = s.lora_dropout;
      of.kept = out + 2 * *r;
      of.tensors.push_back({"supertuning_lora_A.weight", {*r, in}});
      of.tensors.push_back({"supertuning_lora_B.weight", {out, *r}});
    }
    adapted.push_back(std::move(of));
  }
  return adapted;
}

/// PEFT writes the lora_alpha that null stands for.
void check_start(const Adapter& stored, const Adapter& wanted) {
  const auto with_alpha = [](Adapter adapter) {
    Supertuning& s = adapter.as<Supertuning>();
    if (s.r && !s.lora_alpha) s.lora_alpha = 2.0 * *s.r;
    return adapter;
  };
  require_declared(with_alpha(stored), with_alpha(wanted));
}

}  // namespace

extern const Method kSupertuning;
const Method kSupertuning{.name = "supertuning",
                          .help = "The largest values of each weight, and a LoRA if wanted (arXiv:2607.09287).",
                          .defaults = [](Adapter& s) { s.own = Supertuning{}; },
                          .bind = &bind_section,
                          .adapt = &adapt_layers,
                          .fixed = R"({"init_weights": true, "modules_to_save": null})",
                          .check_start = &check_start};

}  // namespace pst::methods
