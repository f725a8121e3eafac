// SPDX-License-Identifier: Apache-2.0
#pragma once
#include <string>
#include <vector>

#include "recipe/adapter.hpp"

namespace pst::peft {

struct AdaptedModule {
  std::string name;
  int r;
  double alpha;
};

/// Text of an adapter_config.json that PEFT 0.10 and later, vLLM and llama.cpp's converter read. Sets are sorted lists,
/// as PEFT writes them; `all-linear` is spelled out. @see huggingface/peft src/peft/config.py
std::string adapter_config_json(const recipe::Adapter& adapter, const std::vector<AdaptedModule>& modules,
                                const std::string& base_model);

/// @throws Error(usage) naming the key in which `stored` cannot be the adapter of this recipe
void check_same_shape_of_adapter(const recipe::Adapter& stored, const recipe::Adapter& wanted);

}  // namespace pst::peft
