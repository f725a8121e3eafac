// SPDX-License-Identifier: Apache-2.0
#include <algorithm>

#include "config/catalogue.hpp"
#include "core/strings.hpp"
#include "methods/method.hpp"
#include "recipe/load.hpp"

namespace pst::recipe {
namespace {

/// The keys of the section `adapter` with another method than the one that a recipe gets that names none.
std::vector<config::CatalogueRow> rows_of(const methods::Method& method) {
  methods::Adapter adapter(method);
  auto rows = config::catalogue([&](config::Fields& fields) { bind(fields, adapter); });
  for (auto& row : rows) row.section = cat("adapter with type: ", method.name);
  return rows;
}

}  // namespace

std::string reference_page() {
  Recipe recipe;
  Sweep sweep;
  auto rows = config::catalogue([&](config::Fields& fields) {
    bind(fields, recipe);
    bind_sweep(fields, sweep);
  });
  for (const auto* const method : methods::table().subspan(1)) {
    const auto others = rows_of(*method);
    const auto last = std::find_if(rows.rbegin(), rows.rend(),
                                   [](const auto& row) { return std::string_view(row.section).starts_with("adapter"); });
    rows.insert(last.base(), others.begin(), others.end());
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
