// SPDX-License-Identifier: Apache-2.0
#pragma once
#include <initializer_list>
#include <string>
#include <string_view>
#include <vector>

#include "json/object.hpp"
#include "methods/adapter.hpp"

// adapter_config.json of methods whose keys have PEFT's names in a recipe too: the method's bind() says what the file
// holds and what its values may be.
namespace pst::methods {

/// The method's keys, its `fixed` ones and those of every method. Sets are sorted lists, as PEFT writes them.
/// @param modules  names of the layers that are adapted
json::Ordered declared_config(const Adapter& adapter, const std::vector<std::string>& modules);

/// @throws Error(data) naming key and line, for a value that the recipe would not take, or a key that nobody reads
/// @param elsewhere  keys that the caller reads
Adapter read_declared(const Method& method, const json::Object& config,
                      std::initializer_list<std::string_view> elsewhere = {});

/// @throws Error(usage) naming the key in which `stored` cannot be the start of `wanted`. Dropouts and ways to start
/// may differ
void require_declared(const Adapter& stored, const Adapter& wanted);

}  // namespace pst::methods
