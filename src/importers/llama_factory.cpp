// SPDX-License-Identifier: Apache-2.0
// Keys and defaults of LLaMA-Factory's arguments (llamafactory.hparams) on top of Hugging Face's TrainingArguments.
#include "core/strings.hpp"
#include "importers/common.hpp"
#include "importers/programs.hpp"

namespace pst::importers {

using Kind = Note::Kind;

void from_llama_factory(ForeignFile& file, Draft& draft, int ranks) {
  const std::string stage = file.text("stage").value_or("sft");
  if (stage != "sft" && stage != "pt") refuse(file, "stage", cat("stage ", stage, " is neither sft nor pt"));
  const std::string type = file.text("finetuning_type").value_or("lora");
  if (type != "lora") refuse(file, "finetuning_type", cat("finetuning_type ", type, " is not lora"));

  set_model(file, draft, "model_name_or_path");
  const auto rank = file.integer("lora_rank").value_or(8);
  draft.set("adapter.type", "lora");
  draft.set("adapter.r", rank);
  draft.set("adapter.alpha", file.number("lora_alpha").value_or(2.0 * static_cast<double>(rank)));
  draft.set("adapter.dropout", file.number("lora_dropout").value_or(0));
  auto targets = file.words("lora_target");
  set_targets(file, draft, "lora_target", targets.empty() ? std::vector<std::string>{"all"} : targets);
  if (const auto rs = file.flag("use_rslora")) draft.set("adapter.use_rslora", *rs);
  if (const auto from = file.text("adapter_name_or_path")) {
    draft.set("adapter.init_from", *from);
    if (from->find(',') != std::string::npos)
      file.note(Kind::to_do, "adapter_name_or_path", "adapter.init_from takes one adapter: merge the others first");
  }

  for (const std::string& name : file.words("dataset"))
    add_dataset(file, draft, "dataset", name, stage == "pt" ? "text" : "auto");
  for (const std::string& name : file.words("eval_dataset"))
    add_dataset(file, draft, "eval_dataset", name, "auto", "data.validation");
  if (!draft.find("data.validation")) set_fraction(file, draft, "val_size");
  draft.set("data.max_length", file.integer("cutoff_len").value_or(2048));
  draft.set("data.packing", file.flag("packing").value_or(stage == "pt") || file.flag("neat_packing").value_or(false));
  const bool prompts_too = file.flag("train_on_prompt").value_or(false) || stage == "pt";
  draft.set_word("data.train_on", prompts_too                                 ? "all"
                                  : file.flag("mask_history").value_or(false) ? "completion"
                                                                              : "assistant");
  draft.set("data.max_examples", file.integer("max_samples"));
  if (const auto name = file.text("template"))
    file.note(Kind::changed, "template",
              cat("template ", *name,
                  ": the model's own chat template is used, or the Jinja file that data.chat_template names"));

  set_training_arguments(file, draft);
  set_regularisers(file, draft, "early_stopping_steps");  // evaluations, whatever its name says
  set_batches(file, draft, "per_device_train_batch_size", file.integer("per_device_train_batch_size").value_or(8),
              file.integer("gradient_accumulation_steps").value_or(1), ranks);
  draft.set("optimizer.lr", file.number("learning_rate").value_or(5e-5));
  set_loraplus(file, draft);
  if (file.flag("disable_gradient_checkpointing").value_or(false)) draft.set("train.gradient_checkpointing", false);
  set_quantisation(file, draft, "quantization_bit", file.integer("quantization_bit").value_or(0), "quantization_type",
                   file.flag("double_quantization").value_or(true));
  drop_unless(file, "quantization_method", {"bnb", "bitsandbytes"}, ": model.quantization has the formats here");
  drop_unless(file, "dataset_dir", {"data"}, ": its dataset_info.json says which file each dataset is");
  ignore_training_arguments(file);
  file.ignore({"flash_attn", "tokenized_path", "cache_dir"});
}

}  // namespace pst::importers
