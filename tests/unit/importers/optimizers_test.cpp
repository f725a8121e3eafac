// SPDX-License-Identifier: Apache-2.0
// Optimizers of other programs.
#include <gmock/gmock.h>

#include "importers/import_config.hpp"
#include "recipe/load.hpp"

namespace pst::importers {
namespace {

using ::testing::ElementsAre;

struct Read {
  recipe::Recipe recipe;
  std::vector<Note> notes;
};

Read imported(const std::string& text) {
  const auto made = import_config(text, "their.yaml", std::nullopt, 1);
  return {recipe::parse(made.recipe, "ours.yaml", {}, "/home/me"), made.notes};
}

TEST(Import, SgdStaysSgd) {
  const auto of_trl = imported(
                          "model_name_or_path: m\ndataset_name: d\nuse_peft: true\noptim: sgd\nadam_beta1: 0.9\n"
                          "adam_epsilon: 1.0e-8\n")
                          .recipe.optimizer;
  EXPECT_EQ(std::get<recipe::Sgd>(of_trl.rule).momentum, 0) << "as transformers makes it";

  const auto of_torchtune =
      imported(
          "model: {_component_: torchtune.models.llama3_1.lora_llama3_1_8b, lora_rank: 8}\n"
          "checkpointer: {checkpoint_dir: /m}\ntokenizer: {_component_: t}\ndataset: {_component_: "
          "torchtune.datasets.alpaca_dataset}\n"
          "optimizer: {_component_: torch.optim.SGD, lr: 0.1, momentum: 0.8, nesterov: true}\n")
          .recipe.optimizer;
  EXPECT_EQ(std::get<recipe::Sgd>(of_torchtune.rule).momentum, 0.8);
  EXPECT_TRUE(std::get<recipe::Sgd>(of_torchtune.rule).nesterov);
  EXPECT_EQ(of_torchtune.weight_decay, 0);
}

recipe::Optimizer optimizer_of_trl(const std::string& keys) {
  return imported("model_name_or_path: m\ndataset_name: d\nuse_peft: true\n" + keys).recipe.optimizer;
}

TEST(Import, LionHasTheBetasThatTransformersGivesIt) {
  EXPECT_THAT(std::get<recipe::Lion>(optimizer_of_trl("optim: lion_32bit\n").rule).betas, ElementsAre(0.9, 0.999));
  EXPECT_THAT(std::get<recipe::Lion>(optimizer_of_trl("optim: paged_lion_8bit\nadam_beta2: 0.99\n").rule).betas,
              ElementsAre(0.9, 0.99));
}

TEST(Import, LoraPlusIsCarriedOver) {
  const auto of_axolotl =
      imported("base_model: ./m\nadapter: lora\nloraplus_lr_ratio: 16\nloraplus_lr_embedding: 1.0e-5\n")
          .recipe.optimizer;
  EXPECT_EQ(of_axolotl.loraplus_lr_ratio, 16);
  EXPECT_EQ(of_axolotl.loraplus_lr_embedding, 1e-5);

  const auto of_llama_factory =
      imported("stage: sft\nfinetuning_type: lora\nmodel_name_or_path: ./m\nloraplus_lr_ratio: 8\n").recipe.optimizer;
  EXPECT_EQ(of_llama_factory.loraplus_lr_ratio, 8);
}

template <class Rule>
void expect_rule(const char* name) {
  SCOPED_TRACE(name);
  const auto read = imported(std::string("base_model: ./m\nadapter: lora\noptimizer: ") + name + "\n");
  EXPECT_TRUE(std::holds_alternative<Rule>(read.recipe.optimizer.rule));
}

TEST(Import, OptimizersKeepTheirNames) {
  for (const char* name : {"adamw_torch", "adamw_torch_fused", "paged_adamw_32bit", "adamw_apex_fused"})
    expect_rule<recipe::AdamW>(name);
  for (const char* name : {"adamw_bnb_8bit", "adamw_8bit", "paged_adamw_8bit", "adamw_torch_8bit"})
    expect_rule<recipe::AdamW8bit>(name);
  expect_rule<recipe::Adafactor>("adafactor");
  expect_rule<recipe::Muon>("muon");
  expect_rule<recipe::ScheduleFreeAdamW>("schedule_free_adamw");
}

TEST(Import, AScheduleBesideScheduleFreeIsTold) {
  const auto read = imported("base_model: ./m\nadapter: lora\noptimizer: schedule_free_adamw\nlr_scheduler: cosine\n");
  EXPECT_TRUE(std::holds_alternative<recipe::Constant>(read.recipe.scheduler.course));
  bool told = false;
  for (const Note& note : read.notes) told = told || note.text.find("cosine becomes constant") != std::string::npos;
  EXPECT_TRUE(told);
}

}  // namespace
}  // namespace pst::importers
