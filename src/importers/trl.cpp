// SPDX-License-Identifier: Apache-2.0
// Keys and defaults of `trl sft`: SFTConfig, ModelConfig and ScriptArguments of TRL 0.20, Hugging Face's
// TrainingArguments.
#include "core/strings.hpp"
#include "importers/common.hpp"
#include "importers/programs.hpp"

namespace pst::importers {

using Kind = Note::Kind;

void from_trl(ForeignFile& file, Draft& draft, int ranks) {
  drop_unless(file, "loss_type", {"nll"}, ": the loss is that of the next token");
  for (const char* key : {"beta", "num_generations", "reward_model_path"})
    if (file.take(key)) refuse(file, key, cat("`", key, "` belongs to preference training or reinforcement learning"));
  set_model(file, draft, "model_name_or_path");
  if (!file.flag("use_peft").value_or(false))
    file.note(Kind::changed, "use_peft",
              "no `use_peft: true`: there all weights are trained, here a LoRA adapter is; its learning rate is "
              "usually ten times as high");
  draft.set("adapter.type", "lora");
  draft.set("adapter.r", file.integer("lora_r").value_or(16));
  draft.set("adapter.alpha", file.number("lora_alpha").value_or(32));
  draft.set("adapter.dropout", file.number("lora_dropout").value_or(0.05));
  auto targets = file.words("lora_target_modules");
  if (targets.empty()) {
    targets = {"q_proj", "v_proj"};
    file.note(Kind::changed, "", "no lora_target_modules: q_proj and v_proj, as PEFT chooses for the llama family");
  }
  set_targets(file, draft, "lora_target_modules", std::move(targets));
  if (const auto rs = file.flag("use_rslora")) draft.set("adapter.use_rslora", *rs);

  if (const auto name = file.text("dataset_name")) add_dataset(file, draft, "dataset_name", *name, "auto");
  for (const std::string& path : file.items("datasets")) add_loaded_dataset(file, draft, path, "path", "auto");
  for (const std::string& path : file.items("dataset_mixture.datasets"))  // of the alignment handbook, like the next
    add_loaded_dataset(file, draft, path, "id", "auto");
  if (const config::Node* mixture = file.take("dataset_mixer")) {
    for (const auto& entry : mixture->entries) add_dataset(file, draft, "dataset_mixer", entry.key, "auto");
    file.note(Kind::changed, "dataset_mixer", "dataset_mixer: shares are not kept; every file is read whole");
  }
  std::int64_t length = file.integer("max_seq_length").value_or(1024);
  if (const auto newer = file.integer("max_length")) {
    if (file.take("max_seq_length") && *newer != length) file.drop("max_seq_length", ": max_length counts");
    length = *newer;
  }
  draft.set("data.max_length", length);
  draft.set("data.packing", file.flag("packing").value_or(false));
  const bool assistant = file.flag("assistant_only_loss").value_or(false);
  const auto completion = file.flag("completion_only_loss");
  draft.set_word("data.train_on", assistant ? "assistant" : completion.value_or(false) ? "completion" : "all");
  if (!assistant && !completion)
    file.note(Kind::changed, "",
              "train_on: all, as TRL does with conversations and texts; `assistant` learns the answers only");

  set_training_arguments(file, draft);
  set_regularisers(file, draft, "");
  set_batches(file, draft, "per_device_train_batch_size", file.integer("per_device_train_batch_size").value_or(8),
              file.integer("gradient_accumulation_steps").value_or(1), ranks);
  draft.set("optimizer.lr", file.number("learning_rate").value_or(2e-5));
  draft.set("train.gradient_checkpointing", file.flag("gradient_checkpointing").value_or(true));
  const bool four = file.flag("load_in_4bit").value_or(false), eight = file.flag("load_in_8bit").value_or(false);
  if (four && eight) file.drop("load_in_8bit", ": the weights are kept in 4 bits");
  set_quantisation(file, draft, four ? "load_in_4bit" : "load_in_8bit",
                   four    ? 4
                   : eight ? 8
                           : 0,
                   "bnb_4bit_quant_type", file.flag("use_bnb_nested_quant").value_or(false));
  if (file.take("chat_template"))
    file.note(Kind::changed, "chat_template",
              "chat_template: write it to a Jinja file and name that in data.chat_template; until then the model's own "
              "is used");
  ignore_training_arguments(file);
  drop_unless(file, "dataset_train_split", {"train"}, ": export that part of the data set");
  drop_unless(file, "dataset_test_split", {}, ": export that part too, and name it in data.validation");
  drop_unless(file, "dataset_text_field", {"text"}, ": a record's text is called `text` here");
  drop_unless(file, "model_revision", {"main"}, ": take the folder of that version");
  file.ignore({"bnb_4bit_quant_storage", "lora_task_type", "padding_free"});
}

}  // namespace pst::importers
