// SPDX-License-Identifier: Apache-2.0
// Stored values as f32, and the refusal of those that are none.
#include <cmath>
#include <cstring>

#include "core/error.hpp"
#include "core/strings.hpp"
#include "lowbit/codec.hpp"

namespace pst::lowbit {
namespace {

template <class Stored, class Convert>
void convert(const std::byte* from, std::int64_t begin, std::int64_t end, float* into, Convert&& to_f32) {
  for (std::int64_t i = begin; i < end; ++i) {
    Stored value;
    std::memcpy(&value, from + static_cast<std::size_t>(i) * sizeof value, sizeof value);
    *into++ = to_f32(value);
  }
}

}  // namespace

void read_values(const weights::Tensor& stored, std::int64_t begin, std::int64_t end, float* into) {
  PST_ASSERT(begin >= 0 && begin <= end && end <= stored.count(), "a piece lies inside its tensor");
  const std::byte* const from = stored.bytes.data();
  if (stored.dtype == "F32")
    std::memcpy(into, from + 4 * begin, static_cast<std::size_t>(end - begin) * 4);
  else if (stored.dtype == "BF16")
    convert<bf16>(from, begin, end, into, [](bf16 value) { return to_float(value); });
  else if (stored.dtype == "F16")
    convert<std::uint16_t>(from, begin, end, into, half_to_float);
  else if (stored.dtype == "F64")
    convert<double>(from, begin, end, into, [](double value) { return static_cast<float>(value); });
  else
    throw Error(Fault::data, cat("tensor ", stored.name, " is ", stored.dtype, "; needed is BF16, F16, F32 or F64"),
                "use the model's bf16 version, or set model.quantization.format to what the folder holds");
}

void require_finite(const weights::Tensor& tensor, std::span<const float> values, std::int64_t first) {
  for (std::size_t i = 0; i < values.size(); ++i)
    if (!std::isfinite(values[i])) {
      const std::int64_t at = first + static_cast<std::int64_t>(i),
                         width = tensor.shape.empty() ? 1 : tensor.shape.back();
      throw Error(
          Fault::data,
          cat("tensor ", tensor.name, " holds ", std::isnan(values[i]) ? "a NaN" : "an infinity", " at row ",
              tensor.shape.size() > 1 ? at / width : at, tensor.shape.size() > 1 ? cat(", column ", at % width) : ""),
          "download the model again, or take another version of it");
    }
}

}  // namespace pst::lowbit
