// SPDX-License-Identifier: Apache-2.0
#pragma once
#include <memory>

#include "tokenizer/normalizer_step.hpp"

namespace pst::tokenizer {

enum class Compatibility { no, yes };
enum class Composition { no, yes };

/// NFC, NFD, NFKC, NFKD. @see Unicode Annex 15
std::unique_ptr<Normalizer::Step> unicode_form(Compatibility compatibility, Composition composition);

}  // namespace pst::tokenizer
