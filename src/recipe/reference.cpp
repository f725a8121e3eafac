// SPDX-License-Identifier: Apache-2.0
#include <algorithm>

#include "core/strings.hpp"
#include "methods/method.hpp"
#include "recipe/every_key.hpp"
#include "recipe/load.hpp"

namespace pst::recipe {

namespace {

constexpr const char* kAdapter = "adapter";

/// Methods have tables of their own; what many of them have stays in the section's.
bool is_of_few_methods(const RecipeKey& key) {
  constexpr std::size_t kMany = 6;
  return key.row.section == kAdapter && !key.kinds.empty() && key.kinds.size() < kMany;
}

void add_methods(std::vector<config::CatalogueRow>& rows) {
  for (const auto* const method : methods::table())
    for (const RecipeKey& key : every_key())
      if (is_of_few_methods(key) && std::find(key.kinds.begin(), key.kinds.end(), method->name) != key.kinds.end()) {
        rows.push_back(key.row);
        rows.back().section = cat("adapter of type ", method->name);
      }
}

}  // namespace

std::string reference_page() {
  std::vector<config::CatalogueRow> rows;
  for (const RecipeKey& key : every_key()) {
    if (!rows.empty() && rows.back().section == kAdapter && key.row.section != kAdapter) add_methods(rows);
    if (is_of_few_methods(key)) continue;
    rows.push_back(key.row);
    if (!key.kinds.empty()) rows.back().help = cat("`", join(key.kinds, "`, `"), "`: ", key.row.help);
  }
  return cat(R"(# The recipe: every key

<!-- Written from the declarations in src/recipe by `PST_UPDATE_DOCS=1 recipe_test`. Do not edit by hand. -->

This page answers: what does each key of a recipe mean, which values may it have, and what is its
default?

A recipe is one YAML file. `peft-studio init` writes one ([starting.md](starting.md)).
`peft-studio validate RECIPE` checks it and reports every mistake at once, with file, line and
column. Each run stores the effective recipe, with all defaults filled in, as `recipe.yaml`; it is a
valid recipe itself.

- These are errors: unknown keys, duplicate keys, values of the wrong type, control characters in
  texts.
- Write switches as `true` and `false` (not `yes` or `on`), and numbers without quotes. Anchors,
  aliases and tags are not used.
- Relative paths start from the directory in which the command is run. The effective recipe has
  absolute ones.
- `--set section.key=value` changes one key from the command line; the value is YAML. Items of lists
  are counted from 0: `--set data.train.0.path=other.jsonl`.
- `global_batch_size` must be a multiple of `micro_batch_size`. The micro batches of a step must be
  shared equally by `slurm.nodes` x `slurm.ranks_per_node` ranks.

)",
             config::to_markdown(rows));
}

}  // namespace pst::recipe
