// SPDX-License-Identifier: Apache-2.0
#include "weights/place.hpp"

#include <array>
#include <cmath>
#include <cstring>

#include "core/error.hpp"
#include "core/strings.hpp"

namespace pst::weights {
namespace {

constexpr std::array<float, 16> kMxfp4 = {0.0f,  0.5f,  1.0f,  1.5f,  2.0f,  3.0f,  4.0f,  6.0f,
                                          -0.0f, -0.5f, -1.0f, -1.5f, -2.0f, -3.0f, -4.0f, -6.0f};
constexpr std::int64_t kMxfp4Block = 32;
constexpr int kExponentBias = 127;

std::size_t at(std::int64_t index) { return static_cast<std::size_t>(index); }

void require_inside(const Tensor& tensor, std::int64_t values, std::int64_t last) {
  if (last >= values)
    throw Error(Fault::data, cat("tensor '", tensor.name, "' is smaller than config.json says"),
                "take config.json and weights from the same model");
}

}  // namespace

float value_at(const std::byte* values, Dtype dtype, std::size_t i) {
  switch (dtype) {
    case Dtype::f32: {
      float value;
      std::memcpy(&value, values + 4 * i, 4);
      return value;
    }
    case Dtype::bf16: {
      bf16 value;
      std::memcpy(&value, values + 2 * i, 2);
      return to_float(value);
    }
    case Dtype::f16: {
      std::uint16_t bits;
      std::memcpy(&bits, values + 2 * i, 2);
      return half_to_float(bits);
    }
    case Dtype::f64: {
      double value;
      std::memcpy(&value, values + 8 * i, 8);
      return static_cast<float>(value);
    }
    case Dtype::i64:
    case Dtype::i32:
    case Dtype::i16:
    case Dtype::i8:
    case Dtype::u8:
    case Dtype::boolean: break;
  }
  throw Error(Fault::bug, cat("weights of dtype ", name_of(dtype), " are no numbers to compute with"));
}

void read_placed(const TensorStore& store, const Place& place, std::int64_t in, std::int64_t begin, std::int64_t end,
                 float* into) {
  if (begin >= end) return;
  const Tensor& tensor = store.get(place.tensor);
  const auto index_of = [&](std::int64_t value) {
    return place.first + value / in * place.out_step + value % in * place.in_step;
  };
  if (place.exponents.empty()) {
    const Dtype dtype = tensor.core_dtype();
    require_inside(tensor, tensor.count(), index_of(end - 1));
    for (std::int64_t i = begin; i < end; ++i) *into++ = value_at(tensor.bytes.data(), dtype, at(index_of(i)));
    return;
  }
  const Tensor& exponents = store.get(place.exponents);
  require_inside(tensor, 2 * std::ssize(tensor.bytes), index_of(end - 1));
  require_inside(exponents, std::ssize(exponents.bytes), index_of(end - 1) / kMxfp4Block);
  for (std::int64_t i = begin; i < end; ++i) {
    const std::int64_t index = index_of(i);
    const auto pair = std::to_integer<unsigned>(tensor.bytes[at(index / 2)]);
    const int exponent = std::to_integer<int>(exponents.bytes[at(index / kMxfp4Block)]) - kExponentBias;
    *into++ = std::ldexp(kMxfp4[index % 2 == 0 ? pair & 15u : pair >> 4], exponent);
  }
}

}  // namespace pst::weights
