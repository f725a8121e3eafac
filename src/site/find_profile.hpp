// SPDX-License-Identifier: Apache-2.0
#pragma once
#include <filesystem>
#include <functional>
#include <optional>
#include <string>
#include <vector>

#include "site/site.hpp"

namespace pst::site {

namespace fs = std::filesystem;

/// What of the machine decides which profile is meant. Handed in, so that tests need no other machine.
struct Host {
  std::string name;
  std::function<std::optional<std::string>(const std::string&)> variable;  ///< of the environment
};
Host this_host();

/// The folders with profiles, in the order in which they are searched; those that exist: $PST_SITES (several with ':'),
/// the user's ($XDG_CONFIG_HOME or ~/.config, peft-studio/sites), the system's (<prefix>/etc/peft-studio/sites,
/// /etc/peft-studio/sites), and those that came with the program (<prefix>/share/peft-studio/sites; a build folder is a
/// prefix too).
/// @param program  the file this process was started from
std::vector<fs::path> folders(const Host& host, const fs::path& program);

/// A profile that can be named. `hides` others of its name in later folders.
struct Entry {
  std::string name;
  fs::path file;
};
/// One for each name, sorted by name.
std::vector<Entry> list(const std::vector<fs::path>& folders);

/// A profile, and why this one.
struct Choice {
  Site site;
  fs::path file;  ///< empty for the built-in defaults
  std::string reason;
};

/// @param wanted  a profile's name; a file (it has a '/' or ends in .yaml); or "auto": the one whose `match` fits the
///                host, else `generic`
/// @throws Error(usage) naming the candidates when there is none of that name, or when more than one fits
Choice choose(const std::string& wanted, const Host& host, const std::vector<fs::path>& folders);

}  // namespace pst::site
