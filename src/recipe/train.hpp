// SPDX-License-Identifier: Apache-2.0
#pragma once
#include <cstdint>
#include <optional>
#include <string>
#include <utility>
#include <vector>

namespace pst::config {
class Fields;
}

namespace pst::recipe {

enum class Precision { automatic, fp32, bf16 };
enum class DeviceChoice { automatic, cpu, cuda };
enum class Switch { automatic, on, off };  ///< written auto, true, false

/// A running average of the trained values.
struct Ema {
  std::optional<double> decay;         ///< null: none
  std::int64_t update_after_step = 0;  ///< updates whose values are taken as they are
};

/// When a run ends before its steps are done.
struct EarlyStopping {
  std::optional<std::int64_t> patience;  ///< evaluations in a row that may fail to improve; null: it does not end early
  double threshold = 0;                  ///< of the loss: less is no improvement
};

struct Train {
  double epochs = 3;
  std::optional<std::int64_t> max_steps;  ///< ends there, before or after `epochs`
  int micro_batch_size = 4;               ///< rows through the model at once
  int global_batch_size = 16;             ///< rows of an optimizer step, whatever the number of ranks
  double max_grad_norm = 1.0;             ///< 0: no clipping
  double neftune_noise_alpha = 0;         ///< noise on the embeddings; 0: none
  double label_smoothing_factor = 0;      ///< share of each label that is spread over the vocabulary
  Ema ema;
  EarlyStopping early_stopping;
  Switch load_best_model_at_end = Switch::automatic;  ///< auto: with early stopping
  Precision precision = Precision::automatic;
  Switch gradient_checkpointing = Switch::automatic;
  std::optional<double> router_aux_loss_coef;  ///< auto: as the model's config.json says
  std::uint64_t seed = 42;
  DeviceChoice device = DeviceChoice::automatic;
  std::optional<int> threads;  ///< of a rank; auto: the cores it may use
};

enum class Strategy { automatic, replicate, shard, hybrid };
enum class OptimizerState { replicate, shard };
struct Parallel {
  Strategy strategy = Strategy::automatic;               ///< where the frozen weights live
  OptimizerState optimizer = OptimizerState::replicate;  ///< where the optimizer's state lives
};

struct Evaluate {
  std::optional<std::int64_t> every_steps = 50;  ///< null: only before the first step and after the last
};

std::vector<std::pair<const char*, Precision>> words_of(Precision);
std::vector<std::pair<const char*, DeviceChoice>> words_of(DeviceChoice);
std::vector<std::pair<const char*, Switch>> words_of(Switch);
std::vector<std::pair<const char*, Strategy>> words_of(Strategy);
std::vector<std::pair<const char*, OptimizerState>> words_of(OptimizerState);
bool keeps_best(const Train& train);  ///< the run results in the values that validated best
/// Arrays that are kept beside the trained values, each as large.
int kept_arrays(const Train& train);
void bind(config::Fields& field, Ema& s);
void bind(config::Fields& field, EarlyStopping& s);
void bind(config::Fields& field, Train& s);
void bind(config::Fields& field, Parallel& s);
void bind(config::Fields& field, Evaluate& s);

}  // namespace pst::recipe
