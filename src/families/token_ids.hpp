// SPDX-License-Identifier: Apache-2.0
#pragma once
#include <cstdint>
#include <string_view>
#include <vector>

#include "families/spec.hpp"
#include "json/object.hpp"

namespace pst::families {

/// The ids under `key`: one, several or none. @throws Error(data) for one that is no token
std::vector<std::int32_t> token_ids(const json::Object& root, std::string_view key, std::int64_t vocabulary);

/// eos_token_id, bos_token_id and pad_token_id of a config.json.
void read_token_ids(const json::Object& root, ModelSpec& model);

}  // namespace pst::families
