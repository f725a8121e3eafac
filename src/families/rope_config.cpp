// SPDX-License-Identifier: Apache-2.0
#include "families/rope_config.hpp"

#include <algorithm>
#include <array>
#include <cmath>
#include <numbers>
#include <optional>
#include <string>
#include <vector>

#include <nlohmann/json.hpp>

#include "core/strings.hpp"

namespace pst::families {
namespace {

constexpr const char* kOriginal = "original_max_position_embeddings";

/// theta^(-2i/width) for i below `pairs`, in f32 as transformers computes them.
std::vector<float> plain_frequencies(double theta, std::int64_t width, std::int64_t pairs) {
  std::vector<float> frequencies;
  for (std::int64_t i = 0; i < pairs; ++i)
    frequencies.push_back(
        static_cast<float>(1 / std::pow(theta, static_cast<double>(2 * i) / static_cast<double>(width))));
  return frequencies;
}

/// One `rope_scaling` or `rope_parameters`, and the config around it.
struct Section {
  const json::Object& root;
  const json::Object& rope;
  const RopeDefaults& defaults;

  /// The positions that the model was first trained with: said inside, outside, or those of the config.
  std::int64_t original_positions() const {
    const auto outer = root.size(kOriginal), inner = rope.size(kOriginal);
    if (outer && inner && *outer != *inner)
      rope.refuse(kOriginal, cat("is ", *inner, ", and outside of it the file says ", *outer),
                  "keep the one that the model was trained with");
    return inner.value_or(outer.value_or(defaults.positions));
  }
};

void read_llama3(const Section& in, RopeSpec& spec) {
  LowFrequencyScaling scaling;
  scaling.factor = in.rope.needed_positive("factor");
  scaling.low_freq_factor = in.rope.needed_positive("low_freq_factor");
  scaling.high_freq_factor = in.rope.needed_positive("high_freq_factor");
  scaling.original_positions = in.rope.needed_size(kOriginal);
  if (scaling.factor < 1) in.rope.refuse("factor", "is below 1");
  if (!(scaling.high_freq_factor > scaling.low_freq_factor))
    in.rope.refuse("high_freq_factor", "must be above low_freq_factor");
  in.original_positions();  // refused where the file says two
  for (std::int64_t i = 0; i < spec.dim / 2; ++i)
    spec.frequencies[static_cast<std::size_t>(i)] = static_cast<float>(
        stretched(1 / std::pow(spec.theta, static_cast<double>(2 * i) / static_cast<double>(spec.dim)), scaling));
  spec.described =
      cat("llama3 scaling by ", number(scaling.factor), " from ", scaling.original_positions, " positions (low ",
          number(scaling.low_freq_factor), ", high ", number(scaling.high_freq_factor), ")");
}

void read_linear(const Section& in, RopeSpec& spec) {
  const double factor = in.rope.needed_positive("factor");
  for (float& frequency : spec.frequencies) frequency /= static_cast<float>(factor);
  spec.described = cat("linear scaling by ", number(factor));
}

/// Its base grows with documents longer than the model's positions, of which there are none here; `alpha` (hunyuan)
/// makes it grow for all.
void read_dynamic(const Section& in, RopeSpec& spec) {
  const auto alpha = in.rope.positive("alpha");
  in.rope.positive("factor");
  for (const char* const key : {"beta_fast", "beta_slow", "mscale", "mscale_all_dim"}) in.rope.find(key);  // yarn's
  if (!alpha) {
    spec.described = "dynamic scaling, which begins after the model's positions";
    return;
  }
  const auto dim = static_cast<double>(spec.dim);
  spec.frequencies = plain_frequencies(spec.theta * std::pow(*alpha, dim / (dim - 2)), spec.dim, spec.dim / 2);
  spec.described = cat("dynamic scaling, alpha ", number(*alpha));
}

double mscale(double factor, double by) { return factor <= 1 ? 1 : 0.1 * by * std::log(factor) + 1; }

/// @see Peng et al. 2023, arXiv:2309.00071
void read_yarn(const Section& in, RopeSpec& spec) {
  const auto positions = static_cast<double>(in.original_positions());
  const double factor = in.rope.positive("factor").value_or(static_cast<double>(in.defaults.positions) / positions);
  const double fast = in.rope.positive("beta_fast").value_or(32), slow = in.rope.positive("beta_slow").value_or(1);
  const auto by = in.rope.positive("mscale"), by_all = in.rope.positive("mscale_all_dim");
  spec.factor = by && by_all ? mscale(factor, *by) / mscale(factor, *by_all) : mscale(factor, 1);
  if (const auto given = in.rope.positive("attention_factor")) spec.factor = *given;
  const auto dim = static_cast<double>(spec.dim);
  const auto correction = [&](double rotations) {
    return dim * std::log(positions / (rotations * 2 * std::numbers::pi)) / (2 * std::log(spec.theta));
  };
  double low = correction(fast), high = correction(slow);
  if (in.rope.flag("truncate", true)) {
    low = std::floor(low);
    high = std::ceil(high);
  }
  low = std::max(low, 0.0);
  high = std::min(high, dim - 1);
  if (low == high) high += 0.001;
  for (std::size_t i = 0; i < spec.frequencies.size(); ++i) {
    const float ramp =
        std::clamp((static_cast<float>(i) - static_cast<float>(low)) / static_cast<float>(high - low), 0.0f, 1.0f);
    const float plain = spec.frequencies[i];
    spec.frequencies[i] = plain / static_cast<float>(factor) * ramp + plain * (1 - ramp);
  }
  spec.original_positions = static_cast<std::int64_t>(positions);
  if (const auto beta = in.rope.positive("llama_4_scaling_beta")) spec.query_growth = *beta;
  spec.described = cat("yarn scaling by ", number(factor), " from ", spec.original_positions, " positions");
}

std::vector<float> factors(const Section& in, const char* key, const RopeSpec& spec) {
  const auto listed = in.rope.at(key).reals();
  if (std::ssize(listed) != spec.dim / 2)
    in.rope.refuse(key, cat("has ", listed.size(), " factors; ", spec.dim / 2, " pairs of a head turn"));
  if (std::any_of(listed.begin(), listed.end(), [](double factor) { return !(factor > 0); }))
    in.rope.refuse(key, "has a factor that is not above 0");
  std::vector<float> frequencies;
  for (std::size_t i = 0; i < listed.size(); ++i)
    frequencies.push_back(static_cast<float>(
        1 / (listed[i] * std::pow(spec.theta, static_cast<double>(2 * i) / static_cast<double>(spec.dim)))));
  return frequencies;
}

/// @see Ding et al. 2024, arXiv:2402.13753
void read_longrope(const Section& in, RopeSpec& spec) {
  spec.original_positions = in.original_positions();
  spec.far_frequencies = factors(in, "long_factor", spec);
  spec.frequencies = factors(in, "short_factor", spec);
  const auto positions = static_cast<double>(spec.original_positions);
  const double factor = in.rope.positive("factor").value_or(static_cast<double>(in.defaults.positions) / positions);
  spec.factor = factor <= 1 ? 1 : std::sqrt(1 + std::log(factor) / std::log(positions));
  if (const auto given = in.rope.positive("attention_factor")) spec.factor = *given;
  spec.described = cat("longrope, with other frequencies for documents over ", spec.original_positions, " positions");
}

/// Newer transformers read what is inside alone, older ones what is outside: both must say the same.
std::optional<double> agreed(const json::Object& root, const std::optional<json::Object>& rope, const char* key,
                             bool rope_is_older) {
  const auto outer = root.positive(key);
  const auto inner = rope ? rope->positive(key) : std::nullopt;
  if (inner && outer && *inner != *outer && rope_is_older)
    rope->refuse(key, cat("is ", number(*inner), ", and outside of it the file says ", number(*outer)),
                 "keep the one that the model was trained with");
  return inner ? inner : outer;
}

std::optional<json::Object> section(const json::Object& root, const char* key, std::string_view layer_type) {
  const auto found = root.get(key);
  if (!found) return std::nullopt;
  json::Object object = found->object();
  if (!layer_type.empty())
    if (const auto inner = object.get(layer_type); inner && inner->is_object()) object = inner->object();
  return object.members().empty() ? std::nullopt : std::optional(object);
}

}  // namespace

double stretched(double frequency, const LowFrequencyScaling& scaling) {
  const double wavelength = 2 * std::numbers::pi / frequency;
  const auto original = static_cast<double>(scaling.original_positions);
  if (wavelength > original / scaling.low_freq_factor) return frequency / scaling.factor;
  if (wavelength < original / scaling.high_freq_factor) return frequency;
  const double smooth =
      (original / wavelength - scaling.low_freq_factor) / (scaling.high_freq_factor - scaling.low_freq_factor);
  return (1 - smooth) * frequency / scaling.factor + smooth * frequency;
}

bool has_rope_section(const json::Object& config, std::string_view layer_type) {
  for (const char* const key : {"rope_parameters", "rope_scaling"})
    if (const auto found = config.get(key); found && found->is_object())
      if (const auto inner = found->object().get(layer_type); inner && inner->is_object()) return true;
  return false;
}

RopeSpec proportional_rope(const RopeDefaults& defaults) {
  RopeSpec spec{.kind = "proportional", .theta = defaults.theta, .dim = defaults.head_dim};
  const std::int64_t pairs = spec.dim / 2;
  const auto turning = static_cast<std::int64_t>(defaults.part * static_cast<double>(spec.dim)) / 2;
  spec.frequencies = plain_frequencies(spec.theta, spec.dim, pairs);
  std::fill(spec.frequencies.begin() + turning, spec.frequencies.end(), 0.0f);
  spec.described = cat("proportional: ", turning, " of ", pairs, " pairs turn");
  return spec;
}

RopeSpec plain_rope(const RopeDefaults& defaults, double theta) {
  RopeSpec spec{.theta = theta, .neighbours = defaults.neighbours};
  spec.dim = static_cast<std::int64_t>(defaults.part * static_cast<double>(defaults.head_dim));
  spec.frequencies = plain_frequencies(theta, spec.dim, spec.dim / 2);
  return spec;
}

RopeSpec read_rope(const json::Object& root, const RopeDefaults& defaults, std::string_view layer_type) {
  const auto older = section(root, "rope_scaling", layer_type), newer = section(root, "rope_parameters", layer_type);
  if (older && newer && older->node().value() != newer->node().value())
    root.refuse("rope_scaling", "and 'rope_parameters' differ, and only one of them counts",
                "keep the one that the model was trained with, with its rope_theta in it");
  const auto& rope = older ? older : newer;
  const double part = agreed(root, rope, "partial_rotary_factor", older.has_value()).value_or(defaults.part);
  RopeSpec spec{.theta = agreed(root, rope, "rope_theta", older.has_value()).value_or(defaults.theta),
                .neighbours = defaults.neighbours};
  spec.dim = static_cast<std::int64_t>(part * static_cast<double>(defaults.head_dim));
  if (part > 1 || spec.dim < 2 || spec.dim % 2 != 0)
    root.refuse("partial_rotary_factor", cat("is ", number(part), ": ", spec.dim, " of a head's ", defaults.head_dim,
                                             " values would turn; it must be an even number of them"));
  spec.frequencies = plain_frequencies(spec.theta, spec.dim, spec.dim / 2);
  if (!rope) return spec;

  const auto modern = rope->text("rope_type"), legacy = rope->text("type");
  spec.kind = modern ? *modern : legacy ? *legacy : "default";
  if (spec.kind == "su" || (spec.kind == "yarn" && rope->find("long_factor"))) spec.kind = "longrope";  // old Phi-3
  struct Kind {
    const char* name;
    void (*read)(const Section&, RopeSpec&);
  };
  constexpr std::array kKinds = {Kind{"linear", &read_linear}, Kind{"dynamic", &read_dynamic},
                                 Kind{"llama3", &read_llama3}, Kind{"yarn", &read_yarn},
                                 Kind{"longrope", &read_longrope}};
  const Section in{root, *rope, defaults};
  if (spec.kind == "default") return spec;
  if (spec.kind == "proportional") {
    RopeDefaults whole = defaults;
    whole.theta = spec.theta;
    whole.part = part;
    RopeSpec made = proportional_rope(whole);
    for (float& frequency : made.frequencies) frequency /= static_cast<float>(rope->positive("factor").value_or(1));
    return made;
  }
  const auto kind = std::find_if(kKinds.begin(), kKinds.end(), [&](const Kind& k) { return spec.kind == k.name; });
  if (kind == kKinds.end())
    rope->refuse(
        modern ? "rope_type" : "type",
        cat("is ", quoted(spec.kind), "; known are default, linear, dynamic, llama3, yarn, longrope and proportional"));
  kind->read(in, spec);
  return spec;
}

}  // namespace pst::families
