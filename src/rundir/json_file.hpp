// SPDX-License-Identifier: Apache-2.0
#pragma once
#include <filesystem>
#include <nlohmann/json.hpp>

#include "json/object.hpp"

namespace pst::rundir {

/// A small JSON file of a run, read as untrusted input. @throws Error(data) when missing, over 1 MiB or no JSON
json::Document read_json(const std::filesystem::path& path);
/// null is NaN: JSON has no other way to write it. @throws Error(data) when absent or no number
double real_or_nan(const json::Object& object, const char* key);

/// Writes it durably, indented, with a newline at the end. Invalid UTF-8 is replaced.
void write_json(const std::filesystem::path& path, const nlohmann::ordered_json& object);

}  // namespace pst::rundir
