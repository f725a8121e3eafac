// SPDX-License-Identifier: Apache-2.0
#include "datarules/rule_table.hpp"

#include <algorithm>
#include <array>

#include "core/error.hpp"
#include "core/strings.hpp"

namespace pst::datarules {
namespace {

std::span<const RuleFamily* const> rule_families() {
  static const std::array rows = {&kTurnRules,      &kEncodingRules,      &kPersonalRules, &kSpecialRules,
                                  &kAnswerRules,    &kProseRules,         &kToolRules,     &kPreferenceRules,
                                  &kDuplicateRules, &kNearDuplicateRules, &kBalanceRules,  &kTokenRules};
  return rows;
}

std::string level_words(const Rule& rule) {
  std::string words = name_of(rule.level);
  if (rule.tolerated > 0) words += cat(" above ", number(100 * rule.tolerated), " % of records");
  return words;
}

}  // namespace

const char* name_of(Level level) {
  switch (level) {
    case Level::info: return "info";
    case Level::warning: return "warning";
    case Level::error: return "error";
  }
  return "";
}

const std::vector<RuleGroup>& rule_groups() {
  static const std::vector<RuleGroup> groups = [] {
    std::vector<RuleGroup> all = {file_rules()};
    for (const RuleFamily* const row : rule_families()) all.push_back(row->group());
    return all;
  }();
  return groups;
}

const std::vector<const Rule*>& all_rules() {
  static const std::vector<const Rule*> rules = [] {
    std::vector<const Rule*> all;
    for (const RuleGroup& group : rule_groups()) all.insert(all.end(), group.rules.begin(), group.rules.end());
    return all;
  }();
  return rules;
}

const Rule& rule_named(std::string_view name) {
  std::vector<std::string> names;
  for (const Rule* const rule : all_rules()) {
    if (name == rule->name) return *rule;
    names.emplace_back(rule->name);
  }
  const auto meant = nearest(name, names);
  throw Error(Fault::usage,
              cat("there is no rule ", quoted(name, 60), meant ? cat("; did you mean ", *meant, "?") : ""),
              "`peft-studio data validate --rules` lists all");
}

double RuleChoices::limit(const Rule& rule) const {
  const auto found = limits.find(&rule);
  return found == limits.end() ? rule.limit.value : found->second;
}

RuleChoices rule_choices(const std::vector<std::string>& ignored, const std::vector<std::string>& limits) {
  RuleChoices choices;
  for (const auto& name : ignored) choices.ignored.insert(&rule_named(name));
  for (const auto& limit : limits) {
    const auto equals = limit.find('=');
    const auto value = equals == limit.npos ? std::nullopt : to_double(std::string_view(limit).substr(equals + 1));
    if (!value)
      throw Error(Fault::usage, cat("--limit ", quoted(limit, 60), " is no limit"), "write --limit rule=value");
    const Rule& rule = rule_named(std::string_view(limit).substr(0, equals));
    if (*rule.limit.unit == '\0')
      throw Error(Fault::usage, cat("the rule ", rule.name, " has no limit"), cat("--ignore ", rule.name));
    choices.limits[&rule] = *value;
  }
  return choices;
}

std::vector<std::unique_ptr<Checker>> make_checkers(const CheckContext& context, const RuleChoices& choices) {
  std::vector<std::unique_ptr<Checker>> checkers;
  for (const RuleFamily* const row : rule_families()) {
    const auto rules = row->group().rules;
    if (std::none_of(rules.begin(), rules.end(), [&](const Rule* rule) { return choices.is_on(*rule); })) continue;
    if (auto checker = row->make(context, choices)) checkers.push_back(std::move(checker));
  }
  return checkers;
}

std::string rules_text() {
  std::string text;
  for (const RuleGroup& group : rule_groups()) {
    text += cat(text.empty() ? "" : "\n", group.title, '\n');
    for (const Rule* const rule : group.rules) {
      text += cat("  ", rule->name, " (", level_words(*rule), "): ", rule->finds);
      if (*rule->limit.unit != '\0') text += cat("; limit: ", number(rule->limit.value), " ", rule->limit.unit);
      text += '\n';
    }
  }
  return text;
}

std::string rules_markdown() {
  std::string page;
  for (const RuleGroup& group : rule_groups()) {
    page += cat("### ", group.title,
                "\n\n| rule | level | finds | limit | what to do | source |\n|---|---|---|---|---|---|\n");
    for (const Rule* const rule : group.rules) {
      const bool has_limit = *rule->limit.unit != '\0';
      page += cat("| `", rule->name, "` | ", level_words(*rule), " | ", rule->finds, " | ",
                  has_limit ? cat(number(rule->limit.value), " ", rule->limit.unit) : std::string(), " | ",
                  rule->remedy, " | ", rule->source, " |\n");
    }
    page += '\n';
  }
  return page;
}

}  // namespace pst::datarules
