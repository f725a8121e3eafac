// SPDX-License-Identifier: Apache-2.0
// Keys of torchtune's LoRA recipes (recipes/configs, version 0.6), which spell everything out: components by name,
// their arguments below.
#include "core/strings.hpp"
#include "importers/common.hpp"
#include "importers/programs.hpp"

namespace pst::importers {
namespace {

using Kind = Note::Kind;

std::string component(ForeignFile& file, const std::string& section) {
  return lower(file.text(section + "._component_").value_or(""));
}

bool contains(const std::string& text, std::string_view part) { return text.find(part) != std::string::npos; }

void set_adapter(ForeignFile& file, Draft& draft) {
  const std::string builder = component(file, "model");
  if (!contains(builder, "lora"))
    refuse(file, "model._component_", "the model is not one of torchtune's LoRA builders");
  const bool quantised = contains(builder, "qlora") || file.flag("model.quantize_base").value_or(false);
  set_quantisation(file, draft, "model._component_", quantised ? 4 : 0, "nf4",
                   true);  // torchao's NF4 has nested scales
  draft.set("adapter.type", "lora");
  draft.set("adapter.r", file.integer("model.lora_rank").value_or(8));
  draft.set("adapter.alpha", file.number("model.lora_alpha").value_or(16));
  draft.set("adapter.dropout", file.number("model.lora_dropout").value_or(0));
  auto targets = file.words("model.lora_attn_modules");
  for (auto& target : targets)
    if (target == "output_proj") target = "o_proj";
  if (file.flag("model.apply_lora_to_mlp").value_or(false))
    for (const char* layer : {"gate_proj", "up_proj", "down_proj"}) targets.emplace_back(layer);
  if (file.flag("model.apply_lora_to_output").value_or(false))
    file.note(Kind::dropped, "model.apply_lora_to_output",
              "apply_lora_to_output: only the linear layers inside the blocks are adapted here");
  set_targets(file, draft, "model.lora_attn_modules", std::move(targets));
}

void set_data(ForeignFile& file, Draft& draft) {
  const std::string builder = component(file, "dataset");
  const char* format = "auto";
  bool learns_input = false;
  std::string source = file.text("dataset.source").value_or("");
  if (contains(builder, "alpaca")) {
    format = "alpaca";
    learns_input = true;  // its alpaca datasets train on the input unless told otherwise
    if (source.empty()) source = contains(builder, "cleaned") ? "yahma/alpaca-cleaned" : "tatsu-lab/alpaca";
  } else if (contains(builder, "chat_dataset")) {
    format = "chat";
  } else if (contains(builder, "instruct_dataset")) {
    format = "prompt_completion";
  } else if (contains(builder, "text_completion")) {
    format = "text";
    learns_input = true;
  }
  if (const auto files = file.words("dataset.data_files"); !files.empty())
    for (const std::string& path : files) add_dataset(file, draft, "dataset.data_files", path, format);
  else
    add_dataset(file, draft, "dataset.source", source.empty() ? "train" : source, format);
  draft.set("data.packing", file.flag("dataset.packed").value_or(false));
  learns_input = file.flag("dataset.train_on_input").value_or(learns_input);
  draft.set_word("data.train_on", learns_input ? "all" : "assistant");
  if (const auto length = file.integer("tokenizer.max_seq_len")) {
    draft.set("data.max_length", *length);
  } else {
    draft.set("data.max_length", std::int64_t{2048});
    file.note(Kind::changed, "",
              "tokenizer.max_seq_len is not set, which there means the model's limit; max_length is 2048 here");
  }
  draft.set("data.shuffle", file.flag("shuffle").value_or(true));
}

}  // namespace

void from_torchtune(ForeignFile& file, Draft& draft, int ranks) {
  for (const char* key : {"ref_checkpointer", "reward_checkpointer", "teacher_model"})
    if (file.take(key))
      refuse(file, key, cat("`", key, "` belongs to another kind of training than fine-tuning by examples"));
  set_model(file, draft, "checkpointer.checkpoint_dir");
  set_adapter(file, draft);
  set_data(file, draft);

  const auto epochs = file.integer("epochs").value_or(1);
  draft.set("train.epochs", epochs);
  if (const auto steps = file.integer("max_steps_per_epoch")) draft.set("train.max_steps", *steps * epochs);
  set_batches(file, draft, "batch_size", file.integer("batch_size").value_or(1),
              file.integer("gradient_accumulation_steps").value_or(1), ranks);
  draft.set("train.max_grad_norm", file.number("clip_grad_norm").value_or(0));
  if (const auto type = file.text("dtype")) draft.set("train.precision", lower(*type) == "fp32" ? "fp32" : "bf16");
  draft.set("train.gradient_checkpointing", file.flag("enable_activation_checkpointing").value_or(false));
  if (file.flag("enable_activation_offloading").value_or(false))
    file.note(Kind::dropped, "enable_activation_offloading",
              "enable_activation_offloading: gradient_checkpointing saves memory here");
  if (const auto seed = file.integer("seed")) draft.set("train.seed", *seed);

  const std::string optimizer = component(file, "optimizer");
  const bool is_sgd = optimizer == "torch.optim.sgd";
  if (!is_sgd && !contains(optimizer, "adamw") && !optimizer.empty())
    file.note(Kind::changed, "optimizer._component_", cat(optimizer, " becomes adamw"));
  draft.set("optimizer.name", is_sgd ? "sgd" : "adamw");
  draft.set("optimizer.lr", file.number("optimizer.lr"));
  if (is_sgd) {
    draft.set("optimizer.momentum", file.number("optimizer.momentum").value_or(0));
    draft.set("optimizer.nesterov", file.flag("optimizer.nesterov"));
  }
  // torch.optim's defaults
  draft.set("optimizer.weight_decay", file.number("optimizer.weight_decay").value_or(is_sgd ? 0 : 0.01));
  const std::string schedule = component(file, "lr_scheduler");
  draft.set("scheduler.name", contains(schedule, "cosine")   ? "cosine"
                              : contains(schedule, "linear") ? "linear"
                                                             : "constant");
  draft.set("scheduler.warmup_steps", file.integer("lr_scheduler.num_warmup_steps").value_or(0));
  draft.set("output_dir", file.text("output_dir").value_or("runs"));

  file.ignore({"tokenizer._component_",
               "tokenizer.path",
               "tokenizer.merges_file",
               "checkpointer._component_",
               "checkpointer.checkpoint_files",
               "checkpointer.recipe_checkpoint",
               "checkpointer.output_dir",
               "checkpointer.model_type",
               "resume_from_checkpoint",
               "save_adapter_weights_only",
               "dataset.split",
               "optimizer.fused",
               "loss",
               "metric_logger",
               "log_every_n_steps",
               "log_peak_memory_stats",
               "log_level",
               "device",
               "compile",
               "profiler",
               "seed"});
}

}  // namespace pst::importers
