// SPDX-License-Identifier: Apache-2.0
#include "importers/common.hpp"

#include "core/error.hpp"
#include "core/strings.hpp"

namespace pst::importers {
namespace {

using Kind = Note::Kind;

bool is_file(std::string_view text) {
  for (const char* ending : {".json", ".jsonl", ".txt", ".yml", ".yaml"})
    if (text.ends_with(ending)) return true;
  return false;
}

/// `teknium/GPT4-LLM-Cleaned` -> `GPT4-LLM-Cleaned`
std::string last_part(const std::string& path) {
  std::string trimmed = path;
  while (trimmed.size() > 1 && trimmed.back() == '/') trimmed.pop_back();
  return trimmed.substr(trimmed.find_last_of('/') + 1);
}

bool is_folder(std::string_view text) {
  return text.starts_with("/") || text.starts_with("./") || text.starts_with("../");
}

}  // namespace

void refuse(ForeignFile& file, std::string_view key, const std::string& why) {
  const config::Node* node = file.take(key);
  throw Error(Fault::usage, cat(node ? node->mark.text() : std::string(key), ": ", why),
              "this version does supervised fine-tuning with LoRA; take such a configuration of that program");
}

void set_model(ForeignFile& file, Draft& draft, std::string_view key) {
  const auto model = file.text(key);
  if (!model) {
    draft.set("model.path", "models/base");
    file.note(Kind::to_do, "", "it names no base model: set model.path");
    return;
  }
  if (is_folder(*model)) return draft.set("model.path", *model);
  const std::string folder = "models/" + last_part(*model);
  draft.set("model.path", folder);
  file.note(Kind::to_do, key,
            cat("get the folder of ", *model, " (config.json, tokenizer.json, *.safetensors) to ", folder,
                ", or change model.path"));
}

void add_dataset(ForeignFile& file, Draft& draft, std::string_view key, const std::string& dataset, const char* format,
                 const char* list) {
  if (is_file(dataset)) return draft.add_source(list, dataset, format);
  const std::string path = cat("data/", last_part(dataset), ".jsonl");
  draft.add_source(list, path, format);
  file.note(Kind::to_do, key, cat("export the dataset ", dataset, " as JSON lines to ", path, ", or change ", list));
}

void set_targets(ForeignFile& file, Draft& draft, std::string_view key, std::vector<std::string> words) {
  if (words.empty()) return;
  if (words.size() == 1 && (words[0] == "all" || words[0] == "all-linear"))
    return draft.set_word("adapter.target_modules", "all-linear");
  if (words.size() == 1 && words[0].find_first_of("*[(\\^$|+") != std::string::npos)
    return draft.set("adapter.target_modules", words[0]);
  config::Node list = config::Node::list();
  std::vector<std::string> seen;
  for (const std::string& word : words) {
    if (word == "lm_head" || word == "embed_tokens") {
      file.note(Kind::dropped, key,
                cat(key, " has ", word, ": only the linear layers inside the blocks are adapted here"));
      continue;
    }
    bool again = false;
    for (const auto& known : seen) again = again || known == word;
    if (again) continue;
    seen.push_back(word);
    list.items.push_back(config::Node::string(word));
  }
  draft.set("adapter.target_modules", std::move(list));
}

void set_batches(ForeignFile& file, Draft& draft, std::string_view batch_key, std::int64_t batch,
                 std::int64_t accumulation, int ranks) {
  draft.set("train.micro_batch_size", batch);
  draft.set("train.global_batch_size", batch * accumulation * ranks);
  file.note(Kind::changed, batch_key,
            cat("global_batch_size is ", batch * accumulation * ranks, ": batches of ", batch, " x ", accumulation,
                " accumulated x ", ranks, ranks == 1 ? " process" : " processes",
                ranks == 1 ? " (say --ranks when it was more)" : ""));
}

void set_optimizer(ForeignFile& file, Draft& draft, std::string_view key) {
  const auto name = file.text(key);
  if (!name) return;
  const std::string word = lower(*name);
  if (word == "sgd") {  // transformers makes torch.optim.SGD of it, without momentum
    draft.set("optimizer.name", "sgd");
    return draft.set("optimizer.momentum", 0.0);
  }
  draft.set("optimizer.name", "adamw");
  if (word.find("adamw") == std::string::npos && word.find("adam_w") == std::string::npos)
    file.note(Kind::changed, key, cat(*name, " becomes adamw"));
  else if (word.find("8bit") != std::string::npos || word.find("4bit") != std::string::npos ||
           word.find("paged") != std::string::npos)
    file.note(Kind::changed, key, cat(*name, " becomes adamw with fp32 moments: those of an adapter are small"));
}

void set_scheduler(ForeignFile& file, Draft& draft, std::string_view key, const char* otherwise) {
  const std::string word = lower(file.text(key).value_or(otherwise));
  if (word == "cosine" || word == "linear" || word == "constant") return draft.set("scheduler.name", word);
  if (word == "constant_with_warmup") return draft.set("scheduler.name", "constant");
  const char* nearest = word.find("cosine") != std::string::npos ? "cosine" : "linear";
  draft.set("scheduler.name", nearest);
  file.note(Kind::changed, key, cat(word, " becomes ", nearest, ", the nearest of constant, linear and cosine"));
}

void set_precision(ForeignFile& file, Draft& draft) {
  const auto bf16 = file.text("bf16"), fp16 = file.text("fp16");
  if (bf16 && lower(*bf16) == "true") return draft.set("train.precision", "bf16");
  if (fp16 && lower(*fp16) == "true") {
    draft.set_word("train.precision", "auto");
    file.note(Kind::changed, "fp16", "fp16 becomes precision: auto, bf16 where the hardware has it and fp32 elsewhere");
  }
}

void set_fraction(ForeignFile& file, Draft& draft, std::string_view key) {
  const auto size = file.number(key);
  if (!size || *size <= 0) return;
  if (*size < 1) return draft.set("data.validation_fraction", *size);
  file.note(Kind::dropped, key, cat(key, " is a number of examples: set data.validation_fraction to a share of them"));
}

void set_saving(ForeignFile& file, Draft& draft) {
  if (const auto steps = file.number("save_steps"); steps && *steps >= 1)
    draft.set("checkpoint.every_steps", static_cast<std::int64_t>(*steps));
  if (const auto keep = file.integer("save_total_limit"); keep && *keep >= 1) {
    draft.set("checkpoint.keep", std::max<std::int64_t>(2, *keep));
    if (*keep == 1)
      file.note(Kind::changed, "save_total_limit",
                "two checkpoints are kept: the second is for the day the first is damaged");
  }
  if (const auto steps = file.number("eval_steps"); steps && *steps >= 1)
    draft.set("evaluate.every_steps", static_cast<std::int64_t>(*steps));
}

void set_quantisation(ForeignFile& file, Draft& draft, std::string_view key, std::int64_t bits, const std::string& type,
                      bool double_quantisation) {
  if (bits == 0) return;
  if (bits != 4 && bits != 8) {
    file.note(Kind::dropped, key, cat(key, ": weights of ", bits, " bits are not kept here; there are nf4 and int8"));
    return;
  }
  draft.set("model.quantization.format", bits == 4 ? "nf4" : "int8");
  if (bits == 8) return;
  if (lower(type) != "nf4")
    file.note(Kind::changed, key, cat(key, ": 4 bits are NF4 here, not ", type, "; it has the smaller error"));
  draft.set("model.quantization.double_quantization", double_quantisation);
}

void set_training_arguments(ForeignFile& file, Draft& draft) {
  draft.set("train.epochs", file.number("num_train_epochs").value_or(3));
  if (const auto steps = file.integer("max_steps"); steps && *steps > 0) draft.set("train.max_steps", *steps);
  draft.set("train.max_grad_norm", file.number("max_grad_norm").value_or(1));
  draft.set("train.seed", file.integer("seed").value_or(42));
  draft.set("optimizer.weight_decay", file.number("weight_decay").value_or(0));
  set_optimizer(file, draft, "optim");
  const auto beta1 = file.number("adam_beta1"), beta2 = file.number("adam_beta2"), eps = file.number("adam_epsilon");
  const bool is_adam = draft.find("optimizer.momentum") == nullptr;
  if (is_adam && (beta1 || beta2)) {
    config::Node betas = config::Node::list();
    betas.items = {config::Node::scalar(number(beta1.value_or(0.9))),
                   config::Node::scalar(number(beta2.value_or(0.999)))};
    draft.set("optimizer.betas", std::move(betas));
  }
  if (is_adam) draft.set("optimizer.eps", eps);
  set_scheduler(file, draft, "lr_scheduler_type", "linear");
  const auto warmup_steps = file.number("warmup_steps");
  draft.set("scheduler.warmup_ratio", file.number("warmup_ratio").value_or(0));
  if (warmup_steps && *warmup_steps >= 1) draft.set("scheduler.warmup_steps", static_cast<std::int64_t>(*warmup_steps));
  set_precision(file, draft);
  set_saving(file, draft);
  if (const auto from = file.text("resume_from_checkpoint"); from && lower(*from) != "true" && lower(*from) != "false")
    file.note(Kind::dropped, "resume_from_checkpoint",
              "checkpoints of other programs cannot be resumed; adapter.init_from takes a PEFT adapter");
  draft.set("output_dir", file.text("output_dir").value_or("runs"));
}

void ignore_training_arguments(ForeignFile& file) {
  file.ignore({"logging_steps",
               "logging_strategy",
               "logging_first_step",
               "logging_dir",
               "log_level",
               "report_to",
               "run_name",
               "save_strategy",
               "save_only_model",
               "save_safetensors",
               "overwrite_output_dir",
               "eval_strategy",
               "evaluation_strategy",
               "do_train",
               "do_eval",
               "push_to_hub",
               "hub_model_id",
               "hub_strategy",
               "trust_remote_code",
               "attn_implementation",
               "dataloader_num_workers",
               "dataloader_pin_memory",
               "dataset_num_proc",
               "preprocessing_num_workers",
               "overwrite_cache",
               "remove_unused_columns",
               "plot_loss",
               "ddp_timeout",
               "ddp_find_unused_parameters",
               "per_device_eval_batch_size",
               "use_cache",
               "torch_compile",
               "tf32",
               "gradient_checkpointing_kwargs",
               "use_liger_kernel",
               "include_num_input_tokens_seen",
               "torch_dtype",
               "dtype"});
}

}  // namespace pst::importers
