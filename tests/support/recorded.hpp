// SPDX-License-Identifier: Apache-2.0
#pragma once
#include <gmock/gmock.h>

#include <cstring>
#include <filesystem>
#include <string>
#include <vector>

#include "core/view.hpp"
#include "source_tree.hpp"
#include "weights/safetensors.hpp"

namespace pst::fixture {

/// What tools/parity/record_quantised.py recorded. @param file nf4 or int8
inline weights::TensorStore recorded_quantised(const std::string& file) {
  return weights::TensorStore::open(std::filesystem::path(PST_SOURCE_DIR) / "tests/fixtures/quantised" /
                                    (file + ".safetensors"));
}

template <class T>
std::vector<T> values_of(const weights::Tensor& tensor) {
  std::vector<T> values(tensor.bytes.size() / sizeof(T));
  std::memcpy(static_cast<void*>(values.data()), tensor.bytes.data(), values.size() * sizeof(T));
  return values;
}

inline std::vector<float> floats_of(const weights::Tensor& tensor) {
  std::vector<float> values;
  if (tensor.dtype == "F32") return values_of<float>(tensor);
  if (tensor.dtype == "BF16")
    for (const bf16 value : values_of<bf16>(tensor)) values.push_back(to_float(value));
  if (tensor.dtype == "F16")
    for (const auto bits : values_of<std::uint16_t>(tensor)) values.push_back(half_to_float(bits));
  return values;
}

/// Names before the dot of tensors called `<case>.<suffix>`.
inline std::vector<std::string> cases_of(const weights::TensorStore& store, const std::string& suffix) {
  std::vector<std::string> cases;
  for (const auto& tensor : store.tensors())
    if (tensor.name.substr(tensor.name.find('.') + 1) == suffix)
      cases.push_back(tensor.name.substr(0, tensor.name.find('.')));
  return cases;
}

/// Bit patterns, so that -0 is not 0 and a NaN is itself.
inline std::vector<std::uint32_t> bits_of(const std::vector<float>& values) {
  std::vector<std::uint32_t> bits(values.size());
  std::memcpy(bits.data(), values.data(), 4 * values.size());
  return bits;
}

}  // namespace pst::fixture
