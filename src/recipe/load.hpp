// SPDX-License-Identifier: Apache-2.0
#pragma once
#include <filesystem>
#include <string>
#include <string_view>
#include <vector>

#include "config/node.hpp"
#include "recipe/recipe.hpp"
#include "recipe/sweep.hpp"

namespace pst::recipe {

/// Reads a recipe. Relative paths in it are taken from the current directory and made absolute, so that the effective
/// recipe means the same wherever it is read again.
/// @param overrides  `key.sub=value`, applied in turn as if they stood in the file
/// @throws Error(usage) listing every mistake with its place; Error(usage) when the file is missing, or stands for
/// several runs (`sweep`)
Recipe load(const std::filesystem::path& file, const std::vector<std::string>& overrides = {});

/// The same for a text. @param name used in messages; relative paths are taken from `base`
Recipe parse(std::string_view yaml, const std::string& name, const std::vector<std::string>& overrides,
             const std::filesystem::path& base);

/// The same for a tree whose marks say where each value comes from.
Recipe parse(const config::Node& document, const std::filesystem::path& base);

/// A recipe with a `sweep` section: all its runs. @throws as load()
SweepRecipe load_sweep(const std::filesystem::path& file, const std::vector<std::string>& overrides = {});
SweepRecipe parse_sweep(std::string_view yaml, const std::string& name, const std::vector<std::string>& overrides,
                        const std::filesystem::path& base);
/// Whether the recipe stands for several runs. False for a file that load() would refuse anyway.
bool is_sweep(const std::filesystem::path& file, const std::vector<std::string>& overrides = {});

/// The effective recipe: every key with its value, as YAML that load() reads back to the same values.
std::string to_yaml(const Recipe& recipe);

/// docs/recipe.md, made from the same declarations that read a recipe.
std::string reference_page();

/// Every rank does the same number of micro batches in a step. @throws Error(usage) naming the numbers of ranks that
/// can
void check_ranks(const Recipe& recipe, int ranks);

}  // namespace pst::recipe
