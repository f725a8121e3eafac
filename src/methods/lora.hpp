// SPDX-License-Identifier: Apache-2.0
#pragma once
#include <map>
#include <string>
#include <utility>
#include <vector>

namespace pst::methods {

enum class LoraInit { kaiming, gaussian };  ///< PEFT's init_lora_weights: true, gaussian. B is zero in both

/// The keys of `type: lora`. @see Hu et al. 2021, arXiv:2106.09685
struct Lora {
  int r = 16;
  double alpha = 32;
  double dropout = 0;
  std::map<std::string, int> rank_pattern;      ///< layer name ending or regular expression -> r
  std::map<std::string, double> alpha_pattern;  ///< the same -> alpha
  bool use_rslora = false;                      ///< scale alpha / sqrt(r)
  LoraInit init_lora_weights = LoraInit::kaiming;
};
std::vector<std::pair<const char*, LoraInit>> words_of(LoraInit);

constexpr const char* kLoraA = "lora_A.weight";  ///< [r, in]
constexpr const char* kLoraB = "lora_B.weight";  ///< [out, r]

}  // namespace pst::methods
