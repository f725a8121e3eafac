// SPDX-License-Identifier: Apache-2.0
#include "recipe/changes.hpp"

#include <algorithm>
#include <array>
#include <string_view>

#include "config/print.hpp"
#include "core/strings.hpp"

namespace pst::recipe {
namespace {

constexpr std::array<std::string_view, 12> kHarmless = {
    "name",    "output_dir", "slurm",  "checkpoint", "evaluate",      "parallel",
    "profile", "metrics",    "alerts", "notify",     "train.threads", "train.gradient_checkpointing"};

bool is_harmless(const std::string& path) {
  return std::any_of(kHarmless.begin(), kHarmless.end(),
                     [&](std::string_view key) { return path == key || path.starts_with(cat(key, ".")); });
}

void flatten(const config::Node& node, const std::string& path, std::map<std::string, std::string>& into) {
  if (node.kind != config::Node::Kind::map) {
    into[path] = config::to_flow(node);
    return;
  }
  for (const auto& entry : node.entries)
    flatten(entry.value, path.empty() ? entry.key : cat(path, ".", entry.key), into);
}

}  // namespace

std::map<std::string, std::string> all_keys(const Recipe& recipe) {
  Recipe copy = recipe;
  std::map<std::string, std::string> all;
  flatten(config::write_section([&](config::Fields& fields) { bind(fields, copy); }), "", all);
  return all;
}

std::map<std::string, std::string> keys_that_alter(const Recipe& recipe) {
  auto keys = all_keys(recipe);
  // What a run is judged by decides where it ends, or which values it results in.
  const bool judged = recipe.train.early_stopping.patience || keeps_best(recipe.train);
  std::erase_if(keys, [=](const auto& entry) {
    return is_harmless(entry.first) && !(judged && entry.first.starts_with("evaluate."));
  });
  return keys;
}

std::vector<Change> changes_between(const std::map<std::string, std::string>& was,
                                    const std::map<std::string, std::string>& is) {
  std::vector<Change> changes;
  for (const auto& [key, value] : was) {
    const auto now = is.find(key);
    if (now == is.end() || now->second != value)
      changes.push_back({key, value, now == is.end() ? std::string() : now->second});
  }
  // A key that an older version did not know has changed nothing while it has its default.
  const auto defaults = all_keys(Recipe{});
  for (const auto& [key, value] : is) {
    if (was.count(key) != 0) continue;
    const auto standard = defaults.find(key);
    if (standard == defaults.end() || standard->second != value) changes.push_back({key, "", value});
  }
  return changes;
}

std::string to_text(const std::vector<Change>& changes) {
  std::vector<std::string> parts;
  for (const auto& [key, was, is] : changes)
    parts.push_back(cat(key, " was ", was.empty() ? "not there" : was, " and is ", is.empty() ? "not there" : is));
  return join(parts, "; ");
}

}  // namespace pst::recipe
