// SPDX-License-Identifier: Apache-2.0
#pragma once
#include "tokenizer/normalizer.hpp"

namespace pst::tokenizer {

/// One entry of a chain of normalizers.
struct Normalizer::Step {
  virtual ~Step() = default;
  virtual Aligned apply(Aligned text, Effort& effort) const = 0;
};

}  // namespace pst::tokenizer
