// SPDX-License-Identifier: Apache-2.0
#pragma once
#include <cstdint>
#include <map>
#include <nlohmann/json.hpp>
#include <string>
#include <tuple>
#include <vector>

#include "report/profile_traces.hpp"

namespace pst::report {

/// Adds spans up, rank by rank, in the order in which they ended. Only whole steps count, so that a torn file changes
/// no share.
class ProfileSums {
 public:
  void begin(const RankTrace& trace);
  /// @param unix_s  when it began, by rank 0's clock
  /// @param beside  on a thread beside the training
  void add(const nlohmann::ordered_json& span, double unix_s, double dur_us, bool beside);
  void end();

  /// @throws Error(data) when there is no whole step
  nlohmann::ordered_json result(int attempt, const std::vector<RankTrace>& traces) const;

 private:
  struct Cell {
    std::int64_t count = 0, bytes = 0;
    double self_us = 0, total_us = 0;
    void add(const Cell& other);
  };
  using Key = std::tuple<std::string, std::string, std::string>;  // phase, kind, name
  struct Layer {
    double forward_us = 0, backward_us = 0;
  };
  struct Meeting {  // of one rank in one collective operation
    int rank;
    double begin_s, dur_s;
  };
  struct RankSum {
    int rank = 0;
    std::string host;
    std::int64_t steps = 0, first_step = 0, last_step = 0;
    double step_us = 0;
  };
  struct Waiting {
    std::map<int, double> waited_s, held_up_s;  // by rank
    double waited = 0, transfer = 0;
    std::int64_t meetings = 0;
  };
  Waiting waiting() const;
  nlohmann::ordered_json parts(double all_us, std::int64_t steps) const;
  nlohmann::ordered_json hot_spots(double all_us, std::int64_t steps) const;
  nlohmann::ordered_json layers(std::int64_t steps) const;
  nlohmann::ordered_json collectives(std::int64_t steps) const;

  std::vector<RankSum> ranks_;
  std::map<Key, Cell> pending_, step_, cells_, beside_;  // since the last phase, of this step, of whole steps
  std::map<int, Layer> step_layers_, layers_;
  double step_phases_us_ = 0, other_us_ = 0;
  std::map<std::int64_t, std::vector<Meeting>> meetings_;  // of the group `world`, by turn
};

}  // namespace pst::report
