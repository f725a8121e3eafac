// SPDX-License-Identifier: Apache-2.0
#pragma once
#include <cstdint>
#include <optional>
#include <variant>

namespace pst::config {
class Fields;
}

// The table of schedules: courses of the learning rate after the warm-up, by the names that recipes give them. Their
// formulas are in src/optim/schedule.cpp.
namespace pst::recipe {

struct Constant {
  static constexpr const char* kName = "constant";
};
struct Linear {
  static constexpr const char* kName = "linear";
};
struct Cosine {
  static constexpr const char* kName = "cosine";
};

using Course = std::variant<Constant, Linear, Cosine>;

struct Scheduler {
  Course course = Cosine{};
  double warmup_ratio = 0.03;
  std::optional<std::int64_t> warmup_steps;  ///< instead of warmup_ratio
};

// None of these has keys of its own.
inline void bind(config::Fields&, Constant&) {}
inline void bind(config::Fields&, Linear&) {}
inline void bind(config::Fields&, Cosine&) {}
void bind(config::Fields& field, Scheduler& s);

}  // namespace pst::recipe
