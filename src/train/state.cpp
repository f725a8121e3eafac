// SPDX-License-Identifier: Apache-2.0
#include "train/state.hpp"

#include <cmath>
#include <nlohmann/json.hpp>

#include "core/error.hpp"
#include "core/strings.hpp"

namespace pst::train {
namespace {

using nlohmann::ordered_json;

ordered_json number(const std::optional<double>& value) { return value ? ordered_json(*value) : ordered_json(); }

template <class T>
void read(const ordered_json& json, const char* key, T& value, const std::string& name) {
  const auto found = json.find(key);
  try {
    if (found == json.end()) throw Error(Fault::data, "it is missing");
    if constexpr (std::is_same_v<T, std::optional<double>>)
      value = found->is_null() ? std::nullopt : std::optional(found->template get<double>());
    else
      value = found->template get<T>();
  } catch (const std::exception&) {
    throw Error(Fault::data,
                cat(name, ": the training state's '", key, "' is ", found == json.end() ? "missing" : "wrong"),
                "this checkpoint was made by another version: start again with checkpoint.resume: never");
  }
}

BestState best_from(const ordered_json& json, const std::string& name) {
  BestState best;
  read(json, "loss", best.loss, name);
  read(json, "step", best.step, name);
  read(json, "misses", best.misses, name);
  return best;
}

}  // namespace

bool BestState::take(double evaluated, std::int64_t at_step, double threshold) {
  const bool lowest = std::isfinite(evaluated) && (!loss || evaluated < *loss);
  const bool enough = lowest && (!loss || *loss - evaluated > threshold);
  misses = enough ? 0 : misses + 1;
  if (!lowest) return false;
  loss = evaluated;
  step = at_step;
  return true;
}

std::string BestState::why_stop(double threshold) const {
  const std::string several = cat(misses, misses == 1 ? " evaluation" : " evaluations in a row");
  if (!loss) return cat(several, " gave no validation loss that is a number");
  return cat(several, " did not better the validation loss of step ", step, ", ", fixed(*loss, 4),
             threshold > 0 ? cat(", by more than ", threshold) : std::string());
}

ordered_json to_json(const TrainState& s) {
  return {{"step", s.step},
          {"updates", s.updates},
          {"tokens", s.tokens},
          {"last_loss", s.last_loss},
          {"seconds", s.seconds},
          {"validation_before", number(s.validation_before)},
          {"validation_after", number(s.validation_after)},
          {"evaluated_at", s.evaluated_at},
          {"validation_best", number(s.validation_best)},
          {"best", {{"loss", number(s.best.loss)}, {"step", s.best.step}, {"misses", s.best.misses}}},
          {"guard",
           {{"losses", s.guard.losses},
            {"norm_average", s.guard.norm_average},
            {"accepted", s.guard.accepted},
            {"passed_over", s.guard.passed_over}}},
          {"average_weight", s.average_weight},
          {"largest_lr", s.largest_lr}};
}

TrainState state_from(const ordered_json& json, const std::string& name) {
  TrainState s;
  read(json, "step", s.step, name);
  read(json, "updates", s.updates, name);
  read(json, "tokens", s.tokens, name);
  read(json, "last_loss", s.last_loss, name);
  read(json, "seconds", s.seconds, name);
  read(json, "validation_before", s.validation_before, name);
  read(json, "validation_after", s.validation_after, name);
  read(json, "evaluated_at", s.evaluated_at, name);
  read(json, "validation_best", s.validation_best, name);
  if (json.contains("best")) s.best = best_from(json["best"], name);  // older checkpoints have none
  ordered_json guard;
  read(json, "guard", guard, name);
  read(guard, "losses", s.guard.losses, name);
  read(guard, "norm_average", s.guard.norm_average, name);
  read(guard, "accepted", s.guard.accepted, name);
  read(guard, "passed_over", s.guard.passed_over, name);
  if (json.contains("average_weight")) {  // older checkpoints had no optimizer that averages
    read(json, "average_weight", s.average_weight, name);
    read(json, "largest_lr", s.largest_lr, name);
  }
  if (s.step < 0 || s.updates < 0 || s.updates > s.step)
    throw Error(Fault::data, cat(name, ": ", s.updates, " updates in ", s.step, " steps cannot be"));
  return s;
}

}  // namespace pst::train
