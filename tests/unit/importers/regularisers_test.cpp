// SPDX-License-Identifier: Apache-2.0
#include "importers/import_config.hpp"

#include <gmock/gmock.h>

#include "recipe/load.hpp"

namespace pst::importers {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;

struct Read {
  recipe::Recipe recipe;
  std::vector<Note> notes;
};

Read imported(const std::string& text) {
  const auto made = import_config(text, "their.yaml", std::nullopt, 1);
  return {recipe::parse(made.recipe, "ours.yaml", {}, "/home/me"), made.notes};
}

std::vector<std::string> texts(const std::vector<Note>& notes, Note::Kind kind) {
  std::vector<std::string> found;
  for (const auto& note : notes)
    if (note.kind == kind) found.push_back(note.text);
  return found;
}

TEST(Regularisers, AreCarriedOverByEveryProgramThatHasThem) {
  const std::string axolotl = "base_model: ./m\nlora_r: 8\nlora_alpha: 8\nval_set_size: 0.1\n";
  const std::string factory = "model_name_or_path: ./m\nstage: sft\nfinetuning_type: lora\ndataset: d\nval_size: 0.1\n";
  const std::string trl = "model_name_or_path: ./m\ndataset_name: d\nuse_peft: true\n";
  const std::string tune =
      "model: {_component_: torchtune.models.llama3.lora_llama3_8b}\ncheckpointer: {checkpoint_dir: /m}\n"
      "tokenizer: {max_seq_len: 512}\ndataset: {_component_: x.alpaca_dataset}\n";
  const auto train = [](const std::string& text) { return imported(text).recipe.train; };
  const std::string shared = "neftune_noise_alpha: 5\nlabel_smoothing_factor: 0.1\nmetric_for_best_model: eval_loss\n";

  for (const std::string& text : {axolotl, factory, trl}) {
    const auto read = imported(text + shared + "greater_is_better: false\n");
    EXPECT_EQ(read.recipe.train.neftune_noise_alpha, 5);
    EXPECT_EQ(read.recipe.train.label_smoothing_factor, 0.1);
    EXPECT_THAT(texts(read.notes, Note::Kind::dropped), ElementsAre());
  }
  EXPECT_EQ(
      train(tune + "loss: {_component_: torch.nn.CrossEntropyLoss, label_smoothing: 0.2}\n").label_smoothing_factor,
      0.2);
  EXPECT_EQ(train(axolotl + "early_stopping_patience: 3\n").early_stopping.patience, 3);
  EXPECT_EQ(train(factory + "early_stopping_steps: 4\n").early_stopping.patience, 4);
  EXPECT_EQ(train(factory + "load_best_model_at_end: true\n").load_best_model_at_end, recipe::Switch::on);
  EXPECT_THAT(texts(imported(axolotl + "metric_for_best_model: accuracy\ngreater_is_better: true\n").notes,
                    Note::Kind::dropped),
              testing::IsSupersetOf({HasSubstr("metric_for_best_model: accuracy: the validation loss decides"),
                                     HasSubstr("greater_is_better: true")}));
}

}  // namespace
}  // namespace pst::importers
