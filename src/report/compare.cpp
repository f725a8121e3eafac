// SPDX-License-Identifier: Apache-2.0
#include "report/compare.hpp"

#include <algorithm>
#include <cmath>
#include <set>

#include "core/strings.hpp"
#include "json/record.hpp"
#include "recipe/changes.hpp"
#include "recipe/load.hpp"

namespace pst::report {
namespace {

using json::integer;
using json::real;
using nlohmann::ordered_json;

/// A loss is compared only between runs that have it from the same data.
enum class Best { none, lowest, highest, lowest_training_loss, lowest_validation_loss };

struct Metric {
  const char* name;
  const char* unit;
  Best best;
  std::vector<std::string> path;
};

ordered_json find(const ordered_json& report, const std::vector<std::string>& path) {
  ordered_json at = report;
  for (const auto& key : path) {
    if (!at.is_object() || !at.contains(key)) return nullptr;
    ordered_json inner = at[key];
    at = std::move(inner);
  }
  return at;
}

/// Whether all runs had the same training (validation) data: that they had, not that they may have had.
bool have_same_data(const std::vector<Compared>& runs, const char* digest_of_part) {
  const auto all_same = [&](const char* key) {
    const ordered_json first = find(runs.front().report, {"run", key});
    return first.is_string() && !first.get<std::string>().empty() &&
           std::all_of(runs.begin(), runs.end(), [&](const Compared& run) {
             return find(run.report, {"run", key}) == first;
           });
  };
  return all_same("data_digest") || all_same(digest_of_part);
}

struct SameData {
  bool training = false, validation = false;
};

ordered_json best_of(const ordered_json& values, Best best, const SameData& same) {
  if (best == Best::lowest_training_loss) best = same.training ? Best::lowest : Best::none;
  if (best == Best::lowest_validation_loss) best = same.validation ? Best::lowest : Best::none;
  ordered_json index;
  std::optional<double> leading;
  for (std::size_t i = 0; i < values.size(); ++i) {
    if (best == Best::none || !values[i].is_number()) continue;
    const double value = values[i].get<double>();
    if (leading && (best == Best::lowest ? value >= *leading : value <= *leading)) continue;
    leading = value;
    index = i;
  }
  return index;
}

/// The curve on which a loss is reached: the validation loss where all runs have one, else the training loss.
struct Course {
  std::vector<double> seconds, steps, loss;
};

Course course_of(const ordered_json& report, bool validation) {
  Course course;
  const auto began = real(report["curves"], "began");
  if (validation) {
    for (const auto& e : report["evaluations"])
      if (e["loss"].is_number() && began) {
        course.seconds.push_back(std::max(0.0, e["t"].get<double>() - *began));
        course.steps.push_back(e["step"].get<double>());
        course.loss.push_back(e["loss"].get<double>());
      }
    return course;
  }
  const auto& curves = report["curves"];
  for (std::size_t i = 0; i < curves["step"].size(); ++i)
    if (curves["loss"][i].is_array()) {
      course.seconds.push_back(curves["seconds"][i].get<double>());
      course.steps.push_back(curves["step"][i].get<double>());
      course.loss.push_back(curves["loss"][i][1].get<double>());
    }
  return course;
}

ordered_json to_loss(const std::vector<Compared>& runs, std::optional<double> wanted, const SameData& same) {
  const bool validation = same.validation && std::all_of(runs.begin(), runs.end(), [](const Compared& run) {
                            return run.report["evaluations"].size() > 1;
                          });
  if (!validation && !same.training && !wanted) return nullptr;
  std::vector<Course> courses;
  for (const auto& run : runs) courses.push_back(course_of(run.report, validation));
  std::optional<double> target = wanted;
  if (!target)
    for (const auto& course : courses) {
      if (course.loss.empty()) return nullptr;
      const double lowest = *std::min_element(course.loss.begin(), course.loss.end());
      target = std::max(target.value_or(lowest), lowest);
    }
  ordered_json rows = ordered_json::array();
  for (std::size_t r = 0; r < runs.size(); ++r) {
    const Course& course = courses[r];
    ordered_json row = {
        {"run", runs[r].name}, {"step", nullptr}, {"seconds", nullptr}, {"node_hours", nullptr}, {"money", nullptr}};
    const auto reached =
        std::find_if(course.loss.begin(), course.loss.end(), [&](double loss) { return loss <= *target; });
    if (reached != course.loss.end()) {
      const auto i = static_cast<std::size_t>(reached - course.loss.begin());
      row["step"] = course.steps[i];
      row["seconds"] = course.seconds[i];
      const auto& attempts = runs[r].report["attempts"];
      const auto nodes = attempts.empty() ? std::nullopt : integer(attempts.back(), "nodes");
      if (nodes) {
        const double hours = static_cast<double>(*nodes) * course.seconds[i] / 3600;
        row["node_hours"] = hours;
        if (const auto price = real(runs[r].report["cost"], "price_per_node_hour")) row["money"] = hours * *price;
      }
    }
    rows.push_back(row);
  }
  return {
      {"loss", *target}, {"of", validation ? "validation" : "training"}, {"given", wanted.has_value()}, {"runs", rows}};
}

ordered_json settings_that_differ(const std::vector<Compared>& runs) {
  std::set<std::string> keys;
  for (const auto& run : runs)
    for (const auto& [key, value] : run.keys) keys.insert(key);
  ordered_json rows = ordered_json::array();
  for (const auto& key : keys) {
    ordered_json values = ordered_json::array();
    bool differ = false, alters = false;
    for (const auto& run : runs) {
      const auto found = run.keys.find(key);
      values.push_back(found == run.keys.end() ? ordered_json() : ordered_json(found->second));
      differ = differ || values.back() != values.front();
      alters = alters || run.alter.count(key) > 0;
    }
    if (differ && key != "name" && key != "output_dir")
      rows.push_back({{"key", key}, {"values", values}, {"alters_result", alters}});
  }
  return rows;
}

}  // namespace

Compared read_compared(const rundir::RunDir& run, const Figures& figures) {
  Compared compared{.name = run.root().filename().string(), .report = summarise(run, read_metrics(run), figures)};
  const auto recipe = recipe::load(run.recipe());
  compared.keys = recipe::all_keys(recipe);
  compared.alter = recipe::keys_that_alter(recipe);
  return compared;
}

ordered_json comparison_of(const std::vector<Compared>& runs, std::optional<double> loss) {
  const std::vector<Metric> metrics = {
      {"outcome", "", Best::none, {"outcome", "state"}},
      {"validation loss, after", "nat", Best::lowest_validation_loss, {"outcome", "validation_loss_after"}},
      {"training loss, last step", "nat", Best::lowest_training_loss, {"totals", "loss_last"}},
      {"optimizer steps", "", Best::none, {"totals", "steps"}},
      {"tokens", "", Best::none, {"totals", "tokens"}},
      {"speed in steps", "tokens/s", Best::highest, {"totals", "tokens_per_s"}},
      {"time, from first sign to last", "s", Best::lowest, {"time", "wall_s"}},
      {"useful share of the time", "share", Best::highest, {"time", "useful_share"}},
      {"steps done again", "", Best::lowest, {"totals", "steps_redone"}},
      {"parallel efficiency", "share", Best::highest, {"efficiency", "parallel_efficiency"}},
      {"communication share", "share", Best::lowest, {"efficiency", "communication_share"}},
      {"memory of a rank, peak", "B", Best::lowest, {"memory", "resident_peak_bytes"}},
      {"adapter parameters", "", Best::none, {"work", "adapter_parameters"}},
      {"operations", "FLOP/s", Best::highest, {"work", "flops"}},
      {"node hours", "h", Best::lowest, {"cost", "node_hours"}},
      {"energy of the nodes", "kWh", Best::lowest, {"cost", "kwh_by_site"}},
      {"cost", "money", Best::lowest, {"cost", "money"}},
      {"model", "digest", Best::none, {"run", "model_digest"}},
      {"data", "digest", Best::none, {"run", "data_digest"}},
      {"peft-studio", "version", Best::none, {"run", "version"}}};
  const SameData same{.training = have_same_data(runs, "training_digest"),
                      .validation = have_same_data(runs, "validation_digest")};
  ordered_json names = ordered_json::array(), rows = ordered_json::array(), notes = ordered_json::array();
  const auto not_ranked = [&](const char* part) {
    notes.push_back(cat("The ", part, " losses are not ranked: the runs do not all have the same ", part,
                        " data, or prepared data that would tell is gone. A loss says nothing about another's data."));
  };
  if (!same.training) not_ranked("training");
  if (!same.validation) not_ranked("validation");
  for (const auto& run : runs) names.push_back(run.name);
  for (const auto& metric : metrics) {
    ordered_json values = ordered_json::array();
    bool any = false;
    for (const auto& run : runs) {
      values.push_back(find(run.report, metric.path));
      any = any || !values.back().is_null();
    }
    if (any)
      rows.push_back({{"metric", metric.name},
                      {"unit", metric.unit},
                      {"values", values},
                      {"best", best_of(values, metric.best, same)}});
  }
  return {{"runs", names},
          {"notes", notes},
          {"metrics", rows},
          {"settings", settings_that_differ(runs)},
          {"to_loss", to_loss(runs, loss, same)}};
}

}  // namespace pst::report
