// SPDX-License-Identifier: Apache-2.0
#pragma once
#include <filesystem>
#include <mutex>
#include <vector>

#include "report/metrics.hpp"

namespace pst::report {

/// The steps and ranks of an attempt, as far as somebody has read its node files; two of them can be added.
class Gathered {
 public:
  /// The place of a step, made when it is new. nullptr for a number so far from all others that it must be damaged.
  Step* at(std::int64_t step);
  /// Of a step whose rows are known. One with fewer rows than others (an epoch's last) leaves some ranks without work:
  /// it says nothing about how fast they are.
  void add_rank_step(Step& step, Rank& rank, const telemetry::RankStep& times);
  void add(Gathered&& other);

  std::vector<Step> steps;  ///< consecutive numbers; `ranks` and `has_values` say whether there was such a step
  std::vector<Rank> members;
  std::vector<Node> nodes;
  std::vector<Evaluation> evaluations;
  std::optional<Work> work;
  std::int64_t total_steps = 0, most_rows = 0;
  std::int64_t told = 0;  ///< how often at() was asked
  int ranks = 0;
  nlohmann::ordered_json resolved;
  bool has_root = false;  ///< evaluations are those of rank 0's node
};

/// Reads one node's file of steps into `into`; a problem becomes part of its Node.
void read_node_file(const std::filesystem::path& file, Gathered& into);

/// Reads that node's samples into the Node and the Ranks of `into` that read_node_file() has made. Without samples
/// nothing happens.
void read_samples(const std::filesystem::path& folder, Gathered& into, Node& node);

}  // namespace pst::report
