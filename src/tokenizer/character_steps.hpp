// SPDX-License-Identifier: Apache-2.0
#pragma once
#include <memory>

#include "json/object.hpp"
#include "tokenizer/normalizer_step.hpp"

namespace pst::tokenizer {

// Normalizers that look at one character after the other.

std::unique_ptr<Normalizer::Step> lowercase();
std::unique_ptr<Normalizer::Step> strip_accents();  ///< leaves marks out
std::unique_ptr<Normalizer::Step> nmt();            ///< of SentencePiece: controls left out, odd blanks made plain
std::unique_ptr<Normalizer::Step> byte_letters();   ///< each byte as its letter (byte_alphabet.hpp)

// The parts of BertNormalizer.
std::unique_ptr<Normalizer::Step> clean_text();        ///< controls left out, every white space made a blank
std::unique_ptr<Normalizer::Step> space_chinese();     ///< blanks around Chinese characters
std::unique_ptr<Normalizer::Step> strip_nonspacing();  ///< leaves accents out; wants NFD before it

}  // namespace pst::tokenizer
