// SPDX-License-Identifier: Apache-2.0
#include "recipe/sweep.hpp"

#include <algorithm>
#include <array>
#include <set>

#include "config/parse_yaml.hpp"
#include "config/reader.hpp"
#include "core/strings.hpp"

namespace pst::config {
namespace {

/// What one job array, or one folder of runs, has in common.
bool is_common_to_all(const std::string& key) {
  constexpr std::array<std::string_view, 4> kCommon = {"name", "output_dir", "slurm", "sweep"};
  return std::any_of(kCommon.begin(), kCommon.end(),
                     [&](std::string_view common) { return key == common || key.starts_with(cat(common, ".")); });
}

bool read_key(const Node::Entry& entry, recipe::SweptKey& swept, const Reading& reading) {
  if (!check_key(entry, reading)) return false;
  const Reading inside = reading.inside("." + entry.key);
  if (is_common_to_all(entry.key)) {
    reading.problems.add(entry.key_mark, cat(entry.key,
                                             " is the same for all runs of a sweep; they share a folder and "
                                             "a job array"));
    return false;
  }
  if (entry.value.kind != Node::Kind::list || entry.value.items.empty())
    return inside.wrong(entry.value, "a list of values", "such as [1.0e-4, 2.0e-4]");
  swept = {.key = entry.key, .mark = entry.key_mark, .values = entry.value.items};
  std::set<std::string> seen;
  for (const auto& value : swept.values)
    if (!seen.insert(to_flow(value)).second) return inside.wrong(value, "a value that is not in the list already");
  return true;
}

}  // namespace

bool YamlValue<recipe::SweptKeys>::read(const Node& node, recipe::SweptKeys& value, const Reading& reading) {
  if (node.kind != Node::Kind::map || node.entries.empty())
    return reading.wrong(node, "a map from keys to lists, such as {optimizer.lr: [1.0e-4, 2.0e-4]}");
  recipe::SweptKeys swept;
  bool good = true;
  for (const auto& entry : node.entries) good = read_key(entry, swept.keys.emplace_back(), reading) && good;
  if (good) value = std::move(swept);
  return good;
}

Node YamlValue<recipe::SweptKeys>::write(const recipe::SweptKeys& value) {
  Node map = Node::map();
  for (const auto& swept : value.keys) {
    Node list = Node::list();
    list.items = swept.values;
    map.entries.push_back({swept.key, swept.mark, std::move(list)});
  }
  return map;
}

}  // namespace pst::config

namespace pst::recipe {
namespace {

struct OnlySweep {
  Sweep sweep;
};
void bind(config::Fields& field, OnlySweep& s) { bind_sweep(field, s.sweep); }

void check_mode(const Sweep& sweep, const config::Mark& mark, config::Problems& problems) {
  const auto& keys = sweep.parameters.keys;
  if (sweep.count && sweep.mode != SweepMode::random)
    problems.add(mark, "sweep.count belongs to sweep.mode: random; remove one of them");
  if (!sweep.count && sweep.mode == SweepMode::random)
    problems.add(mark, "sweep.mode: random needs sweep.count, the number of runs");
  if (sweep.mode == SweepMode::list)
    for (const auto& swept : keys)
      if (swept.values.size() != keys.front().values.size())
        problems.add(swept.mark, cat("sweep.mode: list pairs the values, but ", swept.key, " has ", swept.values.size(),
                                     " and ", keys.front().key, " has ", keys.front().values.size()));
  if (sweep.mode == SweepMode::list && !keys.empty() && keys.front().values.size() > kMostRuns)
    problems.add(mark, cat("the list has ", grouped(static_cast<std::int64_t>(keys.front().values.size())),
                           " runs; at most ", grouped(kMostRuns), " make a sweep"));
}

void check_size(const Sweep& sweep, const config::Mark& mark, config::Problems& problems) {
  constexpr std::int64_t kCountable = std::int64_t{1} << 40;
  std::int64_t points = 1;
  for (const auto& swept : sweep.parameters.keys) {
    points *= static_cast<std::int64_t>(swept.values.size());
    if (points > kCountable) return problems.add(mark, "the sweep has too many combinations to count; shorten a list");
  }
  if (sweep.mode == SweepMode::grid && points > kMostRuns)
    problems.add(mark, cat("the grid has ", grouped(points), " runs; at most ", grouped(kMostRuns),
                           " make a sweep (mode: random takes some of them)"));
  if (sweep.mode == SweepMode::random && sweep.count.value_or(0) > points)
    problems.add(mark, cat("sweep.count is ", *sweep.count, ", and the grid has only ", grouped(points),
                           " combinations; write mode: grid"));
}

}  // namespace

std::vector<std::pair<const char*, SweepMode>> words_of(SweepMode) {
  return {{"grid", SweepMode::grid}, {"list", SweepMode::list}, {"random", SweepMode::random}};
}

void bind(config::Fields& field, Sweep& s) {
  using config::Absent;
  field("parameters", &s.parameters,
        "Which keys take which values: `{optimizer.lr: [1.0e-4, 2.0e-4], adapter.r: [8, 16]}`.");
  field("mode", &s.mode,
        "`grid`: every combination. `list`: the first values together, the second ones, and so on. `random`: `count` "
        "combinations of the grid.");
  field("count", &s.count, Absent::null, config::between(1, static_cast<double>(kMostRuns)),
        "How many combinations `random` draws.");
  field("seed", &s.seed, "Decides which ones `random` draws.");
  field("max_parallel", &s.max_parallel, Absent::null, config::at_least(1),
        "Runs at the same time; `null`: as many as Slurm finds room for.");
}

void bind_sweep(config::Fields& field, Sweep& s) {
  field("sweep", &s, "Several runs of this recipe, which differ in some keys ([how](submitting.md#sweeps)).");
}

Sweep read_sweep(const config::Node& document, config::Problems& problems) {
  config::Node only = config::Node::map();
  only.mark = document.mark;
  for (const auto& entry : document.entries)
    if (entry.key == "sweep") only.entries.push_back(entry);
  OnlySweep read_into;
  const std::size_t before = problems.count();
  config::read(only, read_into, problems);
  if (problems.count() != before) return read_into.sweep;
  const config::Mark mark = only.entries.empty() ? document.mark : only.entries.front().value.mark;
  if (read_into.sweep.parameters.keys.empty()) {
    problems.add(mark, "'sweep.parameters' is missing: which keys take which values");
  } else {
    check_mode(read_into.sweep, mark, problems);
    check_size(read_into.sweep, mark, problems);
  }
  return read_into.sweep;
}

void put_point(config::Node& document, const Sweep& sweep, const SweepPoint& point, config::Problems& problems) {
  for (std::size_t i = 0; i < point.size(); ++i) {
    const SweptKey& swept = sweep.parameters.keys[i];
    config::assign(document, swept.key, swept.values[point[i]], swept.mark, problems);
  }
}

std::vector<std::string> texts_of(const Sweep& sweep, const SweepPoint& point) {
  std::vector<std::string> texts;
  for (std::size_t i = 0; i < point.size(); ++i)
    texts.push_back(config::to_flow(sweep.parameters.keys[i].values[point[i]]));
  return texts;
}

}  // namespace pst::recipe
