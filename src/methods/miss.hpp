// SPDX-License-Identifier: Apache-2.0
#pragma once
#include <utility>
#include <vector>

namespace pst::methods {

enum class MissForm { plain, bat, mini };  ///< PEFT's init_weights: true, bat, mini

/// The keys of `type: miss`. @see Kang and Yin 2024, arXiv:2409.15371
struct Miss {
  int r = 64, mini_r = 1;
  double miss_dropout = 0;
  MissForm init_weights = MissForm::plain;
};
std::vector<std::pair<const char*, MissForm>> words_of(MissForm);

}  // namespace pst::methods
