// SPDX-License-Identifier: Apache-2.0
#include "recipe/every_key.hpp"

#include <algorithm>

#include "config/one_of.hpp"
#include "core/strings.hpp"
#include "methods/method.hpp"
#include "methods/study.hpp"
#include "recipe/recipe.hpp"
#include "recipe/sweep.hpp"

namespace pst::recipe {
namespace {

std::vector<config::CatalogueRow> rows_of(Recipe& recipe) {
  Sweep sweep;
  return config::catalogue([&](config::Fields& fields) {
    bind(fields, recipe);
    bind_sweep(fields, sweep);
  });
}

/// The keys of a section that comes in kinds.
class Kinds {
 public:
  Kinds(std::vector<RecipeKey>& keys, std::string section, std::string chooser)
      : keys_(keys), section_(std::move(section)), chooser_(std::move(chooser)) {}

  /// Adds the keys that a kind has. @param rows  of a recipe that chooses it
  void add(const std::string& kind, const std::vector<config::CatalogueRow>& rows) {
    ++count_;
    auto at = std::find_if(keys_.begin(), keys_.end(), [&](const RecipeKey& key) { return is_ours(key.row); });
    for (const auto& row : rows) {
      if (!is_ours(row)) continue;
      const auto same =
          std::find_if(keys_.begin(), keys_.end(), [&](const RecipeKey& key) { return alike(key.row, row); });
      at = same != keys_.end() ? same : keys_.insert(at, {row, {}, {}});
      at->kinds.push_back(kind);
      ++at;
    }
  }

  /// After the last: what all have needs no words.
  void finish() {
    for (auto& key : keys_) {
      if (!is_ours(key.row)) continue;
      if (key.kinds.size() == count_)
        key.kinds.clear();
      else
        key.chooser = cat(section_, ".", chooser_);
    }
  }

 private:
  bool is_ours(const config::CatalogueRow& row) const { return row.section == section_; }
  bool alike(const config::CatalogueRow& a, const config::CatalogueRow& b) const {
    const bool same_default = a.initial == b.initial || a.key == chooser_;
    return a.section == b.section && a.key == b.key && a.type == b.type && a.wish == b.wish && a.help == b.help &&
           same_default;
  }

  std::vector<RecipeKey>& keys_;
  std::string section_, chooser_;
  std::size_t count_ = 0;
};

}  // namespace

std::string RecipeKey::path() const { return row.section.empty() ? row.key : cat(row.section, ".", row.key); }

std::vector<RecipeKey> every_key() {
  Recipe recipe;
  methods::list_every_key(recipe.adapter);
  std::vector<RecipeKey> keys;
  for (auto& row : rows_of(recipe)) keys.push_back({std::move(row), {}, {}});
  const auto add_kinds = [&](const char* section, const char* chooser, auto& choice) {
    Kinds kinds(keys, section, chooser);
    config::for_each_kind(choice, [&](const std::string& name) { kinds.add(name, rows_of(recipe)); });
    kinds.finish();
  };
  add_kinds("optimizer", "name", recipe.optimizer.rule);
  add_kinds("scheduler", "name", recipe.scheduler.course);
  Kinds adapters(keys, "adapter", "type");
  for (const auto* const method : methods::table()) {
    recipe.adapter = methods::Adapter(*method);
    methods::list_every_key(recipe.adapter);
    adapters.add(std::string(method->name), rows_of(recipe));
  }
  adapters.finish();
  return keys;
}

}  // namespace pst::recipe
