// SPDX-License-Identifier: Apache-2.0
#include "gguf/gguf_rope.hpp"

#include <algorithm>
#include <cmath>
#include <nlohmann/json.hpp>
#include <utility>

#include "core/strings.hpp"
#include "families/rope_config.hpp"
#include "json/parse.hpp"

namespace pst::gguf {
namespace {

using Json = nlohmann::ordered_json;

/// Where its keys are 32-bit floats, a factor that the formula of its kind gives is within this of it.
constexpr double kRounding = 1e-6;

/// By how much llama3 scaling divides the frequency of rotary pair `i`.
double low_frequency_divisor(std::int64_t i, double theta, std::int64_t dim,
                             const families::LowFrequencyScaling& scaling) {
  const double frequency = std::pow(theta, -2.0 * static_cast<double>(i) / static_cast<double>(dim));
  return frequency / families::stretched(frequency, scaling);
}

std::vector<float> factors_of(const Metadata& metadata, const TensorInfo& tensor, std::int64_t dim) {
  if (tensor.count() != dim / 2)
    metadata.refuse(cat(tensor.name, " has ", tensor.count(), " values; ", dim / 2, " pairs of a head turn"));
  std::vector<float> factors(static_cast<std::size_t>(tensor.count()));
  dequantize(tensor.type, tensor.bytes, factors);
  return factors;
}

/// The converter stores llama3 scaling as one divisor per rotary pair and drops the four numbers it came from. All
/// Llama 3.x models share three of them; the factor is the largest divisor. Accepted only when this gives back every
/// divisor.
Json llama3_scaling(const Metadata& metadata, const TensorInfo& tensor, double theta, std::int64_t dim) {
  const std::vector<float> divisors = factors_of(metadata, tensor, dim);
  families::LowFrequencyScaling scaling;
  scaling.factor = decimal(*std::max_element(divisors.begin(), divisors.end()));
  for (std::size_t i = 0; i < divisors.size(); ++i) {
    const double expected = low_frequency_divisor(static_cast<std::int64_t>(i), theta, dim, scaling);
    if (!(std::abs(divisors[i] - expected) <= 1e-4 * expected))
      metadata.refuse(cat(tensor.name, " is not Llama 3's scaling (", number(divisors[i]), " instead of ",
                          number(expected), " for pair ", i, ")"),
                      "take the model's Hugging Face folder");
  }
  return {{"rope_type", "llama3"},
          {"factor", scaling.factor},
          {"low_freq_factor", scaling.low_freq_factor},
          {"high_freq_factor", scaling.high_freq_factor},
          {"original_max_position_embeddings", scaling.original_positions}};
}

Json linear_scaling(const Metadata& metadata) {
  for (const char* const name : {"rope.scaling.factor", "rope.scale_linear"})  // the second is the older spelling
    if (const auto factor = metadata.positive(name)) {
      if (*factor == 1) return nullptr;
      return {{"rope_type", "linear"}, {"factor", *factor}};
    }
  return nullptr;
}

Json yarn_scaling(const Metadata& metadata, const families::GgufRope& names) {
  const auto factor = metadata.positive("rope.scaling.factor");
  if (!factor) metadata.refuse(cat(metadata.key("rope.scaling.factor"), " is missing"));
  Json scaling = {{"rope_type", "yarn"},
                  {"factor", *factor},
                  {"original_max_position_embeddings", metadata.size("rope.scaling.original_context_length")}};
  for (const auto& [theirs, ours] :
       {std::pair{"rope.scaling.yarn_attn_factor", "attention_factor"},
        std::pair{"rope.scaling.yarn_beta_fast", "beta_fast"}, std::pair{"rope.scaling.yarn_beta_slow", "beta_slow"}})
    if (const auto value = metadata.positive(theirs)) scaling[ours] = *value;
  if (!names.yarn_members.empty()) scaling.update(json::parse_ordered(names.yarn_members, "a row of families"));
  return scaling;
}

/// Phi 3's two lists of divisors, for short documents and for long ones. @see transformers,
/// _compute_longrope_parameters
Json longrope_scaling(const Metadata& metadata, const TensorInfo& far, const TensorInfo& near, std::int64_t dim,
                      Json& config) {
  const auto listed = [&](const TensorInfo& tensor) {
    Json list = Json::array();
    for (const float factor : factors_of(metadata, tensor, dim)) list.push_back(decimal(factor));
    return list;
  };
  const std::int64_t original = metadata.size("rope.scaling.original_context_length");
  const std::int64_t positions = metadata.size("context_length");
  config["original_max_position_embeddings"] = original;
  Json scaling = {{"rope_type", "longrope"}, {"long_factor", listed(far)}, {"short_factor", listed(near)}};
  const double ratio = static_cast<double>(positions) / static_cast<double>(original);
  const double usual = ratio <= 1 ? 1 : std::sqrt(1 + std::log(ratio) / std::log(static_cast<double>(original)));
  const auto given = metadata.positive("rope.scaling.attn_factor");
  if (given && std::abs(*given - usual) > kRounding * usual) scaling["attention_factor"] = *given;
  return scaling;
}

Json scaling_json(const Metadata& metadata, const families::GgufRope& names, double theta, bool has_theta,
                  std::int64_t dim, Json& config) {
  const File& file = metadata.file();
  const auto* const divisors = file.find_tensor(kRopeTensors[0]);
  const auto *const far = file.find_tensor(kRopeTensors[1]), *const near = file.find_tensor(kRopeTensors[2]);
  const auto kind = metadata.text("rope.scaling.type");
  if ((far != nullptr) != (near != nullptr))
    metadata.refuse(cat("of ", kRopeTensors[1], " and ", kRopeTensors[2], " there is only one"));
  if (divisors != nullptr && (far != nullptr || (kind && *kind != "none" && *kind != "linear")))
    metadata.refuse(cat(kRopeTensors[0], " stands beside another scaling of rotary positions"));
  if (divisors != nullptr) {
    if (!has_theta)
      metadata.refuse(
          cat(metadata.key("rope.freq_base"), " is missing, without which ", divisors->name, " says nothing"),
          "take a GGUF of the model that a newer converter wrote, or the model's Hugging Face folder");
    return llama3_scaling(metadata, *divisors, theta, dim);
  }
  if (far != nullptr) return longrope_scaling(metadata, *far, *near, dim, config);
  if (!kind || *kind == "linear") return linear_scaling(metadata);  // what llama.cpp does without a type
  if (*kind == "none") return nullptr;
  if (*kind == "yarn") return yarn_scaling(metadata, names);
  metadata.refuse(cat(metadata.key("rope.scaling.type"), " is ", quoted(*kind),
                      *kind == "longrope" ? ", but there are no tensors of factors" : ", which is not supported"));
}

}  // namespace

void add_rope(const Metadata& metadata, const families::GgufRope& names, std::int64_t head_dim, Json& config) {
  if (head_dim % 2 != 0) metadata.refuse(cat("a head of ", head_dim, " values cannot be rotated"));
  const std::int64_t turning = metadata.integer("rope.dimension_count").value_or(head_dim);
  const bool all = turning == head_dim;
  if (!all && (names.part.empty() || turning < 2 || turning > head_dim || turning % 2 != 0))
    metadata.refuse(
        cat("only ", turning, " of ", head_dim, " dimensions of a head are rotated; that is not supported"));
  if (!names.part.empty()) {
    double part = static_cast<double>(turning) / static_cast<double>(head_dim);
    if (static_cast<std::int64_t>(part * static_cast<double>(head_dim)) < turning) part = std::nextafter(part, 2.0);
    config[names.part] = part;
  }
  const auto base = metadata.positive("rope.freq_base");
  const double theta = base.value_or(10000);  // as llama.cpp has it where the key is missing
  config[names.theta] = theta;
  config["rope_scaling"] = scaling_json(metadata, names, theta, base.has_value(), turning, config);
  if (config["rope_scaling"].is_null()) metadata.ignore("rope.scaling.original_context_length");
  // Granite's converter says in this way that there are no rotary positions.
  if (metadata.flag("rope.scaling.finetuned") == false && !metadata.has("rope.scaling.type"))
    metadata.refuse(cat(metadata.key("rope.scaling.finetuned"), " is false: a model without rotary positions"));
}

}  // namespace pst::gguf
