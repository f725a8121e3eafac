// SPDX-License-Identifier: Apache-2.0
#pragma once
#include <filesystem>
#include <vector>

#include "methods/adapter.hpp"

namespace pst::methods {

/// @throws Error(usage) naming the key in which a stored adapter differs from the recipe's
void require_start(const Adapter& stored, const Adapter& wanted);

/// Checks that a PEFT adapter's folder can be the start of what the recipe describes: its config, and the name, shape
/// and values of every tensor.
/// @throws Error(usage) when the recipe describes another adapter, Error(data) for files that no recipe fits
void check_start(const std::filesystem::path& folder, const Adapter& wanted, const Places& places);

}  // namespace pst::methods
