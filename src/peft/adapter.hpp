// SPDX-License-Identifier: Apache-2.0
#pragma once
#include <filesystem>
#include <span>
#include <string>
#include <vector>

#include "nn/causal_lm.hpp"
#include "nn/parameter.hpp"
#include "peft/lora_linear.hpp"
#include "recipe/adapter.hpp"
#include "recipe/targets.hpp"

namespace pst::peft {

/// The LoRA layers of a model and their parameters.
class LoraAdapter {
 public:
  /// Wraps the layers that `recipe` selects. @param compute dtype of products
  /// @throws Error(usage) when r exceeds a layer's smaller side, or nothing is selected
  LoraAdapter(nn::CausalLm& model, const recipe::Adapter& recipe, at::ScalarType compute, at::Device device = at::kCPU);

  /// A as init_lora_weights says, a pure function of the seed; B zero: the first forward equals the base model's.
  void initialise(std::uint64_t seed);
  /// Takes values from a PEFT adapter folder. @throws Error(data) when a tensor is missing, superfluous or of another
  /// shape, or its adapter_config.json has another r or alpha
  void load(const std::filesystem::path& folder);
  /// Writes adapter_config.json and adapter_model.safetensors (f32) as PEFT 0.10 and later read them. The folder
  /// appears at once, complete, or not at all. @param base_model path that PEFT users find in the config. @throws
  /// Error(io)
  void save(const std::filesystem::path& folder, const std::string& base_model) const;

  /// Text of the adapter_config.json that save() writes.
  std::string config_json(const std::string& base_model) const;

  nn::ParameterSet& parameters() { return parameters_; }
  std::size_t layers() const { return modules_.size(); }

 private:
  struct Module {
    std::string name;
    LoraLinear* layer;
    int r;
    double alpha;
  };
  /// Puts LoRA around layers that read one x, in their order.
  void wrap(std::vector<nn::LinearSlot>& slots, std::span<const recipe::AdaptedLayer> chosen);

  recipe::Adapter recipe_;
  nn::ParameterSet parameters_;
  std::vector<Module> modules_;
};

/// The adapter section that an existing adapter folder amounts to. @throws Error(data) for another peft_type or a
/// feature we lack
recipe::Adapter read_adapter_config(const std::filesystem::path& folder);

}  // namespace pst::peft
