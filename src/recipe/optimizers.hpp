// SPDX-License-Identifier: Apache-2.0
#pragma once
#include <array>
#include <cstdint>
#include <optional>
#include <utility>
#include <variant>
#include <vector>

#include "core/view.hpp"

namespace pst::config {
class Fields;
}

// The table of optimizers: what is known of one before it runs. What it does is in src/optim/rules.cpp. A row has
//   kName         as recipes name it
//   kState        arrays that it keeps, one f32 value for each trained value; or a function `state`, where it depends
//   on
//                 the tensor. Checkpoints name them optimizer/<array>/<parameter>
//   kCut          where shares of a tensor may be cut, unless between any rows
//   kValuesMoved  f32 values that updating one reads and writes, for plans
//   kWeightDecay  what optimizer.weight_decay does to it
// and the keys that it alone has.
namespace pst::recipe {

using Shape = std::vector<std::int64_t>;

/// An array that an optimizer keeps for a trained tensor.
struct StateArray {
  const char* name;
  Shape shape;
  std::int64_t values_per_row = 0;  ///< of the tensor, that a row of the array goes with; 0: all go with all
  Dtype dtype = Dtype::f32;         ///< or u8
};
std::int64_t values_in_row(const StateArray& array);
std::int64_t values_of(const StateArray& array);

/// Where a tensor may be cut into shares of its state.
enum class Cut { rows, blocks, nowhere };
constexpr std::int64_t kStateBlock = 256;  ///< values, for Cut::blocks

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

/// AdamW whose moments are codes of 8 bits with a scale for each block of 256, as bitsandbytes keeps them. Tensors of
/// fewer than kSmall values keep f32.
/// @see Dettmers et al. 2022, arXiv:2110.02861
struct AdamW8bit {
  static constexpr const char* kName = "adamw_8bit";
  static constexpr std::int64_t kSmall = 4096;  // bitsandbytes' min_8bit_size
  static constexpr Cut kCut = Cut::blocks;
  static constexpr int kValuesMoved = 4;
  static constexpr const char* kWeightDecay = "Decoupled weight decay.";
  static std::vector<StateArray> state(const Shape& shape);
  std::array<double, 2> betas = {0.9, 0.999};
  double eps = 1e-8;
};

/// AdamW without a schedule: gradients are taken between a point that moves at the full rate and the average of its
/// places, and the average is the result.
/// @see Defazio et al. 2024, arXiv:2405.15682
struct ScheduleFreeAdamW {
  static constexpr const char* kName = "schedule_free_adamw";
  static constexpr std::array kState = {"z", "exp_avg_sq", "averaged"};
  static constexpr int kValuesMoved = 9;
  static constexpr const char* kWeightDecay = "Decoupled weight decay.";
  std::array<double, 2> betas = {0.9, 0.999};
  double eps = 1e-8;
};

/// Second moments of a matrix as means of its rows and columns.
/// @see Shazeer and Stern 2018, arXiv:1804.04235
struct Adafactor {
  static constexpr const char* kName = "adafactor";
  static constexpr Cut kCut = Cut::nowhere;
  static constexpr int kValuesMoved = 6;
  static constexpr const char* kWeightDecay = "Decoupled weight decay.";
  static std::vector<StateArray> state(const Shape& shape);
  std::array<double, 2> eps = {1e-30, 1e-3};
  double clip_threshold = 1, decay_rate = -0.8;
  bool scale_parameter = false, relative_step = false, warmup_init = false;
};

enum class MuonRate { original, match_rms_adamw };
std::vector<std::pair<const char*, MuonRate>> words_of(MuonRate);

/// Momentum of a matrix made orthogonal; AdamW for what is no matrix.
/// @see Jordan et al. 2024, https://kellerjordan.github.io/posts/muon; Liu et al. 2025, arXiv:2502.16982
struct Muon {
  static constexpr const char* kName = "muon";
  static constexpr Cut kCut = Cut::nowhere;
  static constexpr int kValuesMoved = 30;  // five iterations over bf16 copies
  static constexpr const char* kWeightDecay = "Decoupled weight decay.";
  static std::vector<StateArray> state(const Shape& shape);
  double momentum = 0.95;
  bool nesterov = true;
  int ns_steps = 5;
  MuonRate adjust_lr_fn = MuonRate::match_rms_adamw;
  std::array<double, 2> betas = {0.9, 0.999};
  double eps = 1e-8;
};

using OptimizerRule = std::variant<AdamW, Sgd, Lion, AdamW8bit, ScheduleFreeAdamW, Adafactor, Muon>;

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

/// The arrays of a trained tensor's state, in the order in which the rule takes them.
std::vector<StateArray> state_of(const Optimizer& optimizer, const Shape& shape);
Cut cut_of(const Optimizer& optimizer);
/// FlatShares' `piece`.
std::optional<std::int64_t> piece_of(Cut cut, std::int64_t otherwise);
int values_moved(const Optimizer& optimizer);

void bind(config::Fields& field, AdamW& s);
void bind(config::Fields& field, Sgd& s);
void bind(config::Fields& field, Lion& s);
void bind(config::Fields& field, AdamW8bit& s);
void bind(config::Fields& field, ScheduleFreeAdamW& s);
void bind(config::Fields& field, Adafactor& s);
void bind(config::Fields& field, Muon& s);
void bind(config::Fields& field, Optimizer& s);

}  // namespace pst::recipe
