// SPDX-License-Identifier: Apache-2.0
#pragma once
#include <utility>
#include <vector>

namespace pst::methods {

enum class GloraMatrix { lora, vector, constant, none };
enum class GloraPrompt { lora, vector, none };
enum class GloraBias { vector, constant, none };

/// The keys of `type: glora`. @see Chavan et al. 2023, arXiv:2306.07967
struct Glora {
  int r = 8;
  GloraMatrix config_A_B = GloraMatrix::lora;
  GloraPrompt config_C = GloraPrompt::lora;
  GloraBias config_D_E = GloraBias::constant;
};
std::vector<std::pair<const char*, GloraMatrix>> words_of(GloraMatrix);
std::vector<std::pair<const char*, GloraPrompt>> words_of(GloraPrompt);
std::vector<std::pair<const char*, GloraBias>> words_of(GloraBias);

}  // namespace pst::methods
