#include "config/constraint.hpp"

#include "core/strings.hpp"

namespace pst::config {

Constraint anything() { return {}; }

Constraint at_least(double least) {
  return {.wish = cat("at least ", number(least)), .number = [=](double value) { return value >= least; }};
}

Constraint above(double bound) {
  return {.wish = cat("above ", number(bound)), .number = [=](double value) { return value > bound; }};
}

Constraint between(double least, double most) {
  return {.wish = cat("from ", number(least), " to ", number(most)),
          .number = [=](double value) { return value >= least && value <= most; }};
}

Constraint from_to_below(double least, double end) {
  return {.wish = cat("at least ", number(least), " and below ", number(end)),
          .number = [=](double value) { return value >= least && value < end; }};
}

Constraint non_empty() {
  return {.wish = "non-empty", .size = [](std::size_t size) { return size > 0; }};
}

Constraint text_that(std::string wish, std::function<bool(std::string_view)> holds) {
  return {.wish = std::move(wish), .text = std::move(holds)};
}

}  // namespace pst::config
