// SPDX-License-Identifier: Apache-2.0
#include "recipe/checks.hpp"

#include <gmock/gmock.h>

#include "minimal_recipe.hpp"

namespace pst::recipe {
namespace {

using fixture::complaint;
using fixture::kMinimal;
using fixture::parse_minimal;
using ::testing::HasSubstr;

TEST(Checks, NameThePlaceAndTheValuesThatWork) {
  const std::pair<const char*, const char*> cases[] = {
      {"train: {global_batch_size: 18, micro_batch_size: 4}",
       "r.yaml:4:28: train.global_batch_size is 18, no multiple of train.micro_batch_size, 4; 16 or 20 is"},
      {"train: {global_batch_size: 2}", "no multiple of train.micro_batch_size, 4; 4 is"},
      {"train: {micro_batch_size: 5}", "r.yaml:4:27: train.global_batch_size is 16"},
      {"slurm: {nodes: 3}",
       "r.yaml:4:16: a step of 16 rows is 4 micro batches of 4, which 3 ranks cannot share equally; 1, 2 or 4 ranks "
       "can"},
      {"slurm: {nodes: 100000, ranks_per_node: 1024}", "102400000 ranks cannot share equally"},
      {"slurm: {nodes: 4, ranks_per_node: 2}", "8 ranks cannot share equally; 1, 2 or 4 ranks can"},
      {"scheduler: {warmup_steps: 20}\ntrain: {max_steps: 10}",
       "scheduler.warmup_steps is 20, more than train.max_steps, 10"},
      {"scheduler: {name: cosine_with_min_lr}", "needs scheduler.min_lr or scheduler.min_lr_rate, and not both"},
      {"scheduler: {name: cosine_with_min_lr, min_lr: 1, min_lr_rate: 0.1}", "and not both"},
      {"scheduler: {name: cosine_with_min_lr, min_lr: 0.1}", "scheduler.min_lr is 0.1, above optimizer.lr, 0.0002"},
      {"scheduler: {name: polynomial, lr_end: 0.1}", "scheduler.lr_end is 0.1, not below optimizer.lr, 0.0002"},
      {"optimizer: {name: schedule_free_adamw}", "in place of a schedule; write scheduler.name: constant"},
      {"optimizer: {name: schedule_free_adamw}\nscheduler: {name: linear}",
       "r.yaml:5:19: optimizer.name schedule_free"},
      {"optimizer: {name: adafactor, warmup_init: true}", "is of no use without optimizer.relative_step: true"},
      {"optimizer: {name: adafactor, relative_step: true, lr: 0.1}",
       "optimizer.lr does not count with optimizer.relative_step: true"},
      {"adapter: {type: ia3}\noptimizer: {loraplus_lr_ratio: 16}",
       "r.yaml:5:32: optimizer.loraplus_lr_ratio is for matrices B, which adapter.type ia3 does not have; remove it"},
      {"adapter: {type: vera}\noptimizer: {loraplus_lr_ratio: 16}", "which adapter.type vera does not have"},
      {"adapter: {type: prompt_tuning}\noptimizer: {loraplus_lr_ratio: 16}",
       "which adapter.type prompt_tuning does not"},
      {"optimizer: {loraplus_weight_decay: 0.1}", "is of no use without optimizer.loraplus_lr_ratio"},
      {"optimizer: {lr: 0, loraplus_lr_ratio: 16}", "multiplies optimizer.lr, which is 0"},
      {"slurm: {gpus_per_node: 1, ranks_per_node: 2}", "every rank uses one GPU"},
      {"slurm: {gpus_per_node: 1}\ntrain: {device: cpu}", "that train.device: cpu leaves idle"},
      {"train: {ema: {decay: 0.9}}\noptimizer: {name: schedule_free_adamw}\nscheduler: {name: constant}",
       "r.yaml:4:22: train.ema averages the trained values, but optimizer.name schedule_free_adamw has an average of"},
      {"train: {ema: {decay: 0.9}}\nadapter: {type: adalora}",
       "r.yaml:4:22: train.ema averages the trained values, but adapter.type adalora gives some of them up"},
      {"train: {early_stopping: {patience: 3}}",
       "r.yaml:4:36: train.early_stopping.patience goes by the validation loss, but no example is held out"},
      {"train: {load_best_model_at_end: true}", "train.load_best_model_at_end goes by the validation loss"},
      {"guard: {not_finite: warn}", "r.yaml:4:21: guard.not_finite is warn"},
      {"slurm: {cpus_per_rank: 2}\ntrain: {threads: 4}", "train.threads is 4, more than the cores of a rank"},
  };
  for (const auto& [lines, message] : cases) {
    SCOPED_TRACE(lines);
    EXPECT_THAT(complaint(kMinimal + lines), HasSubstr(message));
    EXPECT_THAT(complaint(kMinimal + lines), HasSubstr("(1 problem"));
  }
}

TEST(Checks, LoraPlusIsForMethodsWithMatricesB) {
  for (const char* type : {"lora", "adalora", "delora", "gralora"})
    EXPECT_EQ(parse_minimal(std::string("adapter: {type: ") + type + "}\noptimizer: {loraplus_lr_ratio: 16}")
                  .optimizer.loraplus_lr_ratio,
              16)
        << type;
}

TEST(Checks, EarlyStoppingNeedsEvaluationsAndValuesThatStay) {
  const std::string start = "name: x\nmodel: {path: m}\ndata: {train: [{path: a}], validation_fraction: 0.1}\n";
  EXPECT_THAT(
      complaint(start + "train: {early_stopping: {patience: 3}}\nevaluate: {every_steps: null}"),
      HasSubstr("r.yaml:4:36: train.early_stopping.patience counts evaluations, but evaluate.every_steps is null"));
  EXPECT_THAT(complaint(start + "train: {early_stopping: {patience: 3}}\nadapter: {type: adalora}"),
              HasSubstr("the best values are to be kept, but adapter.type adalora gives some of them up"));
  const std::string averaging = "\noptimizer: {name: schedule_free_adamw}\nscheduler: {name: constant}";
  EXPECT_THAT(
      complaint(start + "train: {early_stopping: {patience: 3}}" + averaging),
      HasSubstr("r.yaml:4:36: the best values are to be kept, but optimizer.name schedule_free_adamw results in "
                "its last average; write train.load_best_model_at_end: false"));
  EXPECT_EQ(complaint(start + "train: {early_stopping: {patience: 3}, load_best_model_at_end: false}" + averaging), "");
}

TEST(Checks, ValidationIsGivenOneWayAndIsNotTrainingData) {
  const std::string start = "name: x\nmodel: {path: m}\n";
  const std::pair<const char*, const char*> cases[] = {
      {"data: {train: [{path: a}], validation: [{path: b}], validation_fraction: 0.1}", "exclude each other"},
      {"data: {train: [{path: a}], validation: [{path: b}, {path: ./a}]}",
       "r.yaml:3:59: \"/base/a\" is in data.train as well"},
      {"data: {train: [{path: a}, {path: x/../a}]}", "\"/base/a\" is in data.train twice"},
  };
  for (const auto& [lines, message] : cases) {
    SCOPED_TRACE(lines);
    EXPECT_THAT(complaint(start + lines), HasSubstr(message));
  }
}

TEST(Checks, AFileOfManyTimesIsReportedOnceEach) {
  std::string files;
  for (int i = 0; i < 200; ++i) files += "{path: a},";

  EXPECT_THAT(complaint("name: x\nmodel: {path: m}\ndata: {train: [" + files + "], validation: [" + files + "]}\n"),
              HasSubstr("(399 problems"));
}

TEST(Checks, AMistakeInOneValueIsReportedOnce) {
  const std::string all = complaint(kMinimal + "train: {micro_batch_size: 0, global_batch_size: 3}\n");

  EXPECT_THAT(all, HasSubstr("train.micro_batch_size is 0; it must be at least 1 (1 problem, nothing started)"));
}

TEST(Checks, RanksShareAStepEqually) {
  const Recipe recipe = parse_minimal();

  for (const int ranks : {1, 2, 4}) EXPECT_NO_THROW(check_ranks(recipe, ranks)) << ranks;
  for (const int ranks : {-1, 0, 3, 8, 16}) {
    try {
      check_ranks(recipe, ranks);
      ADD_FAILURE() << ranks;
    } catch (const Error& error) {
      EXPECT_EQ(error.fault(), Fault::usage);
    }
  }
}

}  // namespace
}  // namespace pst::recipe
