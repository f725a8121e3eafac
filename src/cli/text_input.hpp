// SPDX-License-Identifier: Apache-2.0
#pragma once
#include <string>

namespace pst::cli {

/// The content of a file, or of standard input where `file` is empty or "-". @throws Error(data), Error(io)
std::string text_input(const std::string& file);

}  // namespace pst::cli
