// SPDX-License-Identifier: Apache-2.0
#pragma once

namespace pst::weights {

/// How the linear layers of a model's folder are kept, by its config.json: as numbers, in one of bitsandbytes'
/// layouts, or in 8-bit floats with scales.
enum class StoredFormat { dense, nf4, int8, fp8 };
const char* name_of(StoredFormat format);  ///< none, nf4, int8, fp8

}  // namespace pst::weights
