// SPDX-License-Identifier: Apache-2.0
#include "report/node_file.hpp"

#include <algorithm>
#include <cmath>
#include <memory>

#include "core/error.hpp"
#include "core/strings.hpp"
#include "json/record.hpp"
#include "report/line_blocks.hpp"
#include "report/parse_step_line.hpp"
#include "telemetry/node_recorder.hpp"

namespace pst::report {
namespace {

using json::integer;
using json::real;
using json::text_of;
using nlohmann::ordered_json;
using telemetry::StepPhase;

/// Reads the lines of one node in turn.
class NodeReader {
 public:
  NodeReader(Gathered& into, std::string host) : into_(into) { node_.host = std::move(host); }

  void line(std::string_view text) {
    if (const auto step = StepText::of(text); step && step->ranks(times_)) return fast_step(*step, text);
    const auto record = json::parse_record(text);
    if (!record) {
      ++node_.unreadable_lines;
      return;
    }
    node_.lost_lines += text_of(*record, "kind") == "end" ? 0 : integer(*record, "lost_lines").value_or(0);
    take(*record);
  }
  Node finish(const LineCount& count) {
    node_.torn_end = count.torn_end;
    node_.unreadable_lines += count.too_long;
    if (node_.format < 0 && node_.steps > 0) node_.format = 0;
    return std::move(node_);
  }
  std::vector<Rank> members() { return std::move(members_); }

 private:
  void take(const ordered_json& record) {
    const std::string kind = text_of(record, "kind");
    if (kind == "start") return start(record);
    if (kind == "work") {
      into_.work = Work{.layer_weights = integer(record, "layer_weights").value_or(0),
                        .head_weights = integer(record, "head_weights").value_or(0),
                        .adapter_parameters = integer(record, "adapter_parameters").value_or(0),
                        .attention_width = integer(record, "attention_width").value_or(0)};
    } else if (kind == "step") {
      slow_step(record);
    } else if (kind == "eval") {
      const auto ended = unix_of(text_of(record, "t"));
      into_.evaluations.push_back({.step = integer(record, "step").value_or(0),
                                   .ended = ended.value_or(0) + node_.clock_offset_s,
                                   .loss = real(record, "loss").value_or(std::nan("")),
                                   .seconds = real(record, "seconds").value_or(0)});
    } else if (kind == "lost") {
      node_.lost_lines += integer(record, "lines").value_or(0);
    } else if (kind == "end") {
      node_.recorder_cpu_s = real(record, "recorder_cpu_s");
      end_peak_ = integer(record, "peak_memory_bytes");
      if (!members_.empty() && end_peak_) members_.front().resident_peak_bytes = end_peak_;
    }
  }

  void start(const ordered_json& record) {
    node_.format = static_cast<int>(integer(record, "format").value_or(0));
    if (node_.format > telemetry::kMetricsFormat)
      node_.problem =
          cat("format ", node_.format, " is newer than this program reads (", telemetry::kMetricsFormat, ")");
    node_.cpu = text_of(record, "cpu");
    node_.cores = integer(record, "cores").value_or(0);
    node_.memory_bytes = integer(record, "memory_bytes").value_or(0);
    for (auto& gpu : json::texts_of(record, "gpus")) node_.gpus.push_back(std::move(gpu));
    if (const auto clock = record.find("clock"); clock != record.end() && clock->is_object()) {
      node_.clock_offset_s = real(*clock, "offset_s").value_or(0);
      node_.clock_uncertainty_s = real(*clock, "uncertainty_s").value_or(0);
    }
    first_rank_ = static_cast<int>(integer(record, "rank").value_or(0));
    into_.ranks = std::max(into_.ranks, static_cast<int>(integer(record, "ranks").value_or(0)));
    into_.has_root = into_.has_root || first_rank_ == 0;
    if (const auto resolved = record.find("resolved"); resolved != record.end()) into_.resolved = *resolved;
    if (const auto reason = text_of(record, "first_rank_only"); !reason.empty()) node_.problem = reason;
    if (const auto part = text_of(record, "not_measured"); !part.empty() && node_.problem.empty())
      node_.problem = cat("not all is measured: ", part);
  }

  /// nullptr for one that no node has.
  Rank* rank(int number, bool split_known) {
    constexpr int kMostRanks = 1 << 20;
    constexpr std::size_t kMostOfANode = 1024;
    for (auto& known : members_)
      if (known.rank == number) return &known;
    if (number < 0 || number >= kMostRanks || members_.size() >= kMostOfANode) return nullptr;
    members_.push_back({.rank = number, .host = node_.host, .split_known = split_known});
    return &members_.back();
  }

  void fast_step(const StepText& text, std::string_view line) {
    Step* const step = into_.at(text.step());
    if (step == nullptr) {
      ++node_.unreadable_lines;
      return;
    }
    if (node_.format < 0) node_.format = 1;  // its first line is damaged
    if (!step->has_values)
      if (const auto record = json::parse_record(line)) values(*step, *record);
    for (const auto& [number, times] : times_)
      if (Rank* const one = rank(number, true))
        into_.add_rank_step(*step, *one, times);
      else
        return void(++node_.unreadable_lines);
    ++node_.steps;
  }

  /// Format 0, or a line of format 1 that another program wrote.
  void slow_step(const ordered_json& record) {
    const auto number = integer(record, "step");
    Step* const step = number ? into_.at(*number) : nullptr;
    if (step == nullptr) {
      ++node_.unreadable_lines;
      return;
    }
    if (node_.format < 0) node_.format = 0;
    telemetry::RankStep times;
    const auto put = [&](StepPhase phase, const char* key) {
      const auto us = std::llround(1e6 * real(record, key).value_or(0));
      times.phase_us[static_cast<std::size_t>(phase)] = us;
      return us;
    };
    std::int64_t sum = put(StepPhase::data, "data_s") + put(StepPhase::forward, "forward_s") +
                       put(StepPhase::backward, "backward_s") + put(StepPhase::transfer, "communication_s") +
                       put(StepPhase::optimizer, "optimizer_s");
    // A step of format 0 ended before the saver's share.
    times.step_us = std::llround(1e6 * real(record, "step_s").value_or(0)) + put(StepPhase::checkpoint, "checkpoint_s");
    sum += times.phase_us[static_cast<std::size_t>(StepPhase::checkpoint)];
    times.phase_us[static_cast<std::size_t>(StepPhase::other)] = std::max<std::int64_t>(0, times.step_us - sum);
    if (!step->has_values) values(*step, record);
    Rank* const one = rank(first_rank_, false);
    if (one == nullptr) return void(++node_.unreadable_lines);
    into_.add_rank_step(*step, *one, times);
    ++node_.steps;
  }

  void values(Step& step, const ordered_json& record) {
    step.ended = unix_of(text_of(record, "t")).value_or(0) + node_.clock_offset_s;
    step.loss = real(record, "loss").value_or(std::nan(""));
    step.lr = real(record, "lr").value_or(std::nan(""));
    step.grad_norm = real(record, "grad_norm").value_or(std::nan(""));
    step.rows = integer(record, "rows").value_or(0);
    step.tokens = integer(record, "tokens").value_or(0);
    step.labelled_tokens = integer(record, "labelled_tokens").value_or(0);
    step.attention_pairs = integer(record, "attention_pairs").value_or(0);
    step.skipped = json::is_true(record, "skipped");
    step.has_values = true;
    into_.total_steps = std::max(into_.total_steps, integer(record, "total_steps").value_or(0));
  }

  Gathered& into_;
  Node node_;
  std::vector<Rank> members_;
  std::vector<RankTimes> times_;
  std::optional<std::int64_t> end_peak_;
  int first_rank_ = 0;
};

}  // namespace

void read_node_file(const std::filesystem::path& file, Gathered& into) {
  Gathered here;  // evaluations of one node at a time: every node tells the same ones
  std::swap(here.steps, into.steps), std::swap(here.told, into.told);
  NodeReader reader(here, file.stem().string());
  LineCount count;
  std::string problem;
  try {
    count = for_each_line(file, [&](std::string_view line) { reader.line(line); });
  } catch (const Error& error) {
    problem = error.message();
  }
  Node node = reader.finish(count);
  if (!problem.empty()) node.problem = problem;
  here.members = reader.members();
  read_samples(file.parent_path().parent_path() / "samples", here, node);
  here.nodes.push_back(std::move(node));
  std::swap(here.steps, into.steps), std::swap(here.told, into.told);
  into.add(std::move(here));
}

}  // namespace pst::report
