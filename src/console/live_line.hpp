// SPDX-License-Identifier: Apache-2.0
#pragma once
#include <cstdint>
#include <functional>
#include <iostream>
#include <ostream>
#include <string>

namespace pst::console {

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

/// On a terminal, large data shows that it is being read; elsewhere nothing is printed.
class ReadingLine {
 public:
  /// To be called with the number of examples so far. Valid as long as this object.
  std::function<void(std::int64_t examples)> progress();
  ~ReadingLine() { line_.finish(); }

 private:
  LiveLine::Kind kind_ = kind_of_standard_error();
  LiveLine line_{std::cerr, kind_};
};

}  // namespace pst::console
