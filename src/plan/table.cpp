// SPDX-License-Identifier: Apache-2.0
#include "plan/table.hpp"

#include <algorithm>
#include <array>
#include <cmath>

#include "core/error.hpp"
#include "core/strings.hpp"

namespace pst::plan {
namespace {

constexpr const char* kRemedy = "remove the file and run `peft-studio probe` again";

bool is_size(double value) { return std::isfinite(value) && value > 0; }

std::vector<double> logarithms(const std::vector<double>& values) {
  std::vector<double> out;
  for (const double value : values) out.push_back(std::log(value));
  return out;
}

}  // namespace

Table::Table(const std::string& name, std::vector<Axis> axes, std::vector<double> seconds)
    : axes_(std::move(axes)), seconds_(std::move(seconds)) {
  if (axes_.empty() || axes_.size() > kMostAxes)
    throw Error(Fault::data, cat("table ", quoted(name), " has ", axes_.size(), " axes"), kRemedy);
  std::size_t count = 1;
  for (const Axis& axis : axes_) {
    const auto& points = axis.points;
    if (points.empty() || points.size() > kMostPoints || !std::all_of(points.begin(), points.end(), is_size) ||
        std::adjacent_find(points.begin(), points.end(), std::greater_equal<>()) != points.end())
      throw Error(Fault::data, cat("table ", quoted(name), ": axis ", quoted(axis.name), " is no list of rising sizes"),
                  kRemedy);
    count *= points.size();
    log_points_.push_back(logarithms(points));
  }
  if (seconds_.size() != count || !std::all_of(seconds_.begin(), seconds_.end(), is_size))
    throw Error(Fault::data,
                cat("table ", quoted(name), " needs ", count, " times above zero, and has ", seconds_.size()), kRemedy);
  log_seconds_ = logarithms(seconds_);
}

double Table::at(std::span<const double> sizes) const {
  PST_ASSERT(sizes.size() == axes_.size(), "an operation has as many sizes as its table has axes");
  // The cell around the point, and where in it the point lies: beyond the grid, below 0 or above 1.
  std::array<std::size_t, kMostAxes> cell{};
  std::array<double, kMostAxes> share{};
  for (std::size_t a = 0; a < axes_.size(); ++a) {
    const auto& points = log_points_[a];
    const double x = std::log(std::max(1.0, sizes[a]));
    const auto above = std::upper_bound(points.begin(), points.end(), x);
    const auto last = points.size() < 2 ? 0 : points.size() - 2;
    cell[a] =
        std::min<std::size_t>(last, above == points.begin() ? 0 : static_cast<std::size_t>(above - points.begin()) - 1);
    // An axis of one point says nothing of the slope: the time is then in proportion to the size.
    share[a] = points.size() < 2 ? x - points[0] : (x - points[cell[a]]) / (points[cell[a] + 1] - points[cell[a]]);
  }
  double sum = 0;
  for (std::size_t corner = 0; corner < (std::size_t{1} << axes_.size()); ++corner) {
    double weight = 1;
    std::size_t index = 0;
    bool exists = true;
    for (std::size_t a = 0; a < axes_.size(); ++a) {
      const bool upper = (corner >> a & 1) != 0, single = axes_[a].points.size() < 2;
      exists = exists && !(single && upper);
      if (!single) weight *= upper ? share[a] : 1 - share[a];
      index = index * axes_[a].points.size() + cell[a] + (upper && !single ? 1 : 0);
    }
    if (exists) sum += weight * log_seconds_[index];
  }
  for (std::size_t a = 0; a < axes_.size(); ++a)
    if (axes_[a].points.size() < 2) sum += share[a];
  return std::exp(sum);
}

}  // namespace pst::plan
