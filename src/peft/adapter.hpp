// SPDX-License-Identifier: Apache-2.0
#pragma once
#include <filesystem>
#include <memory>
#include <string>
#include <vector>

#include "methods/adapter.hpp"
#include "nn/causal_lm.hpp"
#include "nn/parameter.hpp"

namespace pst::peft {

/// What is trained: a method's layers in a model, and their parameters. A parameter's name is PEFT's, without what PEFT
/// puts before it.
class Adapter {
 public:
  virtual ~Adapter() = default;

  /// The values that a training starts from, a pure function of the seed; then the model computes what it did without
  /// the adapter.
  virtual void initialise(std::uint64_t seed) = 0;
  /// Takes values from a PEFT adapter folder. @throws Error(data) when a tensor is missing, superfluous or of another
  /// shape; Error(usage) when its adapter_config.json says another method or size
  void load(const std::filesystem::path& folder);
  /// Writes adapter_config.json and adapter_model.safetensors (f32) as PEFT reads them. The folder appears at once,
  /// complete, or not at all. @param base_model path that PEFT users find in the config. @throws Error(io)
  void save(const std::filesystem::path& folder, const std::string& base_model) const;
  /// Text of the adapter_config.json that save() writes.
  std::string config_json(const std::string& base_model) const;

  nn::ParameterSet& parameters() { return parameters_; }
  const std::vector<std::string>& modules() const { return modules_; }  ///< names of the layers that are adapted

 protected:
  explicit Adapter(methods::Adapter recipe) : recipe_(std::move(recipe)) {}

  /// Before values are loaded, and after that: what a method makes of its base, and of its values.
  virtual void prepare() {}
  virtual void ready() { parameters_.refresh_compute(); }

  /// A tensor that is not trained.
  struct Frozen {
    std::string name;  ///< as a parameter's
    at::Tensor values;
    bool saved = true;  ///< in the adapter's file
  };

  methods::Adapter recipe_;
  nn::ParameterSet parameters_;
  std::vector<Frozen> frozen_;
  std::vector<std::string> modules_;
};

/// Puts the adapter that `recipe` describes into a model. @param compute dtype of products
/// @throws Error(usage) when it does not fit the model's layers
std::unique_ptr<Adapter> make_adapter(nn::CausalLm& model, const methods::Adapter& recipe, at::ScalarType compute,
                                      at::Device device = at::kCPU);

/// A layer with the commonest adapter, for measuring what one costs: a low-rank update of rank `r`, scaled by 2.
/// @param stream      index of the layer's own random numbers
/// @param parameters  gets the layer's, under `name`
std::unique_ptr<nn::Linear> low_rank_layer(std::unique_ptr<nn::Linear> base, const std::string& name, std::int64_t r,
                                           std::uint64_t stream, nn::ParameterSet& parameters);

/// What a method chooses from: a model's linear layers.
std::vector<methods::LinearLayer> linear_layers(const std::vector<nn::LinearSlot>& slots);

}  // namespace pst::peft
