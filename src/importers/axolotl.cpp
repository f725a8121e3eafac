// SPDX-License-Identifier: Apache-2.0
// Keys and defaults of axolotl's configuration schema (axolotl.utils.schemas, version 0.12).
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
  if (four && eight) file.drop("load_in_8bit", ": the weights are kept in 4 bits");
  set_quantisation(file, draft, "load_in_4bit", four ? 4 : eight ? 8 : 0, "", true);
  draft.set("adapter.type", "lora");
  draft.set("adapter.r", file.integer("lora_r"));
  draft.set("adapter.alpha", file.number("lora_alpha"));
  draft.set("adapter.dropout", file.number("lora_dropout").value_or(0));
  auto targets = file.words("lora_target_modules");
  if (file.flag("lora_target_linear").value_or(false)) {
    if (!targets.empty()) file.drop("lora_target_modules", ": lora_target_linear adapts all linear layers");
    targets = {"all-linear"};
  }
  set_targets(file, draft, "lora_target_modules", std::move(targets));
  if (!draft.find("adapter.target_modules"))
    file.note(Kind::changed, "", "no lora_target_modules: all linear layers are adapted");
  if (const auto rs = file.flag("peft_use_rslora")) draft.set("adapter.use_rslora", *rs);
  if (const auto from = file.text("lora_model_dir")) draft.set("adapter.init_from", *from);
}

/// The sections of `key`; true when one of them holds conversations.
bool add_datasets(ForeignFile& file, Draft& draft, const char* key, const char* otherwise, const char* list) {
  bool chat = false;
  for (const std::string& path : file.items(key)) {
    const std::string type_key = path + ".type";
    const char* format = otherwise;
    if (const config::Node* const type = file.take(type_key); type && type->kind == config::Node::Kind::scalar) {
      format = format_of(type->text);
      if (std::string_view(format) == "auto") file.drop(type_key, ": the format follows from the file's first record");
    } else if (type) {
      file.drop(type_key, ": a prompt style of its own; write the examples as chat or alpaca records");
    }
    chat = chat || std::string_view(format) == "chat";
    file.ignore({path + ".ds_type"});
    add_loaded_dataset(file, draft, path, "path", format, list);
  }
  return chat;
}

void set_data(ForeignFile& file, Draft& draft) {
  const bool chat = add_datasets(file, draft, "datasets", "auto", "data.train");
  add_datasets(file, draft, "pretraining_dataset", "text", "data.train");
  add_datasets(file, draft, "test_datasets", "auto", "data.validation");
  set_fraction(file, draft, "val_set_size");
  draft.set("data.max_length", file.integer("sequence_len").value_or(512));
  draft.set("data.packing", file.flag("sample_packing").value_or(false));
  const bool all = file.flag("train_on_inputs").value_or(!file.items("pretraining_dataset").empty());
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
  set_loraplus(file, draft);
  draft.set("optimizer.lr", file.number("learning_rate"));
  draft.set("optimizer.weight_decay", file.number("weight_decay").value_or(0));
  set_scheduler(file, draft, "lr_scheduler", "cosine");
  set_warmup(file, draft);
  set_saving(file, draft);
  set_regularisers(file, draft, "early_stopping_patience");
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
  drop_unless(file, "resume_from_checkpoint", {"false"}, ": checkpoints of other programs cannot be resumed");
  file.ignore({"dataset_prepared_path",
               "strict",
               "eval_sample_packing",
               "pad_to_sequence_len",
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
               "auto_resume_from_checkpoints",
               "dataset_processes",
               "save_safetensors"});
}

}  // namespace pst::importers
