// SPDX-License-Identifier: Apache-2.0
#pragma once
#include <cstdint>

#include "core/exec.hpp"
#include "core/view.hpp"
#include "kernels/detail/adamw_settings.hpp"

namespace pst::kernels {

/// Values of a tensor that share a scale; the last block may have fewer.
constexpr std::int64_t kAdamW8Block = 256;
constexpr std::int64_t adamw_8bit_blocks(std::int64_t values) { return (values + kAdamW8Block - 1) / kAdamW8Block; }

/// What 8-bit codes mean, on the device of the work: dynamic_map() and nearest_entries() of kernels/nf4/nf4.hpp.
struct DynamicCode {
  ConstView map;      ///< f32 [256]
  ConstView nearest;  ///< u8 [65536]
};

/// A moment in blocks: value i is map[codes[i]] * absmax[i / 256].
struct CodedMoment {
  View codes;   ///< u8 [n]; zeros before the first step
  View absmax;  ///< f32 [adamw_8bit_blocks(n)]; zeros before the first step
};

/// One step of AdamW over one tensor whose moments are kept in 8 bits: decoded, updated in f32, used, and encoded again
/// by the largest magnitude of their block.
/// @param moment1  by `both`, the map with signs. @param moment2  by `positive`
/// @throws Error(bug) on a mismatch
/// @see Dettmers et al. 2022, arXiv:2110.02861, section 2. On a CPU codes and absmax have the bits that bitsandbytes
/// 0.50.2 gives them on a CPU with FMA; a GPU gives the same
void adamw_8bit(const Exec& on, const AdamW& settings, const DynamicCode& both, const DynamicCode& positive, View value,
                ConstView gradient, const CodedMoment& moment1, const CodedMoment& moment2);

}  // namespace pst::kernels
