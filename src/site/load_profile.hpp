// SPDX-License-Identifier: Apache-2.0
#pragma once
#include <filesystem>
#include <string>
#include <string_view>
#include <vector>

#include "config/problems.hpp"
#include "config/reader.hpp"
#include "site/site.hpp"

namespace pst::site {

namespace fs = std::filesystem;

/// Reads a profile and those it inherits from.
/// @param folders  where parents are looked for, in this order; the profile's own folder comes first
/// @throws Error(usage) listing every mistake of all of the files with its place
Site load(const fs::path& file, const std::vector<fs::path>& folders);

/// Reads one that inherits from nobody: the effective profile that is kept with a run.
Site load_effective(const fs::path& file);
Site parse(std::string_view yaml, const std::string& name);

/// The effective profile: every key with its value, nothing inherited any more.
std::string to_yaml(const Site& site);

/// What no single key can tell: values that contradict each other.
void check_together(const Site& site, const config::Places& places, config::Problems& problems);

/// docs/sites.md, made from the same declarations that read a profile.
std::string reference_page();

}  // namespace pst::site
