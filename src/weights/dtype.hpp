// SPDX-License-Identifier: Apache-2.0
#pragma once
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace pst::weights {

/// Bytes of one value of a safetensors dtype ("BF16"), or nothing for a name that the format does not have.
std::optional<std::int64_t> bytes_per_value(std::string_view dtype);
/// "BOOL, U8, ...", for messages.
std::string known_dtypes();
/// F64, F32, F16 or BF16.
bool is_floating(std::string_view dtype);

/// Bytes of a tensor, or nothing when a size is negative or a product does not fit 63 bits. @param value_bytes > 0
std::optional<std::int64_t> checked_bytes(const std::vector<std::int64_t>& shape, std::int64_t value_bytes);
/// "[576, 1536]"
std::string shape_text(const std::vector<std::int64_t>& shape);

}  // namespace pst::weights
