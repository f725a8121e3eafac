// SPDX-License-Identifier: Apache-2.0
#pragma once
#include <map>
#include <string>
#include <utility>
#include <vector>

namespace pst::methods {

enum class C3aInit { zeros, gaussian, kaiming_uniform, xavier_uniform };  ///< zeros: PEFT's `true`

/// The keys of `type: c3a`. @see Chen et al. 2024, arXiv:2407.19342
struct C3a {
  int block_size = 256;
  std::map<std::string, int> block_size_pattern;
  C3aInit init_weights = C3aInit::xavier_uniform;
};
std::vector<std::pair<const char*, C3aInit>> words_of(C3aInit);

}  // namespace pst::methods
