// SPDX-License-Identifier: Apache-2.0
// Keys and defaults of axolotl's configuration schema (axolotl.utils.schemas, version 0.12).
#include <set>

#include "core/strings.hpp"
#include "importers/common.hpp"
#include "importers/programs.hpp"

namespace pst::importers {
namespace {

using Kind = Note::Kind;

/// axolotl's `type` of a dataset -> our format. Its many prompt styles are alpaca's fields in other words.
const char* format_of(const std::string& type) {
  const std::string word = lower(type);
  if (word.starts_with("alpaca")) return "alpaca";
  if (word == "chat_template" || word.starts_with("sharegpt")) return "chat";
  if (word == "completion" || word == "pretrain") return "text";
  if (word.starts_with("input_output")) return "prompt_completion";
  return "auto";
}

void set_adapter(ForeignFile& file, Draft& draft) {
  const auto adapter = file.text("adapter");
  if (!adapter)
    file.note(Kind::changed, "", "no `adapter`: there all weights are trained, here a LoRA adapter is");
  else if (lower(*adapter) != "lora" && lower(*adapter) != "qlora")
    refuse(file, "adapter", cat("adapter ", *adapter, " is not one of lora and qlora"));
  // It lets `adapter: qlora` stand only with load_in_4bit, and always quantises the scales of NF4 as well.
  const bool four = file.flag("load_in_4bit").value_or(false) || (adapter && lower(*adapter) == "qlora");
  const bool eight = file.flag("load_in_8bit").value_or(false);
  set_quantisation(file, draft, "load_in_4bit", four ? 4 : eight ? 8 : 0, "nf4", true);
  draft.set("adapter.type", "lora");
  draft.set("adapter.r", file.integer("lora_r"));
  draft.set("adapter.alpha", file.number("lora_alpha"));
  draft.set("adapter.dropout", file.number("lora_dropout").value_or(0));
  if (file.flag("lora_target_linear").value_or(false)) draft.set_word("adapter.target_modules", "all-linear");
  set_targets(file, draft, "lora_target_modules", file.words("lora_target_modules"));
  if (!draft.find("adapter.target_modules"))
    file.note(Kind::changed, "", "no lora_target_modules: all linear layers are adapted");
  if (const auto rs = file.flag("peft_use_rslora")) draft.set("adapter.use_rslora", *rs);
  if (const auto from = file.text("lora_model_dir")) draft.set("adapter.init_from", *from);
}

void set_data(ForeignFile& file, Draft& draft) {
  const config::Node* datasets = file.take("datasets");
  bool chat = false;
  if (datasets && datasets->kind == config::Node::Kind::list) {
    static const std::set<std::string> kRead = {"path", "type", "split", "data_files", "ds_type"};
    for (const config::Node& item : datasets->items) {
      const config::Node* path = item.find("path");
      const config::Node* files = item.find("data_files");
      const config::Node* type = item.find("type");
      const char* format = type && type->kind == config::Node::Kind::scalar ? format_of(type->text) : "auto";
      chat = chat || std::string(format) == "chat";
      const config::Node* from = files && files->kind == config::Node::Kind::scalar ? files : path;
      if (from && from->kind == config::Node::Kind::scalar) add_dataset(file, draft, "datasets", from->text, format);
      for (const auto& entry : item.entries)
        if (!kRead.count(entry.key) && entry.value.kind != config::Node::Kind::null)
          file.note(Kind::dropped, "datasets", cat("datasets: ", entry.key, ": ", entry.value.describe()));
      if (type && type->kind != config::Node::Kind::scalar)
        file.note(Kind::dropped, "datasets",
                  "datasets: a prompt style of its own; write the examples as chat or alpaca records");
    }
  }
  set_fraction(file, draft, "val_set_size");
  if (const config::Node* tests = file.take("test_datasets"); tests && tests->kind == config::Node::Kind::list)
    for (const config::Node& item : tests->items)
      if (const config::Node* path = item.find("path"))
        add_dataset(file, draft, "test_datasets", path->text, "auto", "data.validation");
  draft.set("data.max_length", file.integer("sequence_len").value_or(512));
  draft.set("data.packing", file.flag("sample_packing").value_or(false));
  const bool all = file.flag("train_on_inputs").value_or(false);
  draft.set_word("data.train_on", all ? "all" : chat ? "assistant" : "completion");
  if (const auto name = file.text("chat_template"); name && *name != "tokenizer_default")
    file.note(
        Kind::changed, "chat_template",
        cat("chat_template ", *name, ": the model's own is used, or the Jinja file that data.chat_template names"));
}

}  // namespace

void from_axolotl(ForeignFile& file, Draft& draft, int ranks) {
  if (const auto rl = file.text("rl")) refuse(file, "rl", cat("rl: ", *rl, " is preference training"));
  set_model(file, draft, "base_model");
  set_adapter(file, draft);
  set_data(file, draft);
  draft.set("train.epochs", file.number("num_epochs").value_or(1));
  if (const auto steps = file.integer("max_steps"); steps && *steps > 0) draft.set("train.max_steps", *steps);
  set_batches(file, draft, "micro_batch_size", file.integer("micro_batch_size").value_or(1),
              file.integer("gradient_accumulation_steps").value_or(1), ranks);
  draft.set("train.max_grad_norm", file.number("max_grad_norm").value_or(1));
  set_precision(file, draft);
  if (const auto recompute = file.text("gradient_checkpointing"))
    draft.set("train.gradient_checkpointing", lower(*recompute) != "false");
  draft.set("train.seed", file.integer("seed").value_or(42));
  set_optimizer(file, draft, "optimizer");
  draft.set("optimizer.lr", file.number("learning_rate"));
  draft.set("optimizer.weight_decay", file.number("weight_decay").value_or(0));
  set_scheduler(file, draft, "lr_scheduler", "cosine");
  if (const auto steps = file.integer("warmup_steps")) draft.set("scheduler.warmup_steps", *steps);
  draft.set("scheduler.warmup_ratio", file.number("warmup_ratio"));
  set_saving(file, draft);
  draft.set("output_dir", file.text("output_dir").value_or("runs"));
  if (file.take("evals_per_epoch"))
    file.note(Kind::dropped, "evals_per_epoch",
              "evals_per_epoch: evaluate.every_steps counts steps (50 unless you set it)");
  if (file.take("saves_per_epoch"))
    file.note(Kind::changed, "saves_per_epoch",
              "saves_per_epoch: checkpoints are small here and taken every few minutes");
  if (file.take("special_tokens"))
    file.note(Kind::changed, "special_tokens",
              "special_tokens: those of the model's tokenizer are used, and there is no padding");
  for (const char* key : {"loss_watchdog_threshold", "loss_watchdog_patience"})
    if (file.take(key)) file.note(Kind::changed, key, cat(key, ": the section `guard` watches loss and gradient"));
  file.ignore({"dataset_prepared_path",
               "strict",
               "eval_sample_packing",
               "pad_to_sequence_len",
               "group_by_length",
               "wandb_project",
               "wandb_entity",
               "wandb_watch",
               "wandb_name",
               "wandb_log_model",
               "tf32",
               "logging_steps",
               "xformers_attention",
               "flash_attention",
               "sdp_attention",
               "attn_implementation",
               "debug",
               "local_rank",
               "model_type",
               "tokenizer_type",
               "is_llama_derived_model",
               "trust_remote_code",
               "eager_attention",
               "hub_model_id",
               "gradient_checkpointing_kwargs",
               "lora_fan_in_fan_out",
               "eval_batch_size",
               "save_first_step",
               "lora_qkv_kernel",
               "lora_o_kernel",
               "lora_mlp_kernel",
               "plugins",
               "resume_from_checkpoint",
               "auto_resume_from_checkpoints",
               "dataset_processes",
               "save_safetensors"});
}

}  // namespace pst::importers
