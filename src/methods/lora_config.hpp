// SPDX-License-Identifier: Apache-2.0
#pragma once
#include <string>
#include <vector>

#include "json/object.hpp"
#include "methods/adapter.hpp"

// LoRA's adapter_config.json, whose keys are not those of a recipe one by one (methods/declared.hpp).
namespace pst::methods {

/// As PEFT 0.10 and later, vLLM and llama.cpp's converter read it. @see huggingface/peft src/peft/tuners/lora/config.py
json::Ordered lora_to_peft(const Adapter& adapter, const std::vector<std::string>& modules);
Adapter lora_from_peft(const json::Object& config);
/// @throws Error(usage) where an adapter to start from is another than the recipe's
void check_lora_start(const Adapter& stored, const Adapter& wanted);

}  // namespace pst::methods
