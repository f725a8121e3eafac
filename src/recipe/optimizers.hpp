// SPDX-License-Identifier: Apache-2.0
#pragma once
#include <array>
#include <optional>
#include <span>
#include <utility>
#include <variant>
#include <vector>

namespace pst::config {
class Fields;
}

// The table of optimizers: what is known of one before it runs. What it does is in src/optim/rules.cpp. A row has
//   kName         as recipes name it
//   kState        arrays that it keeps, one f32 value for each trained value, as checkpoints name them:
//                 optimizer/<array>/<parameter>
//   kValuesMoved  f32 values that updating one reads and writes, for plans
//   kWeightDecay  what optimizer.weight_decay does to it
// and the keys that it alone has.
namespace pst::recipe {

/// @see Loshchilov and Hutter 2019, arXiv:1711.05101
struct AdamW {
  static constexpr const char* kName = "adamw";
  static constexpr std::array kState = {"exp_avg", "exp_avg_sq"};
  static constexpr int kValuesMoved = 7;
  static constexpr const char* kWeightDecay = "Decoupled weight decay.";
  std::array<double, 2> betas = {0.9, 0.999};
  double eps = 1e-8;
};

/// Gradient descent with momentum, as torch.optim.SGD without dampening.
struct Sgd {
  static constexpr const char* kName = "sgd";
  static constexpr std::array kState = {"momentum_buffer"};
  static constexpr int kValuesMoved = 5;
  static constexpr const char* kWeightDecay = "Of each value, added to its gradient (L2).";
  double momentum = 0.9;
  bool nesterov = false;
};

/// A step of one size for all values: the sign of a running mean decides where to. It wants a third to a tenth of
/// AdamW's rate.
/// @see Chen et al. 2023, arXiv:2302.06675, algorithm 2
struct Lion {
  static constexpr const char* kName = "lion";
  static constexpr std::array kState = {"exp_avg"};
  static constexpr int kValuesMoved = 5;
  static constexpr const char* kWeightDecay = "Decoupled weight decay.";
  std::array<double, 2> betas = {0.9, 0.99};
};

using OptimizerRule = std::variant<AdamW, Sgd, Lion>;

/// Trained tensors that weight decay leaves alone.
enum class NoDecay { norms_and_biases, nothing };
std::vector<std::pair<const char*, NoDecay>> words_of(NoDecay);

struct Optimizer {
  OptimizerRule rule;
  double lr = 2e-4;
  double weight_decay = 0;
  NoDecay no_decay = NoDecay::norms_and_biases;
  std::optional<double> loraplus_lr_ratio;  ///< present: LoRA+
  double loraplus_lr_embedding = 1e-6;
  std::optional<double> loraplus_weight_decay;  ///< absent: weight_decay
};

std::span<const char* const> state_of(const Optimizer& optimizer);
int values_moved(const Optimizer& optimizer);

void bind(config::Fields& field, AdamW& s);
void bind(config::Fields& field, Sgd& s);
void bind(config::Fields& field, Lion& s);
void bind(config::Fields& field, Optimizer& s);

}  // namespace pst::recipe
