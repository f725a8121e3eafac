// SPDX-License-Identifier: Apache-2.0
#pragma once
#include "nn/parameter.hpp"

namespace pst::fixture {

/// Declares adapters as they are, and shapes that are awkward to cut: odd rows, a single row, none at all, no
/// dimension.
inline void odd_parameters(nn::ParameterSet& parameters, at::ScalarType compute = at::kFloat) {
  parameters.add("a", {16, 576});
  parameters.add("b", {1536, 16});
  parameters.add("odd", {7, 33});
  parameters.add("row", {1, 5000});
  parameters.add("none", {0, 8});
  parameters.add("scalar", {});
  parameters.add("narrow", {999, 3});
  parameters.allocate(compute);
}

}  // namespace pst::fixture
