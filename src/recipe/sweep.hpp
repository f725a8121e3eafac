// SPDX-License-Identifier: Apache-2.0
#pragma once
#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "config/fields.hpp"
#include "recipe/recipe.hpp"

/// One recipe that stands for several runs: some of its keys, each with the values it takes.
namespace pst::recipe {

enum class SweepMode { grid, list, random };
std::vector<std::pair<const char*, SweepMode>> words_of(SweepMode);

/// The most runs of one sweep: Slurm's MaxArraySize is 1001 where nobody changed it.
constexpr std::int64_t kMostRuns = 1000;

/// A key and its values, as the file has them: they keep their places, so that a wrong one is named by its own line.
struct SweptKey {
  std::string key;  ///< "optimizer.lr"
  config::Mark mark;
  std::vector<config::Node> values;
};

struct SweptKeys {
  std::vector<SweptKey> keys;
};

struct Sweep {
  SweptKeys parameters;
  SweepMode mode = SweepMode::grid;
  std::optional<int> count;
  std::uint64_t seed = 42;
  std::optional<int> max_parallel;
};

void bind(config::Fields& field, Sweep& s);
/// The section as one of a file's: it belongs to no run, so Recipe does not have it.
void bind_sweep(config::Fields& field, Sweep& s);

/// For each key the place of its value among SweptKey::values.
using SweepPoint = std::vector<std::size_t>;

/// grid: every combination, the last key changing fastest. list: the first values, the second values ... random:
/// `count` different combinations, drawn with `seed` and nothing else, in the grid's order.
std::vector<SweepPoint> points_of(const Sweep& sweep);

/// The section of a document, checked. Mistakes are added to `problems`.
Sweep read_sweep(const config::Node& document, config::Problems& problems);
/// Puts a point's values where they belong.
void put_point(config::Node& document, const Sweep& sweep, const SweepPoint& point, config::Problems& problems);
/// A point's values as texts, in the order of the keys.
std::vector<std::string> texts_of(const Sweep& sweep, const SweepPoint& point);

struct SweepRun {
  std::vector<std::string> values;  ///< in the order of the keys
  Recipe recipe;                    ///< effective
};

struct SweepRecipe {
  Sweep sweep;
  std::vector<SweepRun> runs;
};

}  // namespace pst::recipe

namespace pst::config {

template <>
struct YamlValue<recipe::SweptKeys> {
  static std::string type() { return "map from a recipe's key to the list of its values"; }
  static bool read(const Node& node, recipe::SweptKeys& value, const Reading& reading);
  static Node write(const recipe::SweptKeys& value);
};

}  // namespace pst::config
