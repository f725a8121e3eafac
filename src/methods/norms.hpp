// SPDX-License-Identifier: Apache-2.0
#pragma once
#include <cstddef>
#include <string>
#include <vector>

#include "methods/adapter.hpp"

namespace pst::methods {

/// The keys of `type: ln_tuning`. @see Zhao et al. 2024, arXiv:2312.11420
struct LnTuning {
  std::vector<std::string> target_modules, exclude_modules;
};

/// Indices of the norms that are meant. @throws Error(usage) when a name or the whole selection fits none
std::vector<std::size_t> trained_norms(const Adapter& adapter, const Places& places);

}  // namespace pst::methods
