// SPDX-License-Identifier: Apache-2.0
#include "lowbit/codec.hpp"

#include "core/error.hpp"

namespace pst::lowbit {

std::unique_ptr<Codec> codec_of(weights::StoredFormat format, Scales scales, const Exec& on) {
  switch (format) {
    case weights::StoredFormat::nf4: return nf4_codec(scales, on);
    case weights::StoredFormat::int8: return int8_codec(on);
    case weights::StoredFormat::fp8: return fp8_codec(on);
    case weights::StoredFormat::dense: break;
  }
  throw Error(Fault::bug, "dense weights need no codec");
}

}  // namespace pst::lowbit
