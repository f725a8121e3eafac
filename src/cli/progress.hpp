// SPDX-License-Identifier: Apache-2.0
#pragma once
#include <cstdint>
#include <optional>
#include <ostream>
#include <string>

namespace pst::cli {

/// Where a training is, as its latest records tell.
struct Progress {
  std::int64_t step = 0, total_steps = 0;
  std::optional<double> loss, lr, tokens_per_s, seconds_left;
  std::optional<double> validation_loss;  ///< the latest
};

/// "step 12/60  loss 1.234  lr 3.1e-04  812 tokens/s  01:12 left"; what is not known is left out.
std::string to_line(const Progress& progress);

/// A line of text that is kept up to date: in place on a terminal, else as a new line when it changed and some seconds
/// have passed.
class LiveLine {
 public:
  enum class Kind { in_place, lines };
  explicit LiveLine(std::ostream& out, Kind kind, double every_s = 5) : out_(out), kind_(kind), every_s_(every_s) {}

  void show(const std::string& text);
  /// Leaves the latest text standing; what is printed next begins a new line.
  void finish();

 private:
  std::ostream& out_;
  Kind kind_;
  double every_s_;
  std::string latest_, printed_;
  double printed_at_ = -1e9;
};

/// In place when standard error is a terminal that understands it.
LiveLine::Kind kind_of_standard_error();

}  // namespace pst::cli
