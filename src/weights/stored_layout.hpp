// SPDX-License-Identifier: Apache-2.0
#pragma once
#include <cstdint>
#include <nlohmann/json_fwd.hpp>
#include <string>
#include <vector>

namespace pst::json {
class Object;
}

namespace pst::weights {

class TensorStore;

/// How a model's folder says in config.json that its layers are in a number format, and which tensors hold a matrix.
struct StoredLayout {
  const char* source;  ///< whose layout it is: "bitsandbytes"
  const char* codes;   ///< dtype of the tensor with a matrix's name: "U8"
  /// Whether config.json's `quantization_config` means this layout.
  /// @throws Error(data) when it does, with a setting that cannot be read
  bool (*is_named_by)(const json::Object& quantization_config);
  /// `quantization_config` for a folder in this layout. @param dense_modules  layers that stay numbers, by the end of
  /// their name
  nlohmann::ordered_json (*config)(bool double_quantisation, const std::vector<std::string>& dense_modules);
  /// Whether matrix `name` is in this layout, or nothing but numbers. @throws Error(data) when it is half in it
  bool (*holds)(const TensorStore& store, const std::string& name, std::int64_t out, std::int64_t in);
  /// Names of the tensors that belong to such a matrix beside itself, whether they exist or not.
  std::vector<std::string> (*companions)(const std::string& name);
};

extern const StoredLayout kBitsandbytesNf4, kBitsandbytesInt8;  // bitsandbytes.cpp
extern const StoredLayout kScaledFp8;                           // scaled_fp8.cpp

}  // namespace pst::weights
