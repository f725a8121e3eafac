// SPDX-License-Identifier: Apache-2.0
#pragma once
#include <memory>

#include "json/object.hpp"
#include "tokenizer/normalizer_step.hpp"

namespace pst::tokenizer {

/// SentencePiece's table of replacements, as HF tokenizers applies it: to clusters of less than 6 bytes first, then to
/// characters, and of the entries that a cluster begins with, the shortest.
/// @param node  with `precompiled_charsmap`, base64: the size of a double array, the array, the replacements
/// @throws Error(data) on a table that is none
/// @see sentencepiece, normalizer.cc; darts-clone
std::unique_ptr<Normalizer::Step> precompiled(const json::Object& node);

}  // namespace pst::tokenizer
