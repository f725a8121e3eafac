// SPDX-License-Identifier: Apache-2.0
#pragma once
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

namespace pst::weights {

/// `eos_token_id` of a generation_config.json, one or several; empty when it names none. @throws Error(data)
std::vector<std::int32_t> parse_generation_eos(std::string_view json, const std::string& name, std::int64_t vocab_size);

}  // namespace pst::weights
