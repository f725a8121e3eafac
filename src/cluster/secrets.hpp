// SPDX-License-Identifier: Apache-2.0
#pragma once
#include <filesystem>
#include <map>
#include <string>

namespace pst::cluster {

/// The variables of a file of NAME=value lines. Empty lines and those that begin with # are passed over; a value is
/// everything behind the first =, as it is. No value ever gets into a message.
/// @throws Error(usage) when the file is missing, no plain file, not the caller's, open to others (any of mode 077), or
///         has a line that is none
std::map<std::string, std::string> read_secrets(const std::filesystem::path& file);

}  // namespace pst::cluster
