// SPDX-License-Identifier: Apache-2.0
#pragma once
#include <nlohmann/json.hpp>

namespace pst::report {

/// Into what a step is divided.
namespace part {
inline constexpr const char* kFrozen = "products with frozen weights";
inline constexpr const char* kAdapters = "adapters";
inline constexpr const char* kAttention = "attention";
inline constexpr const char* kNorms = "norms and activations";
inline constexpr const char* kHead = "vocabulary projection and loss";
inline constexpr const char* kAgain = "computed again";
inline constexpr const char* kBetween = "between operations";
inline constexpr const char* kData = "data";
inline constexpr const char* kWaiting = "waiting for other ranks";
inline constexpr const char* kWeights = "waiting for weights in shares";
inline constexpr const char* kTransfer = "exchange of gradients";
inline constexpr const char* kOptimizer = "optimizer";
inline constexpr const char* kCheckpoint = "checkpoint";
inline constexpr const char* kEvaluation = "evaluation";
inline constexpr const char* kOther = "other";
}  // namespace part

/// The bottleneck, and every part that costs more than it should, with what can be done about it.
/// @param profile  of merge_profile(), without words
nlohmann::ordered_json profile_words(const nlohmann::ordered_json& profile);

}  // namespace pst::report
