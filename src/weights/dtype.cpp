// SPDX-License-Identifier: Apache-2.0
#include "weights/dtype.hpp"

#include <array>
#include <utility>

#include "core/strings.hpp"

namespace pst::weights {
namespace {

/// @see huggingface/safetensors, enum Dtype
constexpr std::array<std::pair<const char*, int>, 15> kDtypes = {{{"BOOL", 1},
                                                                  {"U8", 1},
                                                                  {"I8", 1},
                                                                  {"F8_E4M3", 1},
                                                                  {"F8_E5M2", 1},
                                                                  {"I16", 2},
                                                                  {"U16", 2},
                                                                  {"F16", 2},
                                                                  {"BF16", 2},
                                                                  {"I32", 4},
                                                                  {"U32", 4},
                                                                  {"F32", 4},
                                                                  {"F64", 8},
                                                                  {"I64", 8},
                                                                  {"U64", 8}}};

}  // namespace

std::optional<std::int64_t> bytes_per_value(std::string_view dtype) {
  for (const auto& [name, bytes] : kDtypes)
    if (dtype == name) return bytes;
  return std::nullopt;
}

std::string known_dtypes() {
  std::vector<std::string> names;
  for (const auto& entry : kDtypes) names.emplace_back(entry.first);
  return join(names, ", ");
}

bool is_floating(std::string_view dtype) {
  return dtype == "F32" || dtype == "BF16" || dtype == "F16" || dtype == "F64";
}

std::optional<std::int64_t> checked_bytes(const std::vector<std::int64_t>& shape, std::int64_t value_bytes) {
  std::int64_t bytes = value_bytes;
  for (const auto size : shape)
    if (size < 0 || __builtin_mul_overflow(bytes, size, &bytes)) return std::nullopt;
  return bytes;
}

std::string shape_text(const std::vector<std::int64_t>& shape) {
  std::vector<std::string> sizes;
  for (const auto size : shape) sizes.push_back(std::to_string(size));
  return cat("[", join(sizes, ", "), "]");
}

}  // namespace pst::weights
