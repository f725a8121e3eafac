// SPDX-License-Identifier: Apache-2.0
// Fields of PEFT's adapter_config.json (peft.LoraConfig). It says what to adapt and nothing of data or training.
#include <set>

#include "core/strings.hpp"
#include "importers/common.hpp"
#include "importers/programs.hpp"

namespace pst::importers {

using Kind = Note::Kind;

void from_peft(ForeignFile& file, Draft& draft) {
  const std::string type = lower(file.text("peft_type").value_or(""));
  if (type != "lora") refuse(file, "peft_type", cat("peft_type ", type, " is not LORA"));
  set_model(file, draft, "base_model_name_or_path");
  draft.set("adapter.type", "lora");
  draft.set("adapter.r", file.integer("r").value_or(8));
  draft.set("adapter.alpha", file.number("lora_alpha").value_or(8));
  draft.set("adapter.dropout", file.number("lora_dropout").value_or(0));
  auto targets = file.words("target_modules");
  if (targets.empty()) targets = {"q_proj", "v_proj"};
  set_targets(file, draft, "target_modules", std::move(targets));
  if (const auto excluded = file.words("exclude_modules"); !excluded.empty()) {
    config::Node list = config::Node::list();
    for (const auto& word : excluded) list.items.push_back(config::Node::string(word));
    draft.set("adapter.exclude_modules", std::move(list));
  }
  for (const char* key : {"rank_pattern", "alpha_pattern", "layers_to_transform"})
    if (const config::Node* value = file.take(key)) draft.set(cat("adapter.", key), *value);
  if (const auto rs = file.flag("use_rslora"); rs && *rs) draft.set("adapter.use_rslora", true);
  if (const auto init = file.text("init_lora_weights"); init && lower(*init) != "true") {
    if (lower(*init) == "gaussian")
      draft.set("adapter.init_lora_weights", "gaussian");
    else
      file.note(Kind::dropped, "init_lora_weights", cat("init_lora_weights: ", *init));
  }
  draft.add_source("data.train", "data/train.jsonl", "auto");
  file.note(
      Kind::to_do, "",
      "an adapter_config.json names no data: set data.train, and look at the training keys, which have our defaults");
  file.ignore({"task_type", "inference_mode", "auto_mapping", "revision", "peft_version", "base_model_class",
               "parent_library", "fan_in_fan_out", "megatron_config", "megatron_core", "eva_config", "corda_config",
               "loftq_config", "runtime_config", "ensure_weight_tying", "qalora_group_size"});
  if (const auto bias = file.text("bias"); bias && *bias != "none")
    file.note(Kind::dropped, "bias", cat("bias: ", *bias));
}

}  // namespace pst::importers
