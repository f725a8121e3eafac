// SPDX-License-Identifier: Apache-2.0
#include "importers/import_config.hpp"

#include <gmock/gmock.h>

#include "core/strings.hpp"
#include "methods/lora.hpp"
#include "recipe/load.hpp"
#include "support/errors.hpp"

namespace pst::importers {
namespace {

using ::testing::AllOf;
using ::testing::Contains;
using ::testing::ElementsAre;
using ::testing::Field;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::Not;
using ::testing::ResultOf;

struct Read {
  recipe::Recipe recipe;
  std::vector<Note> notes;
  Program program;
};

Read imported(const std::string& text, int ranks = 1, const std::string& name = "their.yaml") {
  const auto made = import_config(text, name, std::nullopt, ranks);
  return {recipe::parse(made.recipe, "ours.yaml", {}, "/home/me"), made.notes, made.program};
}

std::vector<std::string> texts(const std::vector<Note>& notes, Note::Kind kind) {
  std::vector<std::string> found;
  for (const auto& note : notes)
    if (note.kind == kind) found.push_back(note.text);
  return found;
}

/// What is wrong with the recipe that is made of `text`, as the command says it.
std::string complaint(const std::string& text, int ranks = 1) {
  const auto made = import_config(text, "their.yaml", std::nullopt, ranks);
  return fixture::error_of(Fault::usage, [&] { recipe::parse(made.tree, "/home/me"); });
}

TEST(Import, AMistakeIsToldAtTheKeyOfTheirFile) {
  const std::string axolotl = "base_model: ./m\nadapter: lora\n";
  EXPECT_THAT(complaint(axolotl + "lora_r: -8\n"), HasSubstr("their.yaml:3: lora_r: adapter.r is -8"));
  EXPECT_THAT(complaint(axolotl + "sequence_len: 0\nlora_dropout: 7\n"),
              AllOf(HasSubstr("their.yaml:3: sequence_len: data.max_length is 0"),
                    HasSubstr("their.yaml:4: lora_dropout: adapter.dropout is 7"), HasSubstr("(2 problems")));
  EXPECT_THAT(complaint(axolotl + "\nmicro_batch_size: 0\ngradient_accumulation_steps: 2\n"),
              AllOf(HasSubstr("their.yaml:"), HasSubstr("micro_batch_size"), HasSubstr("train.micro_batch_size is 0")));
  EXPECT_THAT(complaint("{\"peft_type\": \"LORA\",\n \"base_model_name_or_path\": \"m\",\n \"r\": 0}"),
              HasSubstr("their.yaml:3: r: adapter.r is 0"));
  EXPECT_THAT(complaint("model_name_or_path: ./m\nuse_peft: true\nadam_beta1: 2\nadam_epsilon: 1.0e-8\n"),
              HasSubstr("their.yaml:3: adam_beta1, adam_epsilon: optimizer.betas[0] is 2"));
}

TEST(Import, TheTreeIsTheRecipeThatIsPrinted) {
  const auto made =
      import_config("base_model: ./m\nadapter: lora\nlora_r: 8\noutput_dir: \"a: b\"\n", "their.yaml", std::nullopt, 2);
  EXPECT_EQ(recipe::to_yaml(recipe::parse(made.tree, "/home/me")),
            recipe::to_yaml(recipe::parse(made.recipe, "ours.yaml", {}, "/home/me")));
}

TEST(Import, AxolotlLora) {
  const auto read = imported(R"(
base_model: NousResearch/Llama-3.2-1B
load_in_4bit: false
datasets: [{path: teknium/GPT4-LLM-Cleaned, type: alpaca}]
dataset_prepared_path: last_run_prepared
val_set_size: 0.1
output_dir: ./outputs/lora-out
adapter: lora
lora_model_dir:
sequence_len: 2048
sample_packing: true
lora_r: 16
lora_alpha: 32
lora_dropout: 0.05
lora_target_modules: [gate_proj, down_proj, q_proj]
gradient_accumulation_steps: 2
micro_batch_size: 2
num_epochs: 1
optimizer: adamw_8bit
lr_scheduler: cosine
learning_rate: 0.0002
bf16: auto
gradient_checkpointing: true
warmup_steps: 10
evals_per_epoch: 4
special_tokens: {pad_token: "<|end_of_text|>"}
neftune_noise_alpha: 5
)",
                             4);

  EXPECT_EQ(read.program, Program::axolotl);
  const auto& r = read.recipe;
  EXPECT_EQ(r.model.path, "/home/me/models/Llama-3.2-1B");
  EXPECT_EQ(r.adapter.as<methods::Lora>().r, 16);
  EXPECT_EQ(r.adapter.as<methods::Lora>().dropout, 0.05);
  EXPECT_THAT(r.adapter.targeting.target_modules.names, ElementsAre("gate_proj", "down_proj", "q_proj"));
  EXPECT_EQ(r.data.train.at(0).path, "/home/me/data/GPT4-LLM-Cleaned.jsonl");
  EXPECT_EQ(r.data.train.at(0).format, recipe::DataFormat::alpaca);
  EXPECT_EQ(r.data.train_on, recipe::TrainOn::completion);
  EXPECT_EQ(r.data.validation_fraction, 0.1);
  EXPECT_EQ(r.data.max_length, 2048);
  EXPECT_TRUE(r.data.packing);
  EXPECT_EQ(r.train.micro_batch_size, 2);
  EXPECT_EQ(r.train.global_batch_size, 2 * 2 * 4);
  EXPECT_EQ(r.train.epochs, 1);
  EXPECT_EQ(r.train.gradient_checkpointing, recipe::Switch::on);
  EXPECT_EQ(r.train.neftune_noise_alpha, 5);
  EXPECT_EQ(r.optimizer.lr, 2e-4);
  EXPECT_EQ(r.scheduler.warmup_steps, 10);
  EXPECT_THAT(texts(read.notes, Note::Kind::to_do),
              ElementsAre(HasSubstr("NousResearch/Llama-3.2-1B"), HasSubstr("teknium/GPT4-LLM-Cleaned")));
  EXPECT_THAT(texts(read.notes, Note::Kind::dropped),
              AllOf(Contains(HasSubstr("evals_per_epoch")), Not(Contains(HasSubstr("neftune_noise_alpha"))),
                    Not(Contains(HasSubstr("lora_model_dir")))));
}

TEST(Import, QuantisedBases) {
  const auto quantization = [](const std::string& text) { return imported(text).recipe.model.quantization; };
  const std::string axolotl = "base_model: ./m\nlora_r: 8\nlora_alpha: 8\n";
  const std::string factory = "model_name_or_path: ./m\nstage: sft\nfinetuning_type: lora\ndataset: d\n";
  const std::string trl = "model_name_or_path: ./m\ndataset_name: d\nuse_peft: true\n";
  using weights::NumberFormat;

  EXPECT_EQ(quantization(axolotl + "adapter: qlora\nload_in_4bit: true\n").format, NumberFormat::nf4);
  EXPECT_EQ(quantization(axolotl + "adapter: qlora\n").format, NumberFormat::nf4);
  EXPECT_EQ(quantization(axolotl + "adapter: lora\nload_in_8bit: true\n").format, NumberFormat::int8);
  EXPECT_EQ(quantization(axolotl + "adapter: lora\nload_in_8bit: false\n").format, NumberFormat::none);
  EXPECT_EQ(quantization(factory + "quantization_bit: 8\n").format, NumberFormat::int8);
  const auto nested = quantization(factory + "quantization_bit: 4\nquantization_type: nf4\n");
  EXPECT_EQ(nested.format, NumberFormat::nf4);
  EXPECT_TRUE(nested.double_quantization);
  EXPECT_FALSE(quantization(factory + "quantization_bit: 4\ndouble_quantization: false\n").double_quantization);
  EXPECT_EQ(quantization(trl + "load_in_4bit: true\n").format, NumberFormat::nf4);
  EXPECT_FALSE(quantization(trl + "load_in_4bit: true\n").double_quantization);
  EXPECT_TRUE(quantization(trl + "load_in_4bit: true\nuse_bnb_nested_quant: true\n").double_quantization);
  EXPECT_THAT(texts(imported(factory + "quantization_bit: 4\nquantization_type: fp4\n").notes, Note::Kind::changed),
              Contains(HasSubstr("4 bits are NF4 here, not fp4")));
  EXPECT_THAT(texts(imported(factory + "quantization_bit: 3\n").notes, Note::Kind::dropped),
              Contains(HasSubstr("weights of 3 bits are not kept here")));
}

TEST(Import, WhatIsNotCarriedOverSaysItsLine) {
  const auto read = imported("base_model: ./m\nadapter: lora\nlora_r: 8\nlora_alpha: 8\nunheard_of: 3\n");

  const auto line = [](const Note& note) { return note.mark.line; };
  EXPECT_THAT(read.notes, Contains(AllOf(Field(&Note::text, "unheard_of: 3"), Field(&Note::kind, Note::Kind::dropped),
                                         ResultOf(line, 5))));
}

TEST(Import, LlamaFactoryWithItsDefaults) {
  const auto read = imported(R"(
model_name_or_path: meta-llama/Meta-Llama-3-8B-Instruct
stage: sft
finetuning_type: lora
lora_rank: 8
lora_target: all
dataset: identity,alpaca_en_demo
template: llama3
cutoff_len: 2048
max_samples: 1000
overwrite_output_dir: true
per_device_train_batch_size: 1
gradient_accumulation_steps: 8
learning_rate: 1.0e-4
num_train_epochs: 3.0
lr_scheduler_type: cosine
warmup_ratio: 0.1
bf16: true
ddp_timeout: 180000000
save_steps: 500
)");

  EXPECT_EQ(read.program, Program::llama_factory);
  const auto& r = read.recipe;
  EXPECT_EQ(r.adapter.as<methods::Lora>().alpha, 16) << "twice the rank, as there";
  EXPECT_EQ(r.adapter.targeting.target_modules.kind, methods::Targets::Kind::all_linear);
  EXPECT_EQ(r.data.train.size(), 2u);
  EXPECT_EQ(r.data.max_examples, 1000);
  EXPECT_FALSE(r.data.packing);
  EXPECT_EQ(r.train.global_batch_size, 8);
  EXPECT_EQ(r.scheduler.warmup_ratio, 0.1);
  EXPECT_EQ(r.checkpoint.every_steps, 500);
  EXPECT_THAT(texts(read.notes, Note::Kind::dropped), IsEmpty());
}

TEST(Import, TorchtuneComponents) {
  const auto read = imported(R"(
tokenizer: {_component_: torchtune.models.llama3.llama3_tokenizer, path: /m/tokenizer.model, max_seq_len: null}
model:
  _component_: torchtune.models.llama3_1.lora_llama3_1_8b
  lora_attn_modules: ['q_proj', 'v_proj', 'output_proj']
  apply_lora_to_mlp: True
  apply_lora_to_output: False
  lora_rank: 8
  lora_alpha: 16
  lora_dropout: 0.0
checkpointer: {_component_: torchtune.training.FullModelHFCheckpointer, checkpoint_dir: /m/llama, checkpoint_files: [a, b], output_dir: /m, model_type: LLAMA3}
dataset: {_component_: torchtune.datasets.alpaca_cleaned_dataset, packed: False}
seed: null
shuffle: True
batch_size: 2
optimizer: {_component_: torch.optim.AdamW, fused: True, weight_decay: 0.01, lr: 3e-4}
lr_scheduler: {_component_: torchtune.training.lr_schedulers.get_cosine_schedule_with_warmup, num_warmup_steps: 100}
loss: {_component_: torchtune.modules.loss.LinearCrossEntropyLoss}
epochs: 2
max_steps_per_epoch: 50
gradient_accumulation_steps: 8
dtype: bf16
enable_activation_checkpointing: True
metric_logger: {_component_: torchtune.training.metric_logging.DiskLogger, log_dir: "${output_dir}/logs"}
)",
                             2);

  EXPECT_EQ(read.program, Program::torchtune);
  const auto& r = read.recipe;
  EXPECT_EQ(r.model.path, "/m/llama");
  EXPECT_THAT(r.adapter.targeting.target_modules.names,
              ElementsAre("q_proj", "v_proj", "o_proj", "gate_proj", "up_proj", "down_proj"));
  EXPECT_EQ(r.data.train_on, recipe::TrainOn::all) << "its alpaca datasets learn the input too";
  EXPECT_EQ(r.train.global_batch_size, 2 * 8 * 2);
  EXPECT_EQ(r.train.max_steps, 100);
  EXPECT_EQ(r.train.max_grad_norm, 0) << "no clipping unless asked for";
  EXPECT_EQ(r.scheduler.warmup_steps, 100);
  EXPECT_EQ(r.slurm.ranks_per_node, 2);
  EXPECT_THAT(texts(read.notes, Note::Kind::dropped), IsEmpty());
}

TEST(Import, StepsBelowOneAreShares) {
  const std::string trl = "model_name_or_path: ./m\ndataset_name: d.jsonl\nuse_peft: true\n";
  const auto read = imported(trl + "warmup_steps: 0.1\nsave_steps: 0.25\neval_steps: 0.2\n");
  EXPECT_EQ(read.recipe.scheduler.warmup_ratio, 0.1);
  EXPECT_FALSE(read.recipe.scheduler.warmup_steps);
  EXPECT_THAT(texts(read.notes, Note::Kind::dropped),
              ElementsAre("save_steps: 0.25 of all steps: checkpoint.every_steps counts steps",
                          "eval_steps: 0.2 of all steps: evaluate.every_steps counts steps"));
  EXPECT_EQ(imported(trl + "warmup_steps: 0\nwarmup_ratio: 0.2\n").recipe.scheduler.warmup_ratio, 0.2);
  EXPECT_EQ(imported(trl + "warmup_steps: 20\nwarmup_ratio: 0.2\n").recipe.scheduler.warmup_steps, 20);

  const std::string axolotl = "base_model: ./m\nadapter: lora\nlora_r: 8\nlora_alpha: 8\n";
  EXPECT_EQ(imported(axolotl + "warmup_steps: 0\n").recipe.scheduler.warmup_steps, 0);
  EXPECT_EQ(imported(axolotl + "warmup_ratio: 0\n").recipe.scheduler.warmup_ratio, 0);
}

std::vector<std::string> paths(const std::vector<recipe::Source>& sources) {
  std::vector<std::string> found;
  for (const auto& source : sources) found.push_back(source.path);
  return found;
}

TEST(Import, FilesAndPartsOfDatasets) {
  const auto read = imported(R"(
base_model: ./m
adapter: lora
lora_r: 8
lora_alpha: 16
datasets:
  - {path: json, ds_type: json, type: chat_template, data_files: [one.jsonl, two.jsonl]}
  - {path: big.jsonl, type: alpaca, split: "train[:10%]", shards: 4}
test_datasets:
  - {path: json, split: train, data_files: [held-out.jsonl]}
  - {path: big.jsonl, split: "train[10%:]"}
)");

  EXPECT_THAT(paths(read.recipe.data.train),
              ElementsAre("/home/me/one.jsonl", "/home/me/two.jsonl", "/home/me/big.jsonl"));
  EXPECT_THAT(paths(read.recipe.data.validation), ElementsAre("/home/me/held-out.jsonl"));
  EXPECT_THAT(texts(read.notes, Note::Kind::dropped),
              ElementsAre(HasSubstr("datasets[1].split: \"train[:10%]\""),
                          HasSubstr("big.jsonl is learned as well: set data.validation_fraction"),
                          HasSubstr("test_datasets[1].split: \"train[10%:]\""), "datasets[1].shards: 4"));
}

TEST(Import, TheSameHubNameTwiceIsTwoFiles) {
  const auto read = imported(
      "base_model: ./m\nadapter: lora\nlora_r: 8\nlora_alpha: 8\ndatasets: [{path: org/chats}]\n"
      "test_datasets: [{path: org/chats, split: test}]\n");

  EXPECT_THAT(paths(read.recipe.data.train), ElementsAre("/home/me/data/chats.jsonl"));
  EXPECT_THAT(paths(read.recipe.data.validation), ElementsAre("/home/me/data/chats-validation.jsonl"));
}

TEST(Import, TorchtuneReferencesAndSeveralDatasets) {
  const auto read = imported(R"(
output_dir: ./out
base: /models
model_dir: ${base}/llama
model: {_component_: torchtune.models.llama3_1.lora_llama3_1_8b, lora_attn_modules: [q_proj], lora_rank: 8}
tokenizer: {_component_: t, path: "${model_dir}/tokenizer.model", max_seq_len: 512}
checkpointer: {checkpoint_dir: "${model_dir}", output_dir: "${output_dir}"}
dataset:
  - {_component_: torchtune.datasets.chat_dataset, source: json, data_files: a.jsonl}
  - {_component_: torchtune.datasets.instruct_dataset, source: json, data_files: b.jsonl, column_map: {input: question}}
optimizer: {_component_: torch.optim.AdamW, lr: "${oc.env:RATE}"}
)");

  EXPECT_EQ(read.recipe.model.path, "/models/llama");
  EXPECT_THAT(paths(read.recipe.data.train), ElementsAre("/home/me/a.jsonl", "/home/me/b.jsonl"));
  EXPECT_THAT(texts(read.notes, Note::Kind::dropped),
              ElementsAre(HasSubstr("optimizer.lr is \"${oc.env:RATE}\", and not a number"),
                          HasSubstr("dataset[1].column_map")));
}

/// References that go round in circles or double what they stand for are harmless.
TEST(Import, HostileReferences) {
  const std::string head = "model: {_component_: lora}\n";
  EXPECT_THAT(
      texts(imported(head + "checkpointer: {checkpoint_dir: '${a}'}\na: '${b}'\nb: '${a}'\n").notes, Note::Kind::to_do),
      Contains(HasSubstr("write what it stands for")));
  std::string doubling = head + "checkpointer: {checkpoint_dir: '${k0}'}\n";
  for (int i = 0; i < 60; ++i) {
    std::string many;
    for (int j = 0; j < 40; ++j) many += cat("${k", i + 1, "}");
    doubling += cat("k", i, ": '", many, "'\n");
  }
  EXPECT_THAT(fixture::error_of(Fault::usage, [&] { imported(doubling); }), HasSubstr("references"));
}

TEST(Import, TrlTellsThatAnAdapterIsTrainedInsteadOfTheModel) {
  const auto read = imported(
      "model_name_or_path: Qwen/Qwen2.5-0.5B\ndataset_name: stanfordnlp/imdb\nreport_to: none\n"
      "learning_rate: 0.0001\nlr_scheduler_type: cosine\n");

  EXPECT_EQ(read.program, Program::trl);
  EXPECT_EQ(read.recipe.optimizer.lr, 1e-4);
  EXPECT_EQ(read.recipe.data.max_length, 1024);
  EXPECT_EQ(read.recipe.train.gradient_checkpointing, recipe::Switch::on);
  EXPECT_THAT(texts(read.notes, Note::Kind::changed), Contains(HasSubstr("use_peft")));
}

TEST(Import, PeftAdapterConfig) {
  const auto read = imported(
      R"({"peft_type": "LORA", "base_model_name_or_path": "org/base", "r": 32, "lora_alpha": 64, "lora_dropout": 0.1,
          "target_modules": ["q_proj", "k_proj"], "use_rslora": true, "rank_pattern": {"q_proj": 8}, "bias": "all",
          "modules_to_save": ["lm_head"], "use_dora": true, "task_type": "CAUSAL_LM", "inference_mode": true})",
      1, "adapter_config.json");

  EXPECT_EQ(read.recipe.name, "adapter-config");
  EXPECT_EQ(read.recipe.adapter.as<methods::Lora>().r, 32);
  EXPECT_TRUE(read.recipe.adapter.as<methods::Lora>().use_rslora);
  EXPECT_EQ(read.recipe.adapter.as<methods::Lora>().rank_pattern.at("q_proj"), 8);
  EXPECT_EQ(read.recipe.adapter.biases, methods::Biases::all);
  EXPECT_THAT(texts(read.notes, Note::Kind::dropped), ElementsAre(HasSubstr("modules_to_save"), HasSubstr("use_dora")));
}

TEST(Import, RefusesWhatItDoesNotDo) {
  const std::vector<std::pair<std::string, std::string>> cases = {
      {"base_model: x\nrl: dpo\n", "their.yaml:2:5: rl: dpo"},
      {"base_model: x\nadapter: ia3\n", "ia3"},
      {"model_name_or_path: x\nstage: dpo\nfinetuning_type: lora\n", "stage dpo"},
      {"model_name_or_path: x\nstage: sft\nfinetuning_type: full\n", "finetuning_type full"},
      {"model: {_component_: torchtune.models.llama3_1.llama3_1_8b}\n", "LoRA builders"},
      {"peft_type: IA3\n", "ia3"},
      {"one: 1\n", "has none of the keys"},
      {"- a\n- b\n", "holds a list"},
  };
  for (const auto& [text, message] : cases) {
    SCOPED_TRACE(text);
    EXPECT_THAT(fixture::error_of(Fault::usage, [&, text = text] { imported(text); }), HasSubstr(message));
  }
}

TEST(Import, HostileValuesStayValues) {
  const auto made =
      import_config("base_model: \"a\\\"b: c\"\nadapter: lora\noutput_dir: \"x # y\"\nodd: \"z\\ninjected: 1\"\n",
                    "evil\nname: x.yaml", std::nullopt, 1);

  const auto read = recipe::parse(made.recipe, "ours.yaml", {}, "/home/me");
  EXPECT_EQ(read.output_dir, "/home/me/x # y");
  EXPECT_EQ(made.recipe.find("\ninjected"), std::string::npos);
  EXPECT_EQ(made.recipe.find("\nname: x"), std::string::npos);
}

}  // namespace
}  // namespace pst::importers
