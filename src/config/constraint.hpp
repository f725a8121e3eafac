// SPDX-License-Identifier: Apache-2.0
#pragma once
#include <cstddef>
#include <functional>
#include <string>
#include <string_view>

namespace pst::config {

/// What a value must be, beyond its type. Numbers and texts inside a list are checked one by one; a size is that of the
/// list, map or text itself.
struct Constraint {
  std::string wish;  ///< completes "it must be ..."; empty: nothing is asked
  std::function<bool(double)> number;
  std::function<bool(std::string_view)> text;
  std::function<bool(std::size_t)> size;
};

Constraint anything();
Constraint at_least(double least);
Constraint above(double bound);
Constraint between(double least, double most);       ///< both ends allowed
Constraint from_to_below(double least, double end);  ///< `end` itself not allowed
Constraint non_empty();
/// Texts for which `holds`; `wish` completes "it must be ...".
Constraint text_that(std::string wish, std::function<bool(std::string_view)> holds);

}  // namespace pst::config
