// SPDX-License-Identifier: Apache-2.0
#include "monitor/rule_engine.hpp"

#include <algorithm>
#include <utility>

namespace pst::monitor {
namespace {

using recipe::AlertRule;
using recipe::Direction;

bool is_beyond(const AlertRule& rule, double value) {
  return rule.direction == Direction::above ? value > rule.threshold : value < rule.threshold;  // false for NaN
}

bool is_farther(const AlertRule& rule, double value, double than) {
  return rule.direction == Direction::above ? value > than : value < than;
}

const Family* family_of(const AlertRule& rule, const std::vector<Family>& families) {
  for (const auto& family : families)
    if (rule.metric == family.metric->name) return &family;
  return nullptr;
}

}  // namespace

RuleEngine::RuleEngine(std::vector<AlertRule> rules, const std::set<std::string>& firing) {
  for (auto& rule : rules) {
    State state;
    state.is_firing = firing.count(rule.name) != 0;
    state.beyond_at = -1;  // unknown: from the first look on
    state.rule = std::move(rule);
    states_.push_back(std::move(state));
  }
}

std::vector<Turn> RuleEngine::judge(const std::vector<Family>& families, double now_s) {
  std::vector<Turn> turns;
  for (auto& state : states_) judge(state, families, now_s, turns);
  return turns;
}

void RuleEngine::judge(State& state, const std::vector<Family>& families, double now_s, std::vector<Turn>& turns) {
  const AlertRule& rule = state.rule;
  if (state.beyond_at < 0) state.beyond_at = now_s;
  std::map<std::string, double> beyond_since;
  const Sample* worst = nullptr;
  bool long_enough = false;
  if (const Family* family = family_of(rule, families)) {
    for (const auto& sample : family->samples) {
      if (!is_beyond(rule, sample.value) || beyond_since.size() >= kSeries) continue;
      const std::string key = place_of(sample.labels);
      const auto before = state.beyond_since.find(key);
      const double since = before == state.beyond_since.end() ? now_s : before->second;
      beyond_since.emplace(key, since);
      if (now_s - since < rule.for_s) continue;
      long_enough = true;
      if (worst == nullptr || is_farther(rule, sample.value, worst->value)) worst = &sample;
    }
  }
  state.beyond_since = std::move(beyond_since);
  if (!state.beyond_since.empty()) state.beyond_at = now_s;
  if (worst != nullptr) {
    state.value = worst->value;
    state.labels = worst->labels;
  }
  if (long_enough && !state.is_firing) {
    state.is_firing = true;
    while (!state.fired_at.empty() && now_s - state.fired_at.front() > kPeriod_s) state.fired_at.pop_front();
    state.is_silent = state.fired_at.size() >= kFirings;
    if (state.is_silent) return;
    state.fired_at.push_back(now_s);
    turns.push_back({.kind = Turn::Kind::fired,
                     .rule = rule,
                     .value = state.value,
                     .labels = state.labels,
                     .series = state.beyond_since.size(),
                     .last_words = state.fired_at.size() == kFirings});
  } else if (state.is_firing && now_s - state.beyond_at >= std::max(rule.for_s, kClear_s)) {
    state.is_firing = false;
    if (std::exchange(state.is_silent, false)) return;
    turns.push_back(
        {.kind = Turn::Kind::resolved, .rule = rule, .value = state.value, .labels = state.labels, .series = 0});
  }
}

std::vector<ActiveAlert> RuleEngine::alerts() const {
  std::vector<ActiveAlert> all;
  for (const auto& state : states_)
    all.push_back({state.rule.name, recipe::name_of(state.rule.severity), state.is_firing});
  return all;
}

}  // namespace pst::monitor
