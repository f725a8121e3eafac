// SPDX-License-Identifier: Apache-2.0
#include "recipe/load.hpp"

#include <gmock/gmock.h>

#include "core/file.hpp"
#include "core/strings.hpp"
#include "methods/lora.hpp"
#include "minimal_recipe.hpp"
#include "support/errors.hpp"
#include "support/strangers.hpp"
#include "support/temporary_directory.hpp"

namespace pst::recipe {
namespace {

using fixture::complaint;
using fixture::kMinimal;
using fixture::parse_minimal;
using ::testing::ElementsAre;
using ::testing::HasSubstr;

// The example of docs/design.md, less what later versions bring.
const char* const kFull = R"(
name: support-lora
model:    { path: models/smollm2-135m }
adapter:  { type: lora, r: 8, alpha: 16, dropout: 0.05, target_modules: [q_proj, v_proj], init_from: null,
            rank_pattern: {o_proj: 4}, alpha_pattern: {o_proj: 8}, use_rslora: true, init_lora_weights: gaussian,
            exclude_modules: [lm_head], layers_to_transform: [0, 2] }
data:
  train:  [ { path: data/support.jsonl, format: chat } ]
  validation: [ { path: /abs/v.jsonl } ]
  max_length: 512
  packing: false
  train_on: completion
  too_long: skip
  shuffle: false
  max_examples: 100
  chat_template: t.jinja
train:    { epochs: 1.5, max_steps: 200, micro_batch_size: 2, global_batch_size: 8, max_grad_norm: 0,
            precision: bf16, gradient_checkpointing: true, seed: 7, device: cpu, threads: 2 }
optimizer: { name: adamw, lr: 2.0e-4, weight_decay: 0.01, betas: [0.9, 0.95], eps: 1e-6 }
scheduler: { name: linear, warmup_steps: 10 }
parallel: { strategy: replicate }
evaluate: { every_steps: null }
slurm:    { nodes: 2, ranks_per_node: 2, cpus_per_rank: 4, mem: 16G, time: "2-01:00:00", account: a1, partition: "p,q",
            qos: high, constraint: "[x|y]", reservation: r, nodelist: "n[1-4]", exclude: n3, exclusive: true, mpi: pmi2 }
output_dir: /scratch/runs
)";

TEST(Load, ReadsEveryKey) {
  const Recipe recipe = parse(kFull, "r.yaml", {}, "/base");

  EXPECT_EQ(recipe.name, "support-lora");
  EXPECT_EQ(recipe.model.path, "/base/models/smollm2-135m");
  EXPECT_EQ(recipe.adapter.targeting.target_modules.kind, methods::Targets::Kind::names);
  EXPECT_THAT(recipe.adapter.targeting.target_modules.names, ElementsAre("q_proj", "v_proj"));
  EXPECT_EQ(recipe.adapter.as<methods::Lora>().rank_pattern.at("o_proj"), 4);
  EXPECT_EQ(recipe.adapter.as<methods::Lora>().alpha_pattern.at("o_proj"), 8);
  EXPECT_TRUE(recipe.adapter.as<methods::Lora>().use_rslora);
  EXPECT_EQ(recipe.adapter.as<methods::Lora>().init_lora_weights, methods::LoraInit::gaussian);
  EXPECT_THAT(recipe.adapter.targeting.layers_to_transform, ElementsAre(0, 2));
  EXPECT_EQ(recipe.data.train[0].path, "/base/data/support.jsonl");
  EXPECT_EQ(recipe.data.train[0].format, DataFormat::chat);
  EXPECT_EQ(recipe.data.validation[0].path, "/abs/v.jsonl");
  EXPECT_EQ(recipe.data.train_on, TrainOn::completion);
  EXPECT_EQ(recipe.data.too_long, TooLong::skip);
  EXPECT_EQ(recipe.data.max_examples, 100);
  EXPECT_EQ(recipe.data.chat_template, "/base/t.jinja");
  EXPECT_EQ(recipe.train.epochs, 1.5);
  EXPECT_EQ(recipe.train.max_steps, 200);
  EXPECT_EQ(recipe.train.gradient_checkpointing, Switch::on);
  EXPECT_EQ(recipe.train.precision, Precision::bf16);
  EXPECT_EQ(recipe.train.threads, 2);
  EXPECT_THAT(std::get<AdamW>(recipe.optimizer.rule).betas, ElementsAre(0.9, 0.95));
  EXPECT_TRUE(std::holds_alternative<Linear>(recipe.scheduler.course));
  EXPECT_EQ(recipe.scheduler.warmup_steps, 10);
  EXPECT_EQ(recipe.evaluate.every_steps, std::nullopt);
  EXPECT_EQ(recipe.slurm.time, "2-01:00:00");
  EXPECT_EQ(recipe.slurm.constraint, "[x|y]");
  EXPECT_TRUE(recipe.slurm.exclusive);
  EXPECT_EQ(recipe.output_dir, "/scratch/runs");
}

TEST(Load, EffectiveRecipeReadsBackToItself) {
  for (const std::string& yaml :
       {std::string(kFull), kMinimal, kMinimal + "adapter: {target_modules: '.*(q|v)_proj'}"}) {
    const std::string effective = to_yaml(parse(yaml, "r.yaml", {}, "/base"));

    EXPECT_EQ(to_yaml(parse(effective, "recipe.yaml", {}, "/elsewhere")), effective);
  }
}

TEST(Load, FillsInDefaults) {
  const Recipe recipe = parse_minimal();

  EXPECT_EQ(recipe.adapter.as<methods::Lora>().r, 16);
  EXPECT_EQ(recipe.adapter.targeting.target_modules.kind, methods::Targets::Kind::all_linear);
  EXPECT_EQ(recipe.evaluate.every_steps, 50);
  EXPECT_EQ(recipe.output_dir, "/base/runs");
  EXPECT_EQ(recipe.train.threads, std::nullopt);
}

TEST(Load, OverridesWin) {
  const Recipe recipe =
      parse_minimal("train: {seed: 1}\n", {"train.seed=9", "data.train.0.path=/b", "optimizer.lr=1e-3"});

  EXPECT_EQ(recipe.train.seed, 9u);
  EXPECT_EQ(recipe.data.train[0].path, "/b");
  EXPECT_EQ(recipe.optimizer.lr, 1e-3);
}

TEST(Load, ReadsAFileAndTakesPathsFromTheCurrentDirectory) {
  const pst::fixture::TemporaryDirectory folder;
  write_durably(folder / "r.yaml", kMinimal);

  const Recipe recipe = load(folder / "r.yaml");

  EXPECT_EQ(recipe.model.path, (fs::current_path() / "models/m").string());
}

TEST(Load, RecordsCannotHoldAFolderThatIsNoUtf8) {
  EXPECT_THAT(pst::fixture::error_of(Fault::usage, [] { parse(kMinimal, "r.yaml", {}, "/tmp/\xff\xfe"); }),
              HasSubstr("the folder \"/tmp/\\xff\\xfe\" has a name that is not UTF-8"));
}

TEST(Load, AMissingFileIsWrongUsage) {
  for (const char* path : {"/no/such/recipe.yaml", "/"}) {
    try {
      load(path);
      FAIL() << path;
    } catch (const Error& error) {
      EXPECT_EQ(error.fault(), Fault::usage);
      EXPECT_THAT(error.message(), HasSubstr("there is no recipe"));
    }
  }
}

TEST(Load, NamesEveryMissingKeyOfAnEmptyFile) {
  const std::string all = complaint("");

  for (const char* key : {"'name' is missing", "'model.path' is missing", "'data.train' is missing", "(3 problems"})
    EXPECT_THAT(all, HasSubstr(key));
}

TEST(Load, RefusesWhatOneKeyMustNotBe) {
  const std::pair<const char*, const char*> cases[] = {
      {"name: 'a b'", "it must be up to 64 letters, digits"},
      {"name: ../x", "it must be up to 64 letters"},
      {"name: .hidden", "it must be up to 64 letters"},
      {"name: \"x\\n#SBATCH --uid=0\"", "it must be text without control characters"},
      {"model: {path: ''}", "it must be a path"},
      {"model: {path: ~/models/m}", "it must be a path (`~` is not expanded)"},
      {"data: {train: []}", "data.train is empty"},
      {"data: {train: [{path: a}], max_length: 1}", "it must be from 2 to 1048576"},
      {"data: {train: [{path: a}], validation_fraction: 1}", "it must be at least 0 and below 1"},
      {"data: {train: [{path: a}], date: 2026-02-30}", "data.date is 2026-02-30; it must be a day, such as 2026-11-30"},
      {"data: {train: [{path: a}], date: 30.11.2026}", "it must be a day, such as 2026-11-30"},
      {"data: {train: [{path: a}], remainder: keep}", "it must be step, carry or drop"},
      {"adapter: {r: 0}", "adapter.r is 0; it must be at least 1"},
      {"adapter: {type: lohalo}", "adapter.type is lohalo; it must be lora"},
      {"adapter: {dropout: 1.0}", "at least 0 and below 1"},
      {"adapter: {target_modules: []}", "all-linear or at least one name"},
      {"adapter: {target_modules: q_proj}", "write [q_proj]"},
      {"adapter: {target_modules: 'q_proj,v_proj'}", "write [q_proj,v_proj] as a list"},
      {"adapter: {target_modules: {a: b}}", "it must be text"},
      {"train: {precision: fp61}", "it must be auto, fp32 or bf16"},
      {"train: {gradient_checkpointing: yes}", "it must be auto, true or false"},
      {"slurm: {time: 1h}", "it must be a time limit in one of Slurm's forms"},
      {"slurm: {mem: 16GB}", "it must be a number with K, M, G or T"},
      {"slurm: {account: 'a b'}", "one word"},
      {"slurm: {partition: \"p\\n#SBATCH -x\"}", "control characters"},
      {"slurm: {nodes: 0}", "slurm.nodes is 0; it must be from 1 to 100000"},
      {"output_dir: ''", "it must be a path"},
  };
  for (const auto& [line, message] : cases) {
    SCOPED_TRACE(line);
    std::string yaml = line;
    for (const char* section : {"name: x\n", "model: {path: m}\n", "data: {train: [{path: a}]}\n"})
      if (std::string_view(line).substr(0, 4) != std::string_view(section).substr(0, 4)) yaml = section + yaml;
    EXPECT_THAT(complaint(yaml), HasSubstr(message));
    EXPECT_THAT(complaint(yaml), HasSubstr("(1 problem, nothing started)"));
  }
}

TEST(Load, KnowsTheNamesOfOtherProgramsAndOfLaterVersions) {
  const std::pair<const char*, const char*> cases[] = {
      {"lora_r: 8", "r.yaml:4:1: unknown key 'lora_r'; write adapter.r"},
      {"adapter: {lora_alpha: 8}", "unknown key 'adapter.lora_alpha'; write adapter.alpha"},
      {"train: {learning_rate: 1e-4}", "unknown key 'train.learning_rate'; write optimizer.lr"},
      {"train: {lr: 1e-4}", "unknown key 'train.lr'; write optimizer.lr"},
      {"sequence_len: 8", "write data.max_length"},
      {"epochs: 8", "unknown key 'epochs'; write train.epochs"},
      {"gradient_accumulation_steps: 8",
       "write train.global_batch_size (ranks x micro_batch_size x accumulation steps)"},
      {"model: {dtype: auto}", "write train.precision"},
      {"guard: {policy: skip}", "unknown key 'guard.policy'"},
      {"checkpoint: {save_total_limit: 5}", "unknown key 'checkpoint.save_total_limit'; write checkpoint.keep"},
      {"quantization: {method: nf4}", "unknown key 'quantization'"},
      {"load_in_4bit: true", "unknown key 'load_in_4bit'; write model.quantization.format"},
      {"logging: {}", "unknown key 'logging'; this version does not have it yet"},
      {"adapter: {alhpa: 8}", "unknown key 'adapter.alhpa'; did you mean 'alpha'?"},
      {"optimizer: {name: sgd, betas: [0.9, 0.99]}",
       "r.yaml:4:24: unknown key 'optimizer.betas'; it belongs to optimizer.name: adamw"},
      {"optimizer: {momentum: 0.9}",
       "unknown key 'optimizer.momentum'; it belongs to optimizer.name: muon and optimizer.name: sgd"},
      {"adaptor: {r: 8}", "unknown key 'adaptor'; did you mean 'adapter'?"},
      {"zzz: 1", "unknown key 'zzz'; known here: name, model, adapter"},
  };
  for (const auto& [line, message] : cases) {
    SCOPED_TRACE(line);
    const std::string yaml =
        line[0] == 'm' ? "name: x\ndata: {train: [{path: a}]}\n" + std::string(line) : kMinimal + line;
    EXPECT_THAT(complaint(yaml), HasSubstr(message));
  }
}

TEST(Load, WhatARecipeStartsIsNotBelievedWhereOthersMayWriteIt) {
  SKIP_UNLESS_ROOT();
  const pst::fixture::TemporaryDirectory dir;
  const fs::path file = dir / "r.yaml";
  const auto load_with = [&](const std::string& more) {
    write_durably(file, cat(kMinimal, more));
    pst::fixture::give(file, 0);
    pst::fixture::set_mode(file, 0664);
    return load(file);
  };
  EXPECT_NO_THROW(load_with("")) << "what it trains is the group's to write";

  for (const auto& [key, text] : std::vector<std::pair<const char*, const char*>>{
           {"notify.command", "notify: { command: [/bin/true] }\n"},
           {"notify.webhook", "notify: { webhook: 'https://example.org/x' }\n"},
           {"notify.mail", "notify: { mail: me }\n"},
           {"notify.secrets_file", "notify: { secrets_file: s }\n"},
           {"slurm.secrets_file", "slurm: { secrets_file: s }\n"},
           {"slurm.site", "slurm: { site: ./mine.yaml }\n"},
           {"metrics.textfile", "metrics: { textfile: x.prom }\n"},
           {"metrics.prometheus_address", "metrics: { prometheus_port: 9000, prometheus_address: 0.0.0.0 }\n"}}) {
    const std::string words = pst::fixture::error_of(Fault::usage, [&] { load_with(text); });
    EXPECT_THAT(words, HasSubstr(cat(key, " is not believed: its group '5000' may write it")));
    EXPECT_THAT(words, HasSubstr(cat("chmod go-w ", file.string())));
    pst::fixture::set_mode(file, 0644);
    EXPECT_NO_THROW(load(file)) << key;
  }
  pst::fixture::give(file, pst::fixture::kStranger);
  EXPECT_THAT(pst::fixture::error_of(Fault::usage, [&] { load(file); }), HasSubstr("it belongs to '4242'"));
}

TEST(Load, AProgramThatOthersMayWriteIsNotStarted) {
  const pst::fixture::TemporaryDirectory dir;
  write_durably(dir / "tell", "#!/bin/sh");
  pst::fixture::set_mode(dir / "tell", 0777);
  write_durably(dir / "r.yaml", cat(kMinimal, "notify: { command: [", (dir / "tell").string(), "] }\n"));
  EXPECT_THAT(pst::fixture::error_of(Fault::usage, [&] { load(dir / "r.yaml"); }),
              HasSubstr("which is not believed: everybody may write it"));
}

}  // namespace
}  // namespace pst::recipe
