// SPDX-License-Identifier: Apache-2.0
#pragma once
#include <string>
#include <vector>

#include "methods/adapter.hpp"

namespace pst::methods {

/// The keys of `type: ia3`. @see Liu et al. 2022, arXiv:2205.05638, section 3.3
struct Ia3 {
  std::vector<std::string> feedforward_modules = {"down_proj"};
};

constexpr const char* kIa3 = "ia3_l";  ///< [1, in] where inputs are scaled, [out, 1] where outputs are

/// Whether it is a layer's input that is scaled.
bool scales_input(const Adapter& adapter, const std::string& layer);

}  // namespace pst::methods
