// SPDX-License-Identifier: Apache-2.0
#pragma once
namespace pst::tokenizer {

inline constexpr int kLargestId = 1 << 24;  ///< ten times the largest vocabulary in use; bounds tables indexed by id

}  // namespace pst::tokenizer
