// SPDX-License-Identifier: Apache-2.0
#pragma once
#include <filesystem>

namespace pst::console {

/// A page as PDF, by what this machine has: chromium, google-chrome or weasyprint (which draws no curves, as it runs no
/// scripts). @throws Error(usage) saying what to install when there is none; Error(io) when it fails
void print_page(const std::filesystem::path& html, const std::filesystem::path& pdf);

}  // namespace pst::console
