// SPDX-License-Identifier: Apache-2.0
#pragma once
#include <utility>
#include <vector>

namespace pst::config {
class Fields;
}

namespace pst::recipe {

enum class GuardAction { warn, stop, skip, rollback };

/// What is watched while training, and what is done about it.
struct Guard {
  GuardAction not_finite = GuardAction::stop;  ///< a NaN or infinite loss or gradient; `warn` is refused
  GuardAction spike = GuardAction::warn;       ///< a loss or gradient out of proportion
  double loss_ratio = 2.0;                     ///< times the lowest loss of the last `loss_window` steps
  int loss_window = 5;
  double grad_norm = 10.0;       ///< 0: no absolute limit
  double grad_norm_ratio = 5.0;  ///< times its running average
};

std::vector<std::pair<const char*, GuardAction>> words_of(GuardAction);
void bind(config::Fields& field, Guard& s);

}  // namespace pst::recipe
