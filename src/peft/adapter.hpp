// SPDX-License-Identifier: Apache-2.0
#pragma once
#include <filesystem>
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <set>
#include <string>
#include <vector>

#include "methods/adapter.hpp"
#include "nn/causal_lm.hpp"
#include "nn/parameter.hpp"
#include "nn/training_hook.hpp"
#include "peft/folded.hpp"
#include "peft/saved_modules.hpp"
#include "peft/trained_biases.hpp"
#include "weights/safetensors.hpp"

namespace pst::peft {

/// What is trained: a method's layers in a model, and their parameters. A parameter's name is PEFT's, without what PEFT
/// puts before it.
class Adapter {
 public:
  virtual ~Adapter() = default;

  /// The values that a training starts from, a pure function of the seed; then the model computes what it did without
  /// the adapter. Collective where the frozen matrices are spread over ranks.
  void initialise(std::uint64_t seed);
  /// What gives the values that the model's files have of a linear layer, by its name: f32 [out, in] on the CPU. Before
  /// initialise(), for starts that compare the base with them.
  using StoredMatrices = std::function<at::Tensor(const std::string& layer)>;
  void set_stored_matrices(StoredMatrices matrices) { stored_ = std::move(matrices); }
  /// Takes values from a PEFT adapter folder. @throws Error(data) when a tensor is missing, superfluous or of another
  /// shape; Error(usage) when its adapter_config.json says another method or size
  void load(const std::filesystem::path& folder);
  /// Writes adapter_config.json and adapter_model.safetensors (f32) as PEFT reads them. The folder appears at once,
  /// complete, or not at all. @param base_model path that PEFT users find in the config. @param metadata  of the file
  /// of tensors. @throws Error(io)
  void save(const std::filesystem::path& folder, const std::string& base_model,
            const std::map<std::string, std::string>& metadata = {}) const;
  /// Text of the adapter_config.json that save() writes.
  std::string config_json(const std::string& base_model) const;

  /// What it does to a training besides computing; null: nothing.
  virtual nn::TrainingHook* hook() { return nullptr; }

  nn::ParameterSet& parameters() { return parameters_; }
  const std::vector<Folded>& folded() const { return folded_; }  ///< matrices of its file made of several parameters
  const std::vector<std::string>& modules() const { return modules_; }  ///< names of the layers that are adapted
  /// Once the layers are adapted. @param bases  the model's linear layers as they were before
  void attach_biases(const std::vector<const nn::Linear*>& bases) {
    if (biases_) biases_->attach(bases);
  }

 protected:
  explicit Adapter(methods::Adapter recipe) : recipe_(std::move(recipe)) {}

  /// Gives memory to the tensors declared so far and to those of modules that are trained whole, which it puts into the
  /// model.
  void allocate(nn::CausalLm& model, at::ScalarType compute, at::Device device);

  /// The method's own part of initialise().
  virtual void start(const Rng& rng) = 0;
  /// Before values are loaded or started, and after that: what a method makes of its base, and of its values.
  virtual void prepare() {}
  virtual void ready() { parameters_.refresh_compute(); }
  /// Whether a stored tensor is what PEFT copied from the base. @throws Error(data) when the base has other values
  virtual bool is_copy_of_base(const weights::Tensor&) { return false; }
  /// After a load.
  virtual void loaded() {}
  /// Its keys as its file has them, and what of a tensor is in it: a method may drop parts.
  virtual methods::Adapter saved_keys() const { return recipe_; }
  virtual at::Tensor saved_values(const nn::Parameter& tensor) const { return tensor.value.detach(); }
  /// Before the adapter is written: gives frozen tensors that follow from the trained ones their values.
  virtual void before_save() const {}

  /// A tensor that is not trained.
  struct Frozen {
    std::string name;  ///< as a parameter's
    at::Tensor values;
    bool saved = true;         ///< in the adapter's file
    Dtype dtype = Dtype::f32;  ///< there and here: f32, i32 or i64
  };

  methods::Adapter recipe_;
  nn::ParameterSet parameters_;
  std::vector<Frozen> frozen_;
  std::set<std::string> unsaved_;  ///< parameters that are not in the adapter's file
  std::vector<Folded> folded_;     ///< see folded(); their parts are among unsaved_

  std::vector<std::string> modules_;
  StoredMatrices stored_;  ///< null: nobody has said it

 private:
  std::optional<SavedModules> saved_modules_;
  std::optional<TrainedBiases> biases_;
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
/// All that adapters may change, of a model that has none yet.
methods::Places places_of(nn::CausalLm& model);

}  // namespace pst::peft
