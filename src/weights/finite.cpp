// SPDX-License-Identifier: Apache-2.0
#include "weights/finite.hpp"

#include <algorithm>
#include <array>
#include <cstring>
#include <limits>

namespace pst::weights {
namespace {

/// Blocks are copied: a tensor may begin at any byte of a file. Whether one has a bad value is found without a branch
/// per value, which compilers turn into vector instructions.
template <class Bits, class IsBad>
std::optional<std::int64_t> first_bad(const Tensor& tensor, IsBad is_bad) {
  constexpr std::size_t kBlock = 4096 / sizeof(Bits);
  std::array<Bits, kBlock> block;
  const std::size_t count = tensor.bytes.size() / sizeof(Bits);
  for (std::size_t begin = 0; begin < count; begin += kBlock) {
    const std::size_t size = std::min(kBlock, count - begin);
    std::memcpy(block.data(), tensor.bytes.data() + begin * sizeof(Bits), size * sizeof(Bits));
    unsigned bad = 0;
    for (std::size_t i = 0; i < size; ++i) bad |= static_cast<unsigned>(is_bad(block[i]));
    if (bad == 0) continue;
    const auto end = block.begin() + static_cast<std::ptrdiff_t>(size);
    return static_cast<std::int64_t>(begin) + (std::find_if(block.begin(), end, is_bad) - block.begin());
  }
  return std::nullopt;
}

/// Infinite and not a number are the values whose exponent has all bits set.
template <class Bits>
std::optional<std::int64_t> first_with(const Tensor& tensor, Bits exponent) {
  return first_bad<Bits>(tensor, [exponent](Bits bits) { return (bits & exponent) == exponent; });
}

}  // namespace

std::optional<std::int64_t> first_not_finite(const Tensor& tensor) {
  const std::string& dtype = tensor.dtype;
  if (dtype == "F32") return first_with<std::uint32_t>(tensor, 0x7f800000);
  if (dtype == "BF16") return first_with<std::uint16_t>(tensor, 0x7f80);
  if (dtype == "F16") return first_with<std::uint16_t>(tensor, 0x7c00);
  if (dtype == "F8_E5M2") return first_with<std::uint8_t>(tensor, 0x7c);
  if (dtype == "F8_E4M3") return first_with<std::uint8_t>(tensor, 0x7f);  // has one such value, and no infinity
  if (dtype == "F64")
    return first_bad<double>(tensor, [](double value) {
      return !(value >= -std::numeric_limits<float>::max() && value <= std::numeric_limits<float>::max());
    });
  return std::nullopt;
}

}  // namespace pst::weights
