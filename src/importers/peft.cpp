// SPDX-License-Identifier: Apache-2.0
// Fields of PEFT's adapter_config.json (peft.LoraConfig). It says what to adapt and nothing of data or training.
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
  // One text is a regular expression there, commas and all.
  const config::Node* const given = file.take("target_modules");
  auto targets =
      given && given->kind == config::Node::Kind::scalar ? std::vector{given->text} : file.words("target_modules");
  if (targets.empty()) targets = {"q_proj", "v_proj"};
  set_targets(file, draft, "target_modules", std::move(targets));
  if (const config::Node* const text = file.take("exclude_modules"); text && text->kind == config::Node::Kind::scalar) {
    file.drop("exclude_modules", ": list the ends of the names here");
  } else if (const auto excluded = file.words("exclude_modules"); !excluded.empty()) {
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
  if (const auto bias = file.text("bias"); bias && (*bias == "all" || *bias == "lora_only"))
    draft.set("adapter.bias", *bias);
  else
    drop_unless(file, "bias", {"none"});
  drop_unless(file, "layers_pattern", {"layers"});
  file.ignore({"task_type", "inference_mode", "auto_mapping", "peft_version", "megatron_core", "runtime_config",
               "qalora_group_size"});
  for (const auto& entry : file.document().entries)  // PEFT writes every switch that is off
    if (entry.value.kind == config::Node::Kind::scalar && lower(entry.value.text) == "false") file.ignore({entry.key});
}

}  // namespace pst::importers
