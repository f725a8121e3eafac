// SPDX-License-Identifier: Apache-2.0
#include "config/path_constraint.hpp"

namespace pst::config {

Constraint path() {
  const auto holds = [](std::string_view text) { return !text.empty() && text.front() != '~'; };
  return text_that("a path (`~` is not expanded)", holds);
}

}  // namespace pst::config
