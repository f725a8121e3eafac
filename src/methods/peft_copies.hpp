// SPDX-License-Identifier: Apache-2.0
#pragma once
#include <cstdint>
#include <map>
#include <string>
#include <vector>

#include "methods/adapter.hpp"

namespace pst::methods {

/// Tensors that PEFT writes into an adapter's file besides its own, by name, with their shapes: the whole embedding
/// beside an update of it, and with every layer once more the matrices that layers share. Their values are compared
/// when the file is loaded.
std::map<std::string, std::vector<std::int64_t>> peft_copies(const Adapter& adapter, const Places& places);

}  // namespace pst::methods
