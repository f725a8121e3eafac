// SPDX-License-Identifier: Apache-2.0
#include "config/constraint.hpp"

#include <cmath>
#include <cstdint>

#include "core/strings.hpp"

namespace pst::config {

namespace {

/// 100000 and not 1e+05: bounds are read by people.
std::string shown(double bound) {
  const bool whole = std::abs(bound) < 1e15 && bound == std::floor(bound);
  return whole ? cat(static_cast<std::int64_t>(bound)) : number(bound);
}

}  // namespace

Constraint anything() { return {}; }

Constraint at_least(double least) {
  return {.wish = cat("at least ", shown(least)), .number = [=](double value) { return value >= least; }};
}

Constraint above(double bound) {
  return {.wish = cat("above ", shown(bound)), .number = [=](double value) { return value > bound; }};
}

Constraint between(double least, double most) {
  return {.wish = cat("from ", shown(least), " to ", shown(most)),
          .number = [=](double value) { return value >= least && value <= most; }};
}

Constraint from_to_below(double least, double end) {
  return {.wish = cat("at least ", shown(least), " and below ", shown(end)),
          .number = [=](double value) { return value >= least && value < end; }};
}

Constraint non_empty() {
  return {.wish = "non-empty", .size = [](std::size_t size) { return size > 0; }};
}

Constraint text_that(std::string wish, std::function<bool(std::string_view)> holds) {
  return {.wish = std::move(wish), .text = std::move(holds)};
}

}  // namespace pst::config
