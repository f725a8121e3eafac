// SPDX-License-Identifier: Apache-2.0
#pragma once
#include <map>
#include <optional>
#include <string>

namespace pst::methods {

/// The keys of `type: osf`. @see Nayak et al. 2025, arXiv:2504.07097
struct Osf {
  std::optional<double> effective_rank;  ///< below 1: of the smaller side
  std::map<std::string, double> rank_pattern;
};

}  // namespace pst::methods
