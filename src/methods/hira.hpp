// SPDX-License-Identifier: Apache-2.0
#pragma once
#include <utility>
#include <vector>

namespace pst::methods {

enum class HiraInit { kaiming, gaussian };  ///< PEFT's init_weights: true, gaussian. B is zero in both

/// The keys of `type: hira`. @see Huang et al. 2025 (ICLR), "HiRA: Parameter-Efficient Hadamard High-Rank Adaptation"
struct Hira {
  int r = 32;
  double hira_dropout = 0;
  HiraInit init_weights = HiraInit::kaiming;
};
std::vector<std::pair<const char*, HiraInit>> words_of(HiraInit);

}  // namespace pst::methods
