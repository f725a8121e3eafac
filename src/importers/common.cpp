// SPDX-License-Identifier: Apache-2.0
#include "importers/common.hpp"

#include <algorithm>

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

/// What load_dataset() takes for the way to read `data_files`, and not for a data set's name.
bool is_loader(std::string_view text) {
  for (const char* word : {"json", "csv", "text", "parquet", "arrow", "pandas", "webdataset"})
    if (text == word) return true;
  return false;
}

bool has_source(const Draft& draft, const char* list, const std::string& path) {
  const config::Node* const sources = draft.find(list);
  return sources && std::any_of(sources->items.begin(), sources->items.end(),
                                [&](const config::Node& source) { return source.find("path")->text == path; });
}

/// The texts of one text or of a list of them; nothing for what holds something else.
std::vector<std::string> texts_of(const config::Node& node) {
  std::vector<std::string> texts;
  if (node.kind == config::Node::Kind::scalar) texts.push_back(node.text);
  if (node.kind == config::Node::Kind::list)
    for (const auto& item : node.items)
      if (item.kind == config::Node::Kind::scalar) texts.push_back(item.text);
  return texts.size() == std::max<std::size_t>(1, node.items.size()) ? texts : std::vector<std::string>();
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
  const bool is_validation = std::string_view(list) == "data.validation";
  std::string path = dataset;
  if (!is_file(dataset)) {
    path = cat("data/", last_part(dataset), ".jsonl");
    if (is_validation && has_source(draft, "data.train", path)) path.insert(path.size() - 6, "-validation");
  }
  if (has_source(draft, list, path))
    return file.note(Kind::dropped, key, cat(path, " is named a second time: here a file is learned once in an epoch"));
  if (is_validation && has_source(draft, "data.train", path))
    return file.note(Kind::dropped, key,
                     cat(path, " is learned as well: set data.validation_fraction to hold a part of it out"));
  draft.add_source(list, path, format);
  if (!is_file(dataset))
    file.note(Kind::to_do, key, cat("export the dataset ", dataset, " as JSON lines to ", path, ", or change ", list));
}

void add_loaded_dataset(ForeignFile& file, Draft& draft, const std::string& path, const char* name_key,
                        const char* format, const char* list) {
  const std::string key = cat(path, ".", name_key), files_key = path + ".data_files";
  const auto name = file.text(key);
  if (const config::Node* const files = file.take(files_key)) {
    const auto names = texts_of(*files);
    for (const auto& each : names) add_dataset(file, draft, files_key, each, format, list);
    if (names.empty()) file.drop(files_key, ": write the files into " + std::string(list));
    if (name && !is_loader(*name))
      file.note(Kind::changed, key, cat(key, ": ", *name, ": the files are looked for beside the recipe, not in it"));
  } else if (name) {
    add_dataset(file, draft, key, *name, format, list);
  }
  drop_unless(file, path + ".split", {"train"}, ": all of the file is read; make one of that part");
}

void drop_unless(ForeignFile& file, std::string_view key, std::initializer_list<std::string_view> plain,
                 const std::string& why) {
  if (const auto text = file.text(key))
    if (std::find(plain.begin(), plain.end(), lower(*text)) == plain.end()) file.drop(key, why);
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
  std::int64_t rows = 0;
  if (__builtin_mul_overflow(batch, accumulation, &rows) || __builtin_mul_overflow(rows, ranks, &rows))
    throw Error(Fault::usage, cat(batch_key, ": batches of ", batch, " x ", accumulation, " accumulated x ", ranks,
                                  " processes are more rows than can be counted"));
  draft.set("train.micro_batch_size", batch);
  draft.set("train.global_batch_size", rows);
  file.note(Kind::changed, batch_key,
            cat("global_batch_size is ", rows, ": batches of ", batch, " x ", accumulation, " accumulated x ", ranks,
                ranks == 1 ? " process" : " processes", ranks == 1 ? " (say --ranks when it was more)" : ""));
}

namespace {

/// A name of transformers' or axolotl's, ours, and what is not the same.
struct OptimizerWord {
  std::string_view word;
  const char *ours, *other = nullptr;
};

constexpr OptimizerWord kOptimizers[] = {
    {"sgd", "sgd"},
    {"lion_32bit", "lion"},
    {"lion_pytorch", "lion"},
    {"adamw_bnb_8bit", "adamw_8bit"},
    {"adamw_8bit", "adamw_8bit"},
    {"adamw_torch_8bit", "adamw_8bit", "with bitsandbytes' codes"},
    {"ao_adamw_8bit", "adamw_8bit", "with bitsandbytes' codes"},
    {"adafactor", "adafactor"},
    {"schedule_free_adamw", "schedule_free_adamw"},
    {"muon", "muon"},
    {"lion_8bit", "lion", "with its mean in fp32: that of an adapter is small"},
};

}  // namespace

void set_optimizer(ForeignFile& file, Draft& draft, std::string_view key) {
  const auto name = file.text(key);
  const std::string word = lower(name.value_or("adamw_torch"));
  const bool paged = word.starts_with("paged_");
  const auto* const known = std::find_if(std::begin(kOptimizers), std::end(kOptimizers), [&](const auto& row) {
    return row.word == std::string_view(word).substr(paged ? 6 : 0);
  });
  const std::string ours = known == std::end(kOptimizers) ? "adamw" : known->ours;
  if (name) draft.set("optimizer.name", ours);
  if (known != std::end(kOptimizers)) {
    if (known->other != nullptr)
      file.note(Kind::changed, key, cat(*name, " becomes ", ours, " ", known->other));
    else if (paged)
      file.note(Kind::changed, key, cat(*name, " becomes ", ours, ", which is not paged"));
  } else if (word.find("adamw") == std::string::npos && word.find("adam_w") == std::string::npos) {
    file.note(Kind::changed, key, cat(*name, " becomes adamw"));
  } else if (word.find("4bit") != std::string::npos || paged) {
    file.note(Kind::changed, key, cat(*name, " becomes adamw with fp32 moments: those of an adapter are small"));
  }
  const auto beta1 = file.number("adam_beta1"), beta2 = file.number("adam_beta2"), eps = file.number("adam_epsilon");
  if (ours == "sgd") return draft.set("optimizer.momentum", 0.0);  // transformers makes torch.optim.SGD without it
  if (ours == "adafactor") return;                                 // transformers gives it neither betas nor eps
  // transformers gives Lion these betas too, whose own are 0.9 and 0.99.
  if (beta1 || beta2 || ours == "lion") {
    config::Node betas = config::Node::list();
    betas.items = {config::Node::scalar(number(beta1.value_or(0.9))),
                   config::Node::scalar(number(beta2.value_or(0.999)))};
    draft.set("optimizer.betas", std::move(betas));
  }
  if (ours != "lion") draft.set("optimizer.eps", eps);
}

void set_loraplus(ForeignFile& file, Draft& draft) {
  const auto ratio = file.number("loraplus_lr_ratio");
  draft.set("optimizer.loraplus_lr_ratio", ratio);
  const auto embedding = file.number("loraplus_lr_embedding");
  if (ratio)
    draft.set("optimizer.loraplus_lr_embedding", embedding);
  else if (embedding)
    file.drop("loraplus_lr_embedding", ": it is of no use without loraplus_lr_ratio");
}

void set_scheduler(ForeignFile& file, Draft& draft, std::string_view key, const char* otherwise) {
  const std::string word = lower(file.text(key).value_or(otherwise));
  const config::Node* const optimizer = draft.find("optimizer.name");
  if (optimizer != nullptr && optimizer->text == "schedule_free_adamw" && !word.starts_with("constant")) {
    draft.set("scheduler.name", "constant");
    return file.note(Kind::changed, key, cat(word, " becomes constant: schedule_free_adamw averages in its place"));
  }
  for (const char* known :
       {"constant", "constant_with_warmup", "linear", "cosine", "cosine_with_restarts", "polynomial", "inverse_sqrt"})
    if (word == known) return draft.set("scheduler.name", word);
  const char* nearest = word.find("cosine") != std::string::npos ? "cosine" : "linear";
  draft.set("scheduler.name", nearest);
  file.note(Kind::changed, key,
            cat(word, " becomes ", nearest,
                ": scheduler.name has cosine_with_min_lr and warmup_stable_decay too, whose "
                "keys are not carried over"));
}

void set_precision(ForeignFile& file, Draft& draft) {
  const auto bf16 = file.text("bf16"), fp16 = file.text("fp16");
  const auto says = [](const std::optional<std::string>& key, std::string_view word) {
    return key && lower(*key) == word;
  };
  if (says(bf16, "true") || says(bf16, "full")) return draft.set("train.precision", "bf16");
  if (says(fp16, "true")) {
    draft.set_word("train.precision", "auto");
    return file.note(Kind::changed, "fp16",
                     "fp16 becomes precision: auto, bf16 where the hardware has it and fp32 elsewhere");
  }
  for (const auto& [key, word] : {std::pair{"bf16", bf16}, std::pair{"fp16", fp16}})
    if (word && !says(word, "auto") && !(says(word, "false") && std::string_view(key) == "fp16"))
      file.note(Kind::changed, key,
                cat(key, ": ", *word, ": train.precision is auto, bf16 where the hardware has it and fp32 elsewhere"));
}

void set_fraction(ForeignFile& file, Draft& draft, std::string_view key) {
  const auto size = file.number(key);
  if (size && *size < 0) return file.drop(key);
  if (!size || *size == 0) return;
  if (*size < 1) return draft.set("data.validation_fraction", *size);
  file.note(Kind::dropped, key, cat(key, " is a number of examples: set data.validation_fraction to a share of them"));
}

namespace {

/// A number of steps as our `path`. Below 1 it is a share of all steps there.
void set_interval(ForeignFile& file, Draft& draft, const char* key, const char* path) {
  const auto steps = file.number(key);
  if (!steps) return;
  if (*steps >= 1 && *steps < 1e15) return draft.set(path, static_cast<std::int64_t>(*steps));
  file.drop(key, cat(*steps > 0 && *steps < 1 ? " of all steps" : "", ": ", path, " counts steps"));
}

}  // namespace

void set_warmup(ForeignFile& file, Draft& draft) {
  const auto steps = file.number("warmup_steps"), ratio = file.number("warmup_ratio");
  if (ratio) draft.set("scheduler.warmup_ratio", *ratio);
  if (!steps) return;
  if (*steps >= 1 && *steps < 1e15) return draft.set("scheduler.warmup_steps", static_cast<std::int64_t>(*steps));
  if (*steps > 0 && *steps < 1) return draft.set("scheduler.warmup_ratio", *steps);  // transformers 5: a share
  if (*steps != 0) return file.drop("warmup_steps");
  if (!ratio) draft.set("scheduler.warmup_steps", std::int64_t{0});
}

void set_saving(ForeignFile& file, Draft& draft) {
  set_interval(file, draft, "save_steps", "checkpoint.every_steps");
  set_interval(file, draft, "eval_steps", "evaluate.every_steps");
  drop_unless(file, "save_strategy", {"steps"}, ": checkpoints are taken every few minutes or checkpoint.every_steps");
  for (const char* key : {"eval_strategy", "evaluation_strategy"})
    drop_unless(file, key, {"steps"}, ": the validation loss is measured every evaluate.every_steps");
  if (const auto keep = file.integer("save_total_limit"); keep && *keep >= 1) {
    draft.set("checkpoint.keep", std::max<std::int64_t>(2, *keep));
    if (*keep == 1)
      file.note(Kind::changed, "save_total_limit",
                "two checkpoints are kept: the second is for the day the first is damaged");
  } else if (keep) {
    file.drop("save_total_limit", ": checkpoint.keep says how many are kept");
  }
}

void set_regularisers(ForeignFile& file, Draft& draft, std::string_view patience) {
  if (const auto alpha = file.number("neftune_noise_alpha")) {
    if (*alpha >= 0)
      draft.set("train.neftune_noise_alpha", *alpha);
    else
      file.drop("neftune_noise_alpha");
  }
  if (const auto factor = file.number("label_smoothing_factor")) {
    if (*factor >= 0 && *factor < 1)
      draft.set("train.label_smoothing_factor", *factor);
    else
      file.drop("label_smoothing_factor");
  }
  const auto evaluations = patience.empty() ? std::nullopt : file.integer(patience);
  if (evaluations && *evaluations >= 1)
    draft.set("train.early_stopping.patience", *evaluations);
  else if (evaluations)
    file.drop(patience, ": train.early_stopping.patience is at least 1");
  if (const auto best = file.flag("load_best_model_at_end")) draft.set("train.load_best_model_at_end", *best);
  drop_unless(file, "metric_for_best_model", {"loss", "eval_loss"}, ": the validation loss decides which is the best");
  drop_unless(file, "greater_is_better", {"false"}, ": the lowest validation loss is the best");
}

void set_quantisation(ForeignFile& file, Draft& draft, std::string_view key, std::int64_t bits,
                      std::string_view type_key, bool double_quantisation) {
  const std::string type = type_key.empty() ? "nf4" : file.text(type_key).value_or("nf4");
  if (bits == 0) return;
  if (bits != 4 && bits != 8) {
    file.note(Kind::dropped, key, cat(key, ": weights of ", bits, " bits are not kept here; there are nf4 and int8"));
    return;
  }
  draft.set("model.quantization.format", bits == 4 ? "nf4" : "int8");
  if (bits == 8) return;
  if (lower(type) != "nf4")
    file.note(Kind::changed, type_key,
              cat(type_key, ": 4 bits are NF4 here, not ", type, "; it has the smaller error"));
  draft.set("model.quantization.double_quantization", double_quantisation);
}

void set_training_arguments(ForeignFile& file, Draft& draft) {
  draft.set("train.epochs", file.number("num_train_epochs").value_or(3));
  if (const auto steps = file.integer("max_steps"); steps && *steps > 0) draft.set("train.max_steps", *steps);
  draft.set("train.max_grad_norm", file.number("max_grad_norm").value_or(1));
  draft.set("train.seed", file.integer("seed").value_or(42));
  draft.set("optimizer.weight_decay", file.number("weight_decay").value_or(0));
  set_optimizer(file, draft, "optim");
  set_scheduler(file, draft, "lr_scheduler_type", "linear");
  draft.set("scheduler.warmup_ratio", 0.0);
  set_warmup(file, draft);
  set_precision(file, draft);
  set_saving(file, draft);
  drop_unless(file, "resume_from_checkpoint", {"false"},
              ": checkpoints of other programs cannot be resumed; adapter.init_from takes a PEFT adapter");
  for (const char* key : {"torch_dtype", "dtype"})
    drop_unless(file, key, {"auto", "bfloat16"}, ": train.precision says in what is computed");
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
               "save_only_model",
               "save_safetensors",
               "overwrite_output_dir",
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
               "include_num_input_tokens_seen"});
}

}  // namespace pst::importers
