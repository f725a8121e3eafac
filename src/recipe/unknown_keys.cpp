// SPDX-License-Identifier: Apache-2.0
#include <algorithm>
#include <map>
#include <set>

#include "core/strings.hpp"
#include "recipe/checks.hpp"
#include "recipe/every_key.hpp"

namespace pst::recipe {
namespace {

/// Names of axolotl, LLaMA-Factory, torchtune, TRL and PEFT for what we have, by the last part of the key.
const std::map<std::string, std::string>& names_elsewhere() {
  static const std::map<std::string, std::string> kNames = {
      {"base_model", "model.path"},
      {"model_name_or_path", "model.path"},
      {"pretrained_model_name_or_path", "model.path"},
      {"load_in_4bit", "model.quantization.format"},
      {"load_in_8bit", "model.quantization.format"},
      {"quantization_bit", "model.quantization.format"},
      {"quantize_base", "model.quantization.format"},
      {"use_bnb_nested_quant", "model.quantization.double_quantization"},
      {"bnb_4bit_use_double_quant", "model.quantization.double_quantization"},
      {"double_quant", "model.quantization.double_quantization"},
      {"lora_r", "adapter.r"},
      {"lora_rank", "adapter.r"},
      {"rank", "adapter.r"},
      {"lora_alpha", "adapter.alpha"},
      {"lora_dropout", "adapter.dropout"},
      {"lora_target", "adapter.target_modules"},
      {"lora_target_modules", "adapter.target_modules"},
      {"lora_target_linear", "adapter.target_modules"},
      {"lora_attn_modules", "adapter.target_modules"},
      {"peft_type", "adapter.type"},
      {"finetuning_type", "adapter.type"},
      {"tuner_type", "adapter.type"},
      {"peft_use_rslora", "adapter.use_rslora"},
      {"peft_init_lora_weights", "adapter.init_lora_weights"},
      {"init_weights", "adapter.init_lora_weights"},
      {"lora_model_dir", "adapter.init_from"},
      {"adapter_name_or_path", "adapter.init_from"},
      {"datasets", "data.train"},
      {"dataset", "data.train"},
      {"dataset_name", "data.train"},
      {"test_datasets", "data.validation"},
      {"eval_dataset", "data.validation"},
      {"validation_dataset", "data.validation"},
      {"val_set_size", "data.validation_fraction"},
      {"val_size", "data.validation_fraction"},
      {"split_dataset_ratio", "data.validation_fraction"},
      {"sequence_len", "data.max_length"},
      {"cutoff_len", "data.max_length"},
      {"max_seq_len", "data.max_length"},
      {"max_seq_length", "data.max_length"},
      {"seq_length", "data.max_length"},
      {"sample_packing", "data.packing"},
      {"neat_packing", "data.packing"},
      {"packed", "data.packing"},
      {"train_on_inputs", "data.train_on"},
      {"train_on_input", "data.train_on"},
      {"train_on_prompt", "data.train_on"},
      {"completion_only_loss", "data.train_on"},
      {"assistant_only_loss", "data.train_on"},
      {"max_samples", "data.max_examples"},
      {"chat_template_jinja", "data.chat_template"},
      {"chat_template_path", "data.chat_template"},
      {"per_device_train_batch_size", "train.micro_batch_size"},
      {"local_batch_size", "train.micro_batch_size"},
      {"batch_size", "train.micro_batch_size"},
      {"gradient_accumulation_steps", "train.global_batch_size (ranks x micro_batch_size x accumulation steps)"},
      {"num_epochs", "train.epochs"},
      {"num_train_epochs", "train.epochs"},
      {"clip_grad_norm", "train.max_grad_norm"},
      {"bf16", "train.precision"},
      {"fp16", "train.precision"},
      {"torch_dtype", "train.precision"},
      {"dtype", "train.precision (weights are read as their files have them)"},
      {"activation_checkpointing", "train.gradient_checkpointing"},
      {"enable_activation_checkpointing", "train.gradient_checkpointing"},
      {"data_seed", "train.seed"},
      {"learning_rate", "optimizer.lr"},
      {"optim", "optimizer.name"},
      {"adam_beta1", "optimizer.betas"},
      {"adam_beta2", "optimizer.betas"},
      {"adam_epsilon", "optimizer.eps"},
      {"lr_scheduler", "scheduler.name"},
      {"lr_scheduler_type", "scheduler.name"},
      {"lr_decay_style", "scheduler.name"},
      {"num_warmup_steps", "scheduler.warmup_steps"},
      {"lr_warmup_steps", "scheduler.warmup_steps"},
      {"save_steps", "checkpoint.every_steps"},
      {"ckpt_every_steps", "checkpoint.every_steps"},
      {"save_total_limit", "checkpoint.keep"},
      {"keep_last", "checkpoint.keep"},
      {"keep_last_n_checkpoints", "checkpoint.keep"},
      {"max_recent_checkpoints", "checkpoint.keep"},
      {"resume_from_checkpoint", "checkpoint.resume"},
      {"auto_resume_from_checkpoints", "checkpoint.resume"},
      {"eval_steps", "evaluate.every_steps"},
      {"ntasks_per_node", "slurm.ranks_per_node"},
      {"cpus_per_task", "slurm.cpus_per_rank"},
      {"time_limit", "slurm.time"},
  };
  return kNames;
}

/// Keys of the design that this version does not have: saying so spares a search for a spelling mistake.
bool comes_later(const std::string& path) {
  static const std::vector<std::string> kLater = {
      "plugins", "logging", "objective", "adapter.bias", "optimizer.loraplus_lr_ratio", "scheduler.min_lr_ratio"};
  return std::any_of(kLater.begin(), kLater.end(),
                     [&](const std::string& key) { return path == key || path.starts_with(key + "."); });
}

}  // namespace

config::Advice unknown_key_advice() {
  std::map<std::string, std::set<std::string>> places;  // key -> paths of it
  std::map<std::string, std::set<std::string>> kinds;   // path -> what it takes to have it: "optimizer.name: adamw"
  for (const auto& key : every_key()) {
    if (key.row.section == "sweep") continue;
    places[key.row.key].insert(key.path());
    for (const auto& kind : key.kinds) kinds[key.path()].insert(cat(key.chooser, ": ", kind));
  }

  return [places, kinds](const std::string& path) -> std::optional<std::string> {
    if (comes_later(path)) return "this version does not have it yet; remove it";
    const std::string key = path.substr(path.find_last_of('.') + 1);
    if (const auto found = names_elsewhere().find(key); found != names_elsewhere().end())
      return "write " + found->second;
    if (const auto of = kinds.find(path); of != kinds.end())
      return cat("it belongs to ", join({of->second.begin(), of->second.end()}, " and "));
    // Ours, but of another section: `train.lr`.
    const auto found = places.find(key);
    if (found != places.end() && found->second.size() == 1 && found->second.begin()->find('[') == std::string::npos)
      return "write " + *found->second.begin();
    return std::nullopt;
  };
}

}  // namespace pst::recipe
