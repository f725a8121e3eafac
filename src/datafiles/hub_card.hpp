// SPDX-License-Identifier: Apache-2.0
#pragma once
#include <filesystem>
#include <string>
#include <vector>

namespace pst::datafiles {

/// A configuration that a dataset's README.md names: `configs` of the YAML at its front.
struct CardConfig {
  struct Split {
    std::string name;
    std::vector<std::string> patterns;  ///< below the folder
  };
  std::string name;
  bool is_default = false;
  std::vector<Split> splits;
};

/// Those of a card; none where the file is missing or has no `configs` with `data_files`.
/// @throws Error(data) when its YAML is wrong, or names files elsewhere
std::vector<CardConfig> read_card(const std::filesystem::path& readme);

/// `wanted`, else the one that says it is the default, else "default", else the only one.
/// @throws Error(data) naming all of them when none is
const CardConfig& chosen_config(const std::vector<CardConfig>& configs, const std::string& wanted,
                                const std::string& folder);

}  // namespace pst::datafiles
