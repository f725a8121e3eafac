// SPDX-License-Identifier: Apache-2.0
#include "lowbit/codec.hpp"

#include <algorithm>
#include <array>

#include "core/error.hpp"
#include "core/strings.hpp"

namespace pst::lowbit {
namespace {

constexpr std::array kPackings = {&kNf4, &kInt8, &kFp8};

}  // namespace

std::size_t Array::bytes() const {
  std::size_t bytes = size_of(dtype);
  for (const auto length : shape) bytes *= static_cast<std::size_t>(length);
  return bytes;
}

std::span<const Packing* const> packings() { return kPackings; }

const Packing& packing_of(weights::NumberFormat format) {
  for (const Packing* const row : kPackings)
    if (row->format == format) return *row;
  throw Error(Fault::bug, cat("number format ", weights::name_of(format), " has no codec"));
}

std::size_t packed_bytes(weights::NumberFormat format, Scales scales, std::int64_t out, std::int64_t in) {
  std::size_t bytes = 0;
  for (const auto& array : packing_of(format).arrays(out, in, scales)) bytes += array.bytes();
  return bytes;
}

std::unique_ptr<Codec> codec_of(weights::NumberFormat format, Scales scales, const Exec& on) {
  return packing_of(format).codec(scales, on);
}

}  // namespace pst::lowbit
