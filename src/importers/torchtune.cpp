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
  set_quantisation(file, draft, "model._component_", quantised ? 4 : 0, "",
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

struct Learned {
  bool packed = false, input = false;
};

/// One data set, and how it is learned.
Learned add_dataset_of(ForeignFile& file, Draft& draft, const std::string& path, const char* list) {
  const std::string builder = component(file, path);
  const char* format = "auto";
  Learned learned;
  const char* known_source = nullptr;
  if (contains(builder, "alpaca")) {
    format = "alpaca";
    learned.input = true;  // its alpaca datasets train on the input unless told otherwise
    known_source = contains(builder, "cleaned") ? "yahma/alpaca-cleaned" : "tatsu-lab/alpaca";
  } else if (contains(builder, "chat_dataset")) {
    format = "chat";
  } else if (contains(builder, "instruct_dataset")) {
    format = "prompt_completion";
  } else if (contains(builder, "text_completion")) {
    format = "text";
    learned.input = true;
  } else if (!builder.empty()) {
    file.drop(path + "._component_", ": the format follows from the file's first record");
  }
  const bool named = file.take(path + ".source") || file.take(path + ".data_files");
  add_loaded_dataset(file, draft, path, "source", format, list);
  if (!named) add_dataset(file, draft, path + "._component_", known_source ? known_source : "train", format, list);
  learned.packed = file.flag(path + ".packed").value_or(false);
  learned.input = file.flag(path + ".train_on_input").value_or(learned.input);
  return learned;
}

void set_data(ForeignFile& file, Draft& draft) {
  std::optional<Learned> first;
  const auto tell_difference = [&](const std::string& path, const Learned& learned) {
    const auto tell = [&](const char* key) {
      const std::string whole = cat(path, ".", key);
      file.note(Kind::changed, whole, cat(whole, ": it is the same for all here, as the first data set has it"));
    };
    if (first && first->packed != learned.packed) tell("packed");
    if (first && first->input != learned.input) tell("train_on_input");
  };
  for (const std::string& path : file.items("dataset")) {
    const Learned learned = add_dataset_of(file, draft, path, "data.train");
    if (!first) first = learned;
    tell_difference(path, learned);
  }
  for (const std::string& path : file.items("dataset_val"))
    tell_difference(path, add_dataset_of(file, draft, path, "data.validation"));
  draft.set("data.packing", first && first->packed);
  draft.set_word("data.train_on", first && first->input ? "all" : "assistant");
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
  if (const auto steps = file.integer("max_steps_per_epoch")) {
    std::int64_t most = 0;
    if (__builtin_mul_overflow(*steps, epochs, &most))
      file.drop("max_steps_per_epoch");
    else
      draft.set("train.max_steps", most);
  }
  set_batches(file, draft, "batch_size", file.integer("batch_size").value_or(1),
              file.integer("gradient_accumulation_steps").value_or(1), ranks);
  draft.set("train.max_grad_norm", file.number("clip_grad_norm").value_or(0));
  if (const auto type = file.text("dtype")) {
    draft.set("train.precision", lower(*type) == "fp32" ? "fp32" : "bf16");
    if (lower(*type) != "fp32" && lower(*type) != "bf16")
      file.note(Kind::changed, "dtype", cat("dtype ", *type, " becomes bf16"));
  }
  if (const auto device = file.text("device")) {
    if (lower(*device) == "cpu")
      draft.set("train.device", "cpu");
    else if (!(lower(*device)).starts_with("cuda"))
      file.drop("device");
  }
  draft.set("train.gradient_checkpointing", file.flag("enable_activation_checkpointing").value_or(false));
  if (file.flag("enable_activation_offloading").value_or(false))
    file.note(Kind::dropped, "enable_activation_offloading",
              "enable_activation_offloading: gradient_checkpointing saves memory here");
  if (const auto seed = file.integer("seed")) draft.set("train.seed", *seed);

  const std::string optimizer = component(file, "optimizer");
  const std::pair<const char*, const char*> names[] = {// a part of theirs, and ours
                                                       {"optim.sgd", "sgd"},
                                                       {"lion", "lion"},
                                                       {"adamw8bit", "adamw_8bit"},
                                                       {"adamwschedulefree", "schedule_free_adamw"},
                                                       {"muon", "muon"},
                                                       {"adafactor", "adafactor"},
                                                       {"adamw", "adamw"}};
  const char* name = nullptr;
  for (const auto& [theirs, ours] : names)
    if (name == nullptr && contains(optimizer, theirs)) name = ours;
  if (name == nullptr && !optimizer.empty())
    file.note(Kind::changed, "optimizer._component_", cat(optimizer, " becomes adamw"));
  draft.set("optimizer.name", name == nullptr ? "adamw" : name);
  const bool is_sgd = optimizer == "torch.optim.sgd";
  draft.set("optimizer.lr", file.number("optimizer.lr"));
  if (is_sgd) {
    draft.set("optimizer.momentum", file.number("optimizer.momentum").value_or(0));
    draft.set("optimizer.nesterov", file.flag("optimizer.nesterov"));
  }
  // The classes' defaults.
  const double decay = is_sgd || contains(optimizer, "lion") ? 0 : contains(optimizer, "muon") ? 0.1 : 0.01;
  draft.set("optimizer.weight_decay", file.number("optimizer.weight_decay").value_or(decay));
  const std::string schedule = component(file, "lr_scheduler");
  const bool known_schedule = contains(schedule, "cosine") || contains(schedule, "linear");
  draft.set("scheduler.name", contains(schedule, "cosine")   ? "cosine"
                              : contains(schedule, "linear") ? "linear"
                                                             : "constant");
  if (!known_schedule && !schedule.empty() && !contains(schedule, "constant"))
    file.note(Kind::changed, "lr_scheduler._component_", cat(schedule, " becomes constant"));
  draft.set("scheduler.warmup_steps", file.integer("lr_scheduler.num_warmup_steps").value_or(0));
  if (const std::string loss = component(file, "loss");
      !loss.empty() && !contains(loss, "crossentropy") && !contains(loss, "cewith"))
    file.drop("loss._component_", ": the loss is that of the next token");
  if (const auto factor = file.number("loss.label_smoothing")) {  // torch.nn.CrossEntropyLoss
    if (*factor >= 0 && *factor < 1)
      draft.set("train.label_smoothing_factor", *factor);
    else
      file.drop("loss.label_smoothing");
  }
  drop_unless(file, "resume_from_checkpoint", {"false"}, ": checkpoints of other programs cannot be resumed");
  draft.set("output_dir", file.text("output_dir").value_or("runs"));

  file.ignore({"tokenizer._component_", "tokenizer.path", "tokenizer.merges_file", "checkpointer._component_",
               "checkpointer.checkpoint_files", "checkpointer.recipe_checkpoint", "checkpointer.output_dir",
               "checkpointer.model_type", "save_adapter_weights_only", "optimizer.fused", "loss.num_output_chunks",
               "metric_logger", "log_every_n_steps", "log_peak_memory_stats", "log_level", "compile", "profiler"});
}

}  // namespace pst::importers
