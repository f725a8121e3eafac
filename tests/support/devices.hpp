// SPDX-License-Identifier: Apache-2.0
#pragma once
#include <gmock/gmock.h>

#include <cmath>
#include <cstring>
#include <optional>
#include <string>
#include <vector>

#include "core/error.hpp"
#include "core/exec.hpp"
#include "kernels/cuda/module.hpp"
#include "support/cuda_emulated_table.hpp"

namespace pst::fixture {

enum class Where { emulated, gpu };

/// Tests of kernels against the CPU's, once on the emulated GPU and once on GPU 0 with libpst_cuda.so, where both are
/// there; the reason why not is said.
class OnEveryDevice : public testing::TestWithParam<Where> {
 public:
  void SetUp() override {
    if (GetParam() == Where::emulated) {
      table_ = &emulated_cuda_table();
      return;
    }
    try {
      const CudaTable& table = load_cuda_module(cuda_module_path());
      require_cuda_device(table, 0);
      table_ = &table;
    } catch (const Error& error) {
      GTEST_SKIP() << error.message();
    }
  }

  const CudaTable& table() const { return *table_; }
  Exec gpu() const {
    Exec on;
    on.device = {DeviceKind::cuda, 0};
    on.cuda = table_;
    return on;
  }

 private:
  const CudaTable* table_ = nullptr;
};

#define PST_ON_EVERY_DEVICE(Suite)                                                    \
  INSTANTIATE_TEST_SUITE_P(                                                           \
      Devices, Suite, testing::Values(fixture::Where::emulated, fixture::Where::gpu), \
      [](const auto& instance) { return instance.param == fixture::Where::gpu ? "gpu" : "emulated"; })

enum class Placed { aligned, shifted };  ///< at a multiple of 256 bytes, or one value behind it

/// An array on a device between two borders of ones (NaNs, read as numbers) that have to be there still when it is read
/// back.
template <class T>
class DeviceArray {
 public:
  DeviceArray(const CudaTable& table, const std::vector<T>& values, Placed placed = Placed::aligned)
      : table_(table), count_(values.size()), begin_(kBorder + (placed == Placed::shifted ? sizeof(T) : 0)) {
    std::vector<unsigned char> bytes(begin_ + count_ * sizeof(T) + kBorder, 0xff);
    if (count_ > 0) std::memcpy(bytes.data() + begin_, values.data(), count_ * sizeof(T));
    EXPECT_EQ(table_.allocate(&memory_, bytes.size()), 0);
    EXPECT_EQ(table_.copy_to_device(memory_, bytes.data(), bytes.size()), 0);
  }
  ~DeviceArray() { table_.release(memory_); }
  DeviceArray(const DeviceArray&) = delete;
  DeviceArray& operator=(const DeviceArray&) = delete;

  View view() const {
    return {static_cast<unsigned char*>(memory_) + begin_,
            static_cast<std::int64_t>(count_),
            dtype_of<T>(),
            {DeviceKind::cuda, 0}};
  }
  operator View() const { return view(); }
  operator ConstView() const { return view(); }

  std::vector<T> values() const {
    std::vector<unsigned char> bytes(begin_ + count_ * sizeof(T) + kBorder);
    EXPECT_EQ(table_.wait(nullptr), 0);
    EXPECT_EQ(table_.copy_to_host(bytes.data(), memory_, bytes.size()), 0);
    bool whole = true;
    for (std::size_t i = 0; i < bytes.size(); ++i)
      if (i < begin_ || i >= begin_ + count_ * sizeof(T)) whole = whole && bytes[i] == 0xff;
    EXPECT_TRUE(whole) << "memory around the array was written";
    std::vector<T> out(count_);
    if (count_ > 0) std::memcpy(out.data(), bytes.data() + begin_, count_ * sizeof(T));
    return out;
  }

 private:
  static constexpr std::size_t kBorder = 256;
  const CudaTable& table_;
  std::size_t count_, begin_;
  void* memory_ = nullptr;
};

/// f32 values as T.
template <class T>
std::vector<T> as_type(const std::vector<float>& values) {
  std::vector<T> out;
  for (const float value : values)
    if constexpr (std::is_same_v<T, bf16>)
      out.push_back(to_bf16(value));
    else
      out.push_back(value);
  return out;
}
inline double number(float value) { return static_cast<double>(value); }
inline double number(std::uint8_t value) { return value; }
inline double number(bf16 value) { return static_cast<double>(to_float(value)); }

/// Equal within `relative` of the larger magnitude, or `absolute`. For bf16 a relative 2^-7 is one unit in the last
/// place: results that differ little in f32 may round to neighbours.
template <class T>
void expect_near(const std::vector<T>& actual, const std::vector<T>& expected, double relative, double absolute) {
  ASSERT_EQ(actual.size(), expected.size());
  for (std::size_t i = 0; i < actual.size(); ++i) {
    const double a = number(actual[i]), b = number(expected[i]);
    ASSERT_LE(std::abs(a - b), absolute + relative * std::max(std::abs(a), std::abs(b)))
        << "at " << i << ": " << a << ", not " << b;
  }
}
template <class T>
constexpr double ulps(double f32_relative) {
  return std::is_same_v<T, bf16> ? 0x1p-7 : f32_relative;
}

template <class T>
void expect_same_bits(const std::vector<T>& actual, const std::vector<T>& expected) {
  ASSERT_EQ(actual.size(), expected.size());
  for (std::size_t i = 0; i < actual.size(); ++i)
    ASSERT_EQ(std::memcmp(&actual[i], &expected[i], sizeof(T)), 0)
        << "at " << i << ": " << number(actual[i]) << ", not " << number(expected[i]);
}

}  // namespace pst::fixture
