// SPDX-License-Identifier: Apache-2.0
#pragma once
#include <filesystem>
#include <string>
#include <string_view>

namespace pst {

/// The value of the first line "key : value" of a file such as /proc/cpuinfo; empty when there is no such line or file.
std::string proc_value(const std::filesystem::path& file, std::string_view key);

/// "model name" of /proc/cpuinfo; empty where the kernel names none, as on some ARM machines.
std::string cpu_model(const std::filesystem::path& proc = "/proc");

}  // namespace pst
