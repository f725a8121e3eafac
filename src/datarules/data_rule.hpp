// SPDX-License-Identifier: Apache-2.0
#pragma once
#include <map>
#include <set>
#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace pst::datarules {

/// error: training would be wrong; warning: it is likely to be worse; info: good to know.
enum class Level { info, warning, error };
const char* name_of(Level level);

/// What a rule compares with. Without a unit it has no limit.
struct Limit {
  double value = 0;
  const char* unit = "";
};

/// Something that can be wrong with data: a row of a table.
struct Rule {
  const char* name;    ///< "special-token-in-text": what --ignore and --fail-on take
  Level level;         ///< where it is found in more than `tolerated` of the records; below, it is info
  const char* finds;   ///< what was found, as a sentence without its end
  const char* remedy;  ///< what to do about it, or that nothing need be done
  Limit limit = {};
  const char* source = "";  ///< where the limit, or the idea, comes from
  double tolerated = 0;     ///< share of the records
};

/// A subject of rules, in the order of the pages.
struct RuleGroup {
  const char* title;
  std::vector<const Rule*> rules;
};
const std::vector<RuleGroup>& rule_groups();
const std::vector<const Rule*>& all_rules();
/// @throws Error(usage) naming the rule that was meant
const Rule& rule_named(std::string_view name);

/// What a person decided about rules.
struct RuleChoices {
  std::set<const Rule*> ignored;
  std::map<const Rule*, double> limits;

  bool is_on(const Rule& rule) const { return !ignored.contains(&rule); }
  double limit(const Rule& rule) const;
};
/// @param ignored  names of rules. @param limits  "rule=value"
/// @throws Error(usage) for what is no rule, has no limit, or is no number
RuleChoices rule_choices(const std::vector<std::string>& ignored, const std::vector<std::string>& limits);

/// A line for each, for the terminal.
std::string rules_text();
/// The tables of docs/data-validation.md, from the rules themselves.
std::string rules_markdown();

}  // namespace pst::datarules
