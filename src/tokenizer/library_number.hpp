// SPDX-License-Identifier: Apache-2.0
#pragma once

namespace pst::tokenizer {

/// The number that the library `tokenizers` reads where its file says `value`, in the fewest digits, as it writes it:
/// one division or product of the digits as a whole number and a power of ten, each rounded. It can be the neighbour of
/// `value`, and which of two equally likely ways to cut a word wins hangs on that last bit.
/// @see serde_json, de.rs, without its feature float_roundtrip
double as_library_reads(double value);

}  // namespace pst::tokenizer
