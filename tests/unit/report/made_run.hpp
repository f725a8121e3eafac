// SPDX-License-Identifier: Apache-2.0
#pragma once
#include <cmath>
#include <fstream>
#include <nlohmann/json.hpp>
#include <string>
#include <vector>

#include "core/clock.hpp"
#include "core/file.hpp"
#include "core/strings.hpp"
#include "rundir/attempt.hpp"
#include "rundir/run_dir.hpp"
#include "support/run_fixture.hpp"
#include "support/temporary_directory.hpp"

namespace pst::fixture {

constexpr double kEpoch = 1767225600;  // 2026-01-01T00:00:00Z

/// A run whose node files are written as the worker writes them, with numbers that a test can add up again.
class MadeRun {
 public:
  explicit MadeRun(const std::string& name = "made") : run_(new_run(dir_.path(), name)) {}

  const rundir::RunDir& run() const { return run_; }

  /// Microseconds: data, forward, backward, waiting, transfer, optimizer, checkpoint, other.
  using Phases = std::vector<std::int64_t>;
  static Phases phases(int rank, std::int64_t step, double slower = 1) {
    const auto work = static_cast<std::int64_t>(slower * static_cast<double>(40000 + 100 * (step % 7)));
    return {500 + rank, work, 2 * work, 200000 - 3 * work, 4000 + 10 * rank, 1500, step % 10 == 0 ? 800 : 0, 20};
  }

  struct Node {
    std::string host;
    std::vector<int> ranks;
    double slower = 1;
  };
  void attempt(int number, const std::vector<Node>& nodes, std::int64_t from, std::int64_t to, double began) {
    int ranks = 0;
    std::vector<std::string> hosts;
    for (const auto& node : nodes) {
      ranks += static_cast<int>(node.ranks.size());
      hosts.push_back(node.host);
    }
    make_directories(run_.attempt(number) / "nodes");
    rundir::write_attempt(run_, {.number = number,
                                 .launcher = "srun",
                                 .hosts = join(hosts, ","),
                                 .ranks = ranks,
                                 .nodes = hosts,
                                 .started = iso_time(began)});
    for (const auto& node : nodes) {
      std::ofstream out(run_.node_log(number, node.host));
      out << R"({"t":")" << iso_time(began) << R"(","kind":"start","format":1,"host":")" << node.host
          << R"(","attempt":)" << number << R"(,"rank":)" << node.ranks[0] << R"(,"ranks":)" << ranks
          << R"(,"clock":{"offset_s":0.0,"uncertainty_s":0.00002},"cpu":"made","cores":8,"memory_bytes":1000000})"
          << '\n'
          << R"({"t":")" << iso_time(began)
          << R"(","kind":"work","layer_weights":1000,"head_weights":100,"adapter_parameters":10,"attention_width":4})"
          << '\n';
      for (std::int64_t step = from; step <= to; ++step) out << line(step, began, from, node) << '\n';
    }
  }

  static double ended(std::int64_t step, double began, std::int64_t from) {
    return began + 10 + 0.25 * static_cast<double>(step - from + 1);
  }
  static double loss(std::int64_t step) { return 5.0 / (1 + 0.01 * static_cast<double>(step)); }
  static std::int64_t tokens(std::int64_t step) { return 1000 + step; }

  static std::string line(std::int64_t step, double began, std::int64_t from, const Node& node) {
    std::string ranks;
    for (const int rank : node.ranks) {
      const Phases p = phases(rank, step, node.slower);
      std::int64_t sum = 0;
      std::string columns;
      for (const auto us : p) {
        sum += us;
        columns += cat(',', us);
      }
      ranks += cat(ranks.empty() ? "" : ",", '[', rank, ',', sum, columns, ']');
    }
    return cat(R"({"t":")", iso_time(ended(step, began, from)), R"(","kind":"step","step":)", step, R"(,"us":[)", ranks,
               R"(],"total_steps":200,"loss":)", number(loss(step)),
               R"(,"lr":0.001,"grad_norm":1.5,"rows":4,"tokens":)", tokens(step),
               R"(,"labelled_tokens":500,"attention_pairs":20000,"step_s":0.25,"tokens_per_s":4000})");
  }

  void event(const std::string& kind, double t, nlohmann::ordered_json details) {
    nlohmann::ordered_json line = {{"t", iso_time(t)}, {"event", kind}};
    line.update(details);
    std::ofstream(run_.events_file(), std::ios::app) << line.dump() << '\n';
  }

 private:
  TemporaryDirectory dir_;
  rundir::RunDir run_;
};

}  // namespace pst::fixture
