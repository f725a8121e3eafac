// SPDX-License-Identifier: Apache-2.0
#pragma once
#include <cstddef>
#include <string>
#include <string_view>

#include "config/node.hpp"

namespace pst::config {

/// What a document may cost. The defaults suit a recipe.
struct ParseLimits {
  std::size_t max_bytes = std::size_t{1} << 20;
  std::size_t max_nodes = 50'000;
  int max_depth = 16;
};

/// One YAML document as a tree. Refused, each at its place: syntax errors, a second document, text that is not UTF-8,
/// tabs in the indentation, anchors, aliases and tags (a recipe needs none, and a few lines of aliases expand to
/// gigabytes), keys that are no words, duplicate keys, and whatever is beyond the limits. What keeps the tree from
/// being built throws at once; duplicate keys are added to `problems`.
/// @param name used in messages. @throws Error(usage)
Node parse_yaml(std::string_view text, const std::string& name, Problems& problems, const ParseLimits& limits = {});

/// `key.sub=value`, the value being YAML, put into `document` as if it stood in the file. Lists are indexed by number:
/// `data.train.0.path=x`. Mistakes are added to `problems`, located as `--set key.sub=value`.
void apply_override(Node& document, const std::string& assignment, Problems& problems);

/// The same for a value that keeps its own place. @param mark  where the path was written
void assign(Node& document, const std::string& path, Node value, const Mark& mark, Problems& problems);

}  // namespace pst::config
