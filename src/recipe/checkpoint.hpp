// SPDX-License-Identifier: Apache-2.0
#pragma once
#include <cstdint>
#include <optional>
#include <string>

namespace pst::config {
class Fields;
}

namespace pst::recipe {

/// When a run saves its state, what it keeps, and what it starts from.
struct Checkpoint {
  bool enabled = true;
  std::optional<std::int64_t> every_steps;  ///< neither of the two: an interval from the measured cost
  std::optional<double> every_minutes;
  int keep = 2;                                 ///< newest ones
  bool keep_best = true;                        ///< the one with the lowest validation loss, made when it is reached
  std::optional<std::int64_t> milestone_steps;  ///< every so many steps one that stays for good
  double max_loss_minutes = 0;                  ///< stop when nothing could be saved for so long; 0: go on whatever
  std::string resume = "auto";                  ///< auto, never, or the folder of a checkpoint
};

void bind(config::Fields& field, Checkpoint& s);

}  // namespace pst::recipe
