// SPDX-License-Identifier: Apache-2.0
#pragma once
#include <cstdint>
#include <map>
#include <string>
#include <utility>
#include <vector>

#include "config/fields.hpp"
#include "json/object.hpp"
#include "methods/adapter.hpp"

// Starts of LoRA that look at the training's data before its first step.
namespace pst::methods {

/// PEFT's eva_config. @see Paischer et al. 2024, arXiv:2410.07170
struct EvaConfig {
  double rho = 2;
  double tau = 0.99;
  bool use_label_mask = true;
  bool whiten = false;
  bool adjust_scaling_factors = true;
};
void bind(config::Fields& field, EvaConfig& s);
json::Ordered to_peft(const EvaConfig& s);

enum class CordaMethod { ipm, kpm };
/// PEFT's corda_config, and how much is looked at. @see Yang et al. 2024, arXiv:2406.05223
struct CordaConfig {
  CordaMethod corda_method = CordaMethod::ipm;
  int samples = 256;
};
std::vector<std::pair<const char*, CordaMethod>> words_of(CordaMethod);
void bind(config::Fields& field, CordaConfig& s);

enum class LoraGaDirection { ArBr, A2rBr, ArB2r, random };
enum class LoraGaScale { stable, weight_svd, gd_scale, unit };
/// PEFT's lora_ga_config, and how much is looked at. @see Wang et al. 2024, arXiv:2407.05000
struct LoraGaConfig {
  LoraGaDirection direction = LoraGaDirection::ArB2r;
  LoraGaScale scale = LoraGaScale::stable;
  int stable_gamma = 16;
  int batches = 8;
};
std::vector<std::pair<const char*, LoraGaDirection>> words_of(LoraGaDirection);
std::vector<std::pair<const char*, LoraGaScale>> words_of(LoraGaScale);
void bind(config::Fields& field, LoraGaConfig& s);

struct Lora;
/// Whether the start of such an adapter is found in data: Lora::start_values then has it.
bool reads_data(const Adapter& adapter);

/// Beside what a layer must be for it: what the recipe must be. @param is_quantised  the base's matrices
/// @throws Error(usage)
void check_data_start(const Adapter& adapter, bool is_quantised);

/// @throws Error(usage) when such a start cannot be found for a layer that is to have rank r
void require_data_start(const Adapter& adapter, const LinearLayer& layer, std::int64_t r);

/// A layer whose start is looked for.
struct Studied {
  std::size_t layer = 0;  ///< into the layers given
  std::string name;
  std::int64_t r = 0, in = 0, out = 0;
  double scale = 1;
};
/// The layers of an adapter whose start is found in data. @throws Error(usage) when they have none
std::vector<Studied> studied_layers(const Adapter& adapter, const std::vector<LinearLayer>& layers);

/// What sums of a start may take at once; layers that need more are looked at in several rounds over the data.
constexpr std::int64_t kStudyBytes = std::int64_t{4} << 30;
/// What one layer's sum takes, f32: CorDA's covariance, LoRA-GA's gradient; EVA's directions, f64.
std::int64_t study_bytes(const Lora& keys, const Studied& layer);
/// The layers, in as many parts as their sums need.
std::vector<std::vector<Studied>> study_rounds(const Lora& keys, const std::vector<Studied>& layers);

/// What looking for the start costs a rank, for the plan.
struct StudyCost {
  std::int64_t bytes = 0;              ///< of the sums, and of what is computed of the largest layer's
  std::int64_t passes = 0;             ///< over micro batches, or, of CorDA, over rows
  bool by_rows = false, back = false;  ///< passes are over rows; they go backward too
};
/// Nothing but zeros where no data are looked at. EVA looks until its directions have settled: kAssumedEvaPasses.
StudyCost study_cost(const Adapter& adapter, const std::vector<LinearLayer>& layers);
constexpr std::int64_t kAssumedEvaPasses = 30;

/// What is looked at before the first step, for people; empty where nothing is.
std::string note_on_study(const Adapter& adapter);

/// EVA's directions that are looked for in a layer of rank r.
std::int64_t eva_components(const EvaConfig& config, std::int64_t r);
/// The adapter with the ranks that EVA gave its layers; those of rank 0 are left out.
/// @param ranks  by the layer's name
Adapter with_ranks(const Adapter& adapter, const std::vector<LinearLayer>& layers,
                   const std::map<std::string, std::int64_t>& ranks);

}  // namespace pst::methods
