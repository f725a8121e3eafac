// SPDX-License-Identifier: Apache-2.0
// No key of a foreign file is lost: each that an importer asks for is given odd values, one after the other. Then the
// recipe is another one than without the key, or a note names the key, or the file is refused.
#include <gmock/gmock.h>

#include <algorithm>
#include <memory>
#include <set>

#include "config/parse_yaml.hpp"
#include "core/error.hpp"
#include "core/strings.hpp"
#include "importers/programs.hpp"

namespace pst::importers {
namespace {

/// A file in which everything is switched on that other keys depend on.
struct Case {
  const char* program;
  void (*read)(ForeignFile& file, Draft& draft);
  const char* text;
  std::vector<std::string> more = {};  ///< keys that it does not know at all
  bool false_is_default = false;       ///< its files spell out every switch that is off
};

const std::vector<Case> kCases = {
    {"axolotl",
     [](ForeignFile& file, Draft& draft) { from_axolotl(file, draft, 1); },
     R"(
base_model: ./m
adapter: qlora
load_in_4bit: true
lora_r: 8
lora_alpha: 16
datasets: [{path: json, data_files: [a.jsonl, b.jsonl], type: alpaca}, {path: c.jsonl, type: completion}]
pretraining_dataset: [{path: p.jsonl}]
test_datasets: [{path: json, data_files: v.jsonl}]
)",
     {"noisy_embedding_alpha", "datasets[0].field_messages", "test_datasets[0].shards", "shuffle_merged_datasets",
      "group_by_length", "plugins", "peft.loftq_config"}},
    {"LLaMA-Factory",
     [](ForeignFile& file, Draft& draft) { from_llama_factory(file, draft, 1); },
     R"(
model_name_or_path: ./m
stage: sft
finetuning_type: lora
dataset: a.jsonl
quantization_bit: 4
)",
     {"mix_strategy", "pissa_init", "use_badam", "dataloader_drop_last", "optim_args"}},
    {"torchtune",
     [](ForeignFile& file, Draft& draft) { from_torchtune(file, draft, 1); },
     R"(
model: {_component_: torchtune.models.llama3.qlora_llama3_8b}
checkpointer: {checkpoint_dir: /m}
tokenizer: {max_seq_len: 512}
dataset: [{_component_: x.chat_dataset, source: json, data_files: a.jsonl}, {_component_: x.alpaca_dataset}]
dataset_val: {_component_: x.chat_dataset, source: json, data_files: v.jsonl}
optimizer: {_component_: torch.optim.SGD, lr: 0.1}
lr_scheduler: {_component_: x.get_cosine_schedule_with_warmup}
loss: {_component_: x.CEWithChunkedOutputLoss}
)",
     {"model.use_dora", "dataset[0].column_map", "dataset[1].new_system_prompt", "lr_scheduler.num_cycles",
      "fsdp_cpu_offload", "tokenizer.prompt_template", "checkpointer.adapter_checkpoint"}},
    {"TRL",
     [](ForeignFile& file, Draft& draft) { from_trl(file, draft, 1); },
     R"(
model_name_or_path: ./m
use_peft: true
load_in_4bit: true
datasets: [{path: json, data_files: a.jsonl}]
dataset_mixture: {datasets: [{id: org/b}]}
)",
     {"chat_template_path", "datasets[0].columns", "dataset_mixture.datasets[0].weight", "packing_strategy",
      "dataset_mixture.test_split_size", "lr_scheduler_kwargs"}},
    {"PEFT",
     [](ForeignFile& file, Draft& draft) { from_peft(file, draft); },
     R"(
peft_type: LORA
base_model_name_or_path: ./m
r: 8
lora_alpha: 16
target_modules: [q_proj]
)",
     {"use_dora", "modules_to_save", "alora_invocation_tokens", "loftq_config", "trainable_token_indices", "revision"},
     /*false_is_default=*/true}};

struct Read {
  std::string recipe;
  std::vector<Note> notes;
  std::vector<std::string> taken;
};

constexpr int kMarked = 777;  ///< line of the value that a test puts in

config::Node document_of(const Case& of) {
  config::Problems problems;
  return config::parse_yaml(of.text, "their.yaml", problems);
}

/// "datasets[0].path" as assign() wants it.
std::string dotted(std::string path) {
  path.erase(std::remove(path.begin(), path.end(), ']'), path.end());
  std::replace(path.begin(), path.end(), '[', '.');
  return path;
}

Read read(const Case& of, config::Node document) {
  ForeignFile file(std::move(document));
  Draft draft([&file] { return file.origin(); });
  of.read(file, draft);
  file.note_the_rest();
  return {config::to_yaml(draft.tree()), file.notes(), file.taken()};
}

/// With `yaml` under a path; null takes the key away.
Read read_with(const Case& of, const std::string& path, const char* yaml) {
  config::Node document = document_of(of);
  config::Problems problems;
  config::Node value = std::move(config::parse_yaml(cat("x: ", yaml), "their.yaml", problems).entries.front().value);
  const config::Mark mark{std::make_shared<const std::string>("their.yaml"), kMarked, 1};
  value.mark = mark;
  config::assign(document, dotted(path), std::move(value), mark, problems);
  problems.throw_if_any();
  return read(of, std::move(document));
}

bool is_asked(const Read& read, const std::string& key) {
  return std::find(read.taken.begin(), read.taken.end(), key) != read.taken.end();
}

std::string last_part(const std::string& path) { return path.substr(path.rfind('.') + 1); }

bool is_told(const Read& read, const std::string& path) {
  return std::any_of(read.notes.begin(), read.notes.end(), [&](const Note& note) {
    return note.mark.line == kMarked || note.text.find(last_part(path)) != std::string::npos;
  });
}

/// Values that mean the same as no value, by the programs' documentation.
bool says_nothing_there(const std::string& key, const std::string& yaml) {
  static const std::set<std::pair<std::string, std::string>> kNeutral = {
      {"max_steps", "-3"},  // below 1: no limit
      {"gradient_checkpointing", "true"},
      {"double_quantization", "true"},
      {"shuffle", "true"},
      {"load_in_4bit", "true"},  // of an adapter that is QLoRA already
      {"model.quantize_base", "true"},
      {"use_peft", "true"},
      {"init_lora_weights", "true"},
      {"train_on_inputs", "true"}};  // of a file with a pretraining_dataset
  return kNeutral.count({key, yaml}) > 0;
}

TEST(EveryKey, IsCarriedOrListed) {
  for (const Case& of : kCases) {
    const Read plain = read(of, document_of(of));
    std::set<std::string> keys(plain.taken.begin(), plain.taken.end());
    keys.insert(of.more.begin(), of.more.end());
    EXPECT_GT(keys.size(), 15U);
    for (const std::string& key : keys)
      for (const char* const yaml : {"0.25", "7", "2.5", "-3", "maybe", "'train[:10%]'", "[a, b]", "{k: v}", "true",
                                     "false", "1.0e+300", "9223372036854775807", "'${elsewhere}'"}) {
        SCOPED_TRACE(cat(of.program, ": ", key, ": ", yaml));
        // A switch that is off is most often the default; of one that nobody knows that is not known.
        const bool is_off = std::string_view(yaml) == "false" && (is_asked(plain, key) || of.false_is_default);
        if (says_nothing_there(key, yaml) || is_off) continue;
        Read with, without;
        try {
          without = read_with(of, key, "null");
          with = read_with(of, key, yaml);
        } catch (const Error& error) {
          EXPECT_EQ(error.fault(), Fault::usage) << error.what();
          continue;
        }
        EXPECT_TRUE(with.recipe != without.recipe || is_told(with, key)) << with.recipe;
      }
  }
}

/// A value that was never there is not told: the notes of these files speak of their own keys only.
TEST(EveryKey, NothingIsListedThatIsNotThere) {
  for (const Case& of : kCases)
    for (const Note& note : read(of, document_of(of)).notes)
      if (note.kind == Note::Kind::dropped) ADD_FAILURE() << of.program << ": " << note.text;
}

}  // namespace
}  // namespace pst::importers
