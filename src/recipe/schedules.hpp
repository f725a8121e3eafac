// SPDX-License-Identifier: Apache-2.0
#pragma once
#include <cstdint>
#include <optional>
#include <utility>
#include <variant>
#include <vector>

namespace pst::config {
class Fields;
}

// The table of schedules: courses of the learning rate after the warm-up, by transformers' names, with transformers'
// keys. Their formulas are in src/optim/schedule.cpp.
namespace pst::recipe {

/// After a warm-up too, unlike the schedule that transformers calls so: scheduler.warmup_steps: 0 is without.
struct Constant {
  static constexpr const char* kName = "constant";
};
/// The same under transformers' name.
struct ConstantWithWarmup {
  static constexpr const char* kName = "constant_with_warmup";
};
struct Linear {
  static constexpr const char* kName = "linear";
};
struct Cosine {
  static constexpr const char* kName = "cosine";
  double num_cycles = 0.5;
};
struct CosineWithRestarts {
  static constexpr const char* kName = "cosine_with_restarts";
  int num_cycles = 1;
};
struct CosineWithMinLr {
  static constexpr const char* kName = "cosine_with_min_lr";
  double num_cycles = 0.5;
  std::optional<double> min_lr, min_lr_rate;  ///< one of them
};
struct Polynomial {
  static constexpr const char* kName = "polynomial";
  double lr_end = 1e-7, power = 1;
};
struct InverseSqrt {
  static constexpr const char* kName = "inverse_sqrt";
  std::optional<std::int64_t> timescale;  ///< absent: the warm-up's steps, or 10,000 where there are none
};
enum class Slope { linear, cosine, one_minus_sqrt };
struct WarmupStableDecay {
  static constexpr const char* kName = "warmup_stable_decay";
  std::int64_t num_decay_steps = 0;
  std::optional<std::int64_t> num_stable_steps;  ///< absent: what warm-up and decay leave of the run
  Slope warmup_type = Slope::linear, decay_type = Slope::cosine;
  double min_lr_ratio = 0, num_cycles = 0.5;
};

using Course = std::variant<Constant, ConstantWithWarmup, Linear, Cosine, CosineWithRestarts, CosineWithMinLr,
                            Polynomial, InverseSqrt, WarmupStableDecay>;

struct Scheduler {
  Course course = Cosine{};
  double warmup_ratio = 0.03;
  std::optional<std::int64_t> warmup_steps;  ///< instead of warmup_ratio
};

std::vector<std::pair<const char*, Slope>> words_of(Slope);
inline void bind(config::Fields&, Constant&) {}
inline void bind(config::Fields&, ConstantWithWarmup&) {}
inline void bind(config::Fields&, Linear&) {}
void bind(config::Fields& field, Cosine& s);
void bind(config::Fields& field, CosineWithRestarts& s);
void bind(config::Fields& field, CosineWithMinLr& s);
void bind(config::Fields& field, Polynomial& s);
void bind(config::Fields& field, InverseSqrt& s);
void bind(config::Fields& field, WarmupStableDecay& s);
void bind(config::Fields& field, Scheduler& s);

}  // namespace pst::recipe
