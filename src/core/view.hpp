// SPDX-License-Identifier: Apache-2.0
#pragma once
#include <cstddef>
#include <cstdint>
#include <span>

#include "core/error.hpp"

namespace pst {

enum class Dtype { f32, bf16, f16, f64, i64, i32, i16, i8, u8, boolean };
std::size_t size_of(Dtype dtype);
const char* name_of(Dtype dtype);

enum class DeviceKind { cpu, cuda };
struct Device {
  DeviceKind kind = DeviceKind::cpu;
  int index = 0;
  friend bool operator==(const Device&, const Device&) = default;
};

/// bfloat16: the upper half of a float32. Storage only; arithmetic is done in float32.
struct bf16 {
  std::uint16_t bits = 0;
};
inline float to_float(bf16 value) { return __builtin_bit_cast(float, std::uint32_t{value.bits} << 16); }
/// Rounds to nearest, ties to even; a NaN stays a NaN.
inline bf16 to_bf16(float value) {
  const auto bits = __builtin_bit_cast(std::uint32_t, value);
  if ((bits & 0x7fffffffu) > 0x7f800000u) return {static_cast<std::uint16_t>((bits >> 16) | 0x40u)};
  return {static_cast<std::uint16_t>((bits + 0x7fffu + ((bits >> 16) & 1u)) >> 16)};
}
/// IEEE half precision to float32, exactly.
float half_to_float(std::uint16_t bits);
// clang-format off
template <class T> constexpr Dtype dtype_of();
template <> constexpr Dtype dtype_of<float>() { return Dtype::f32; }
template <> constexpr Dtype dtype_of<double>() { return Dtype::f64; }
template <> constexpr Dtype dtype_of<bf16>() { return Dtype::bf16; }
template <> constexpr Dtype dtype_of<std::int64_t>() { return Dtype::i64; }
template <> constexpr Dtype dtype_of<std::int32_t>() { return Dtype::i32; }
template <> constexpr Dtype dtype_of<std::uint8_t>() { return Dtype::u8; }
template <> constexpr Dtype dtype_of<std::int8_t>() { return Dtype::i8; }

/// Looks at `count` contiguous values; owns nothing.
struct View {
  void* data = nullptr;
  std::int64_t count = 0;
  Dtype dtype = Dtype::f32;
  Device device = {};

  std::size_t bytes() const { return static_cast<std::size_t>(count) * size_of(dtype); }
  /// @throws Error(bug) when T is not the type of the values, or they are on a GPU
  template <class T> std::span<T> as() const {
    PST_ASSERT(dtype == dtype_of<T>(), "a view is read as the type it holds");
    PST_ASSERT(device.kind == DeviceKind::cpu, "a GPU's memory is not read from the CPU");
    return {static_cast<T*>(data), static_cast<std::size_t>(count)};
  }
  View part(std::int64_t begin, std::int64_t size) const {
    PST_ASSERT(begin >= 0 && size >= 0 && begin + size <= count, "a part lies inside its view");
    return {static_cast<std::byte*>(data) + static_cast<std::size_t>(begin) * size_of(dtype), size, dtype, device};
  }
};

template <class T> View view_of(std::span<T> values) { return {values.data(), static_cast<std::int64_t>(values.size()), dtype_of<T>(), {}}; }

/// The same, for reading.
struct ConstView {
  const void* data = nullptr;
  std::int64_t count = 0;
  Dtype dtype = Dtype::f32;
  Device device = {};

  ConstView() = default;
  ConstView(const void* data_, std::int64_t count_, Dtype dtype_, Device device_ = {})
      : data(data_), count(count_), dtype(dtype_), device(device_) {}
  ConstView(const View& view) : data(view.data), count(view.count), dtype(view.dtype), device(view.device) {}

  std::size_t bytes() const { return static_cast<std::size_t>(count) * size_of(dtype); }
  template <class T> std::span<const T> as() const {
    PST_ASSERT(dtype == dtype_of<T>(), "a view is read as the type it holds");
    PST_ASSERT(device.kind == DeviceKind::cpu, "a GPU's memory is not read from the CPU");
    return {static_cast<const T*>(data), static_cast<std::size_t>(count)};
  }
};
template <class T> ConstView const_view_of(std::span<const T> values) { return {values.data(), static_cast<std::int64_t>(values.size()), dtype_of<T>()}; }
// clang-format on
}  // namespace pst
