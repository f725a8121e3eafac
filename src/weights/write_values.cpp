// SPDX-License-Identifier: Apache-2.0
#include "weights/write_values.hpp"

#include <cmath>
#include <cstdint>
#include <cstring>

#include "core/error.hpp"
#include "core/strings.hpp"

namespace pst::weights {
namespace {

template <class T>
void put(std::byte* values, std::size_t index, T value) {
  std::memcpy(values + index * sizeof(T), &value, sizeof(T));
}

}  // namespace

std::uint16_t float_to_half(float value) {
  const auto sign = static_cast<std::uint16_t>(std::signbit(value) ? 0x8000 : 0);
  const auto with_sign = [&](unsigned bits) { return static_cast<std::uint16_t>(sign | bits); };
  if (std::isnan(value)) return with_sign(0x7e00);
  const float size = std::fabs(value);
  if (size >= 65520) return with_sign(0x7c00);
  int exponent = 0;
  std::frexp(size, &exponent);  // size = m 2^exponent, m in [1/2, 1)
  if (size == 0) return sign;
  const int unit = exponent - 11 < -24 ? -24 : exponent - 11;  // of the last of 11 bits; subnormal: 2^-24
  const auto units = static_cast<unsigned>(std::nearbyint(std::ldexp(size, -unit)));  // exact but for this rounding
  return with_sign(unit == -24 ? units : (static_cast<unsigned>(unit + 24) << 10) + units);
}

void set_value(std::byte* values, Dtype dtype, std::size_t index, float value) {
  switch (dtype) {
    case Dtype::f32: return put(values, index, value);
    case Dtype::f64: return put(values, index, static_cast<double>(value));
    case Dtype::bf16: return put(values, index, to_bf16(value));
    case Dtype::f16: return put(values, index, float_to_half(value));
    case Dtype::i64:
    case Dtype::i32:
    case Dtype::i16:
    case Dtype::i8:
    case Dtype::u8:
    case Dtype::boolean: break;
  }
  throw Error(Fault::bug, cat("weights of dtype ", name_of(dtype), " are no numbers to compute with"));
}

}  // namespace pst::weights
