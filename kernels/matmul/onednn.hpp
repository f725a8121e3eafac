// SPDX-License-Identifier: Apache-2.0
#pragma once
#include <cstdint>

namespace pst::kernels {

/// Whether dy^T x [out, in] in f32 goes to oneDNN on a CPU. It is at its worst with a handful of rows out (adapters of
/// rank 16): there the plain path is faster.
constexpr bool onednn_multiplies_tn(std::int64_t out, std::int64_t in) { return out >= 16 && in >= 64; }

/// Products of different sizes whose kernels oneDNN keeps, made just in time, unless ONEDNN_PRIMITIVE_CACHE_CAPACITY
/// says otherwise; the least recently used leave first.
constexpr std::int64_t kOnednnKernels = 1024;

}  // namespace pst::kernels
