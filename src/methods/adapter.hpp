// SPDX-License-Identifier: Apache-2.0
#pragma once
#include <map>
#include <optional>
#include <string>
#include <utility>
#include <vector>

namespace pst::config {
class Fields;
}

namespace pst::recipe {

enum class AdapterType { lora };
enum class LoraInit { kaiming, gaussian };  ///< PEFT's init_lora_weights: true, gaussian. B is zero in both

/// Which linear layers to adapt, as in PEFT: the word `all-linear`, a list of name endings, or one regular expression
/// that must match a layer's whole name.
struct Targets {
  enum class Kind { all_linear, names, pattern } kind = Kind::all_linear;
  std::vector<std::string> names;
  std::string pattern;
};

struct Adapter {
  AdapterType type = AdapterType::lora;
  int r = 16;
  double alpha = 32;
  double dropout = 0;
  Targets target_modules;
  std::vector<std::string> exclude_modules;
  std::vector<int> layers_to_transform;         ///< empty: all
  std::map<std::string, int> rank_pattern;      ///< layer name ending or regular expression -> r
  std::map<std::string, double> alpha_pattern;  ///< the same -> alpha
  bool use_rslora = false;                      ///< scale alpha / sqrt(r)
  LoraInit init_lora_weights = LoraInit::kaiming;
  std::optional<std::string> init_from;  ///< PEFT adapter folder to start from
};

std::vector<std::pair<const char*, AdapterType>> words_of(AdapterType);
std::vector<std::pair<const char*, LoraInit>> words_of(LoraInit);
void bind(config::Fields& field, Adapter& s);

}  // namespace pst::recipe
