// SPDX-License-Identifier: Apache-2.0
// A row per peft_type; the first one is what a recipe gets that names none.
#include <algorithm>
#include <array>

#include "methods/method.hpp"

namespace pst::methods {

extern const Method kAdalora, kBeft, kBoft, kC3a, kDeft, kDelora, kFourierft, kFrod, kGlora, kGralora, kHira, kHra,
    kIa3Method, kLnTuning, kLoha, kLokr, kLora, kMiss, kOft, kOsf, kPeanut, kPoly, kPrefixTuning, kPromptTuning, kPsoft,
    kPTuning, kPvera, kRandlora, kRoad, kShira, kSupertuning, kTinylora, kTrainableTokens, kUnilora, kVera, kWaveft;

std::span<const Method* const> table() {
  static const std::array rows = {&kLora,        &kAdalora,      &kBeft,
                                  &kBoft,        &kC3a,          &kDeft,
                                  &kDelora,      &kFourierft,    &kFrod,
                                  &kGlora,       &kGralora,      &kHira,
                                  &kHra,         &kIa3Method,    &kLnTuning,
                                  &kLoha,        &kLokr,         &kMiss,
                                  &kOft,         &kOsf,          &kPeanut,
                                  &kPoly,        &kPrefixTuning, &kPromptTuning,
                                  &kPsoft,       &kPTuning,      &kPvera,
                                  &kRandlora,    &kRoad,         &kShira,
                                  &kSupertuning, &kTinylora,     &kTrainableTokens,
                                  &kUnilora,     &kVera,         &kWaveft};
  return rows;
}

const Method* find(std::string_view name) {
  const auto rows = table();
  const auto row = std::find_if(rows.begin(), rows.end(), [&](const Method* m) { return m->name == name; });
  return row == rows.end() ? nullptr : *row;
}

}  // namespace pst::methods
