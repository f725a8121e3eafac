// SPDX-License-Identifier: Apache-2.0
#pragma once
#include <deque>
#include <map>
#include <set>
#include <string>
#include <vector>

#include "monitor/series.hpp"
#include "recipe/alerts.hpp"

namespace pst::monitor {

/// A rule began to fire, or is over.
struct Turn {
  enum class Kind { fired, resolved };
  Kind kind = Kind::fired;
  recipe::AlertRule rule;
  double value = 0;         ///< of the series that is farthest beyond; of a resolved one the last such value
  Labels labels;            ///< of that series
  std::size_t series = 0;   ///< so many are beyond
  bool last_words = false;  ///< the rule has fired so often that it is now silent for a while
};

/// Judges metrics by rules. Plain code: no clock, no I/O, no threads. A rule fires once when one of its series has been
/// beyond the threshold for `for` seconds without a break, and is resolved once when none has been beyond it for as
/// long (10 s at least). A metric that is not there is not beyond.
class RuleEngine {
 public:
  static constexpr double kClear_s = 10;       ///< at least, before a rule is over
  static constexpr std::size_t kFirings = 10;  ///< of one rule within kPeriod_s; further ones are silent
  static constexpr double kPeriod_s = 3600;
  static constexpr std::size_t kSeries = 4096;  ///< that one rule keeps the time of; further ones are passed over

  /// @param firing  names of rules that were firing when the process before us left
  RuleEngine(std::vector<recipe::AlertRule> rules, const std::set<std::string>& firing);

  /// @param now_s  of a clock that only goes forward
  std::vector<Turn> judge(const std::vector<Family>& families, double now_s);
  /// Every rule, and whether it fires.
  std::vector<ActiveAlert> alerts() const;

 private:
  struct State {
    recipe::AlertRule rule;
    bool is_firing = false, is_silent = false;   ///< silent: it fires, and nobody was told
    std::map<std::string, double> beyond_since;  ///< by the series' labels
    double beyond_at = 0;                        ///< when one was beyond for the last time
    double value = 0;
    Labels labels;
    std::deque<double> fired_at;
  };
  static void judge(State& state, const std::vector<Family>& families, double now_s, std::vector<Turn>& turns);
  std::vector<State> states_;
};

}  // namespace pst::monitor
