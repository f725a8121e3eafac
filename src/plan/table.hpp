// SPDX-License-Identifier: Apache-2.0
#pragma once
#include <initializer_list>
#include <span>
#include <string>
#include <vector>

namespace pst::plan {

/// Seconds that an operation took, over a grid of sizes. Between the points, and beyond them, the logarithm of the time
/// is taken as linear in the logarithms of the sizes: exact for any power law, such as overhead-free work on n values.
class Table {
 public:
  struct Axis {
    std::string name;
    std::vector<double> points;  ///< positive, rising
  };
  static constexpr std::size_t kMostAxes = 4, kMostPoints = 32;

  Table() = default;
  /// @param seconds  the last axis runs fastest
  /// @throws Error(data) when sizes do not agree, or a number is not positive and finite; `name` is for the message
  Table(const std::string& name, std::vector<Axis> axes, std::vector<double> seconds);

  /// @param sizes  one per axis; below 1 counts as 1
  double at(std::span<const double> sizes) const;
  double at(std::initializer_list<double> sizes) const { return at(std::span(sizes.begin(), sizes.size())); }

  const std::vector<Axis>& axes() const { return axes_; }
  const std::vector<double>& seconds() const { return seconds_; }

 private:
  std::vector<Axis> axes_;
  std::vector<double> seconds_;
  std::vector<std::vector<double>> log_points_;
  std::vector<double> log_seconds_;
};

}  // namespace pst::plan
