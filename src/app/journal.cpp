// SPDX-License-Identifier: Apache-2.0
#include "app/journal.hpp"

#include <unistd.h>

#include <array>
#include <cmath>
#include <cstdlib>
#include <cstring>

#include "app/this_machine.hpp"
#include "comm/clock_offset.hpp"
#include "core/clock.hpp"
#include "core/strings.hpp"
#include "telemetry/proc.hpp"

namespace pst::app {
namespace {

using nlohmann::ordered_json;
using BoardName = std::array<char, 64>;

/// Every node's first rank makes a board; the others get to know its name over the group, since nobody could guess it.
std::optional<telemetry::PhaseBoard> shared_board(const Ranks& ranks, std::string& problem) {
  comm::Communicator& world = ranks.world;
  std::optional<telemetry::PhaseBoard> board;
  BoardName mine{};
  if (ranks.local_rank == 0) {
    board = telemetry::PhaseBoard::create(ranks.local_size, problem);
    if (board && board->name().size() < mine.size())
      std::memcpy(mine.data(), board->name().data(), board->name().size());
  }
  std::vector<BoardName> all(static_cast<std::size_t>(world.size()));
  world.all_gather(ConstView(mine.data(), sizeof mine, Dtype::u8),
                   View{all.data(), static_cast<std::int64_t>(all.size() * sizeof(BoardName)), Dtype::u8, {}});
  if (ranks.local_rank != 0)
    board = telemetry::PhaseBoard::open(all[static_cast<std::size_t>(ranks.node_root)].data(), ranks.local_size);
  if (board) board->introduce(ranks.local_rank, world.rank(), ::getpid());
  world.barrier();
  if (board) board->unlink();
  return board;
}

std::int64_t microseconds(double seconds) { return std::llround(1e6 * seconds); }

telemetry::RankStep times_of(const train::StepRecord& s) {
  telemetry::RankStep times{.step_us = microseconds(s.step_s)};
  const std::array phases = {s.data_s,     s.forward_s,   s.backward_s,   s.waiting_s,
                             s.transfer_s, s.optimizer_s, s.checkpoint_s, s.other_s};
  static_assert(phases.size() == telemetry::kStepPhases, "in the order of telemetry::StepPhase");
  for (std::size_t i = 0; i < phases.size(); ++i) times.phase_us[i] = microseconds(phases[i]);
  return times;
}

/// PEFT_STUDIO_COLLECT=no, for measuring what collecting costs (tools/bench/telemetry/overhead). Rank 0's word counts.
bool collects(comm::Communicator& world) {
  const char* const word = std::getenv("PEFT_STUDIO_COLLECT");
  return comm::broadcast_text(world, word == nullptr ? "" : word) != "no";
}

/// Sizes that the cost of a token follows from (docs/report.md).
ordered_json work_of(const families::ModelSpec& model, std::int64_t adapter_parameters) {
  std::int64_t layer_weights = 0, attention_width = 0;
  for (const auto& layer : model.layers) {
    for (const auto* const linear : families::linears_of(layer)) layer_weights += linear->values();
    if (layer.moe) {  // those that a token takes
      const auto& [gate, up, down] = layer.moe->experts.front();
      layer_weights += layer.moe->chosen * (gate.values() + up.values() + down.values()) + layer.moe->router.values();
    }
    attention_width += layer.attention.query();
  }
  return {{"kind", "work"},
          {"layer_weights", layer_weights},
          {"head_weights", model.head.values()},
          {"adapter_parameters", adapter_parameters},
          {"attention_width", attention_width}};
}

}  // namespace

Journal::Journal(const rundir::RunDir& run, int attempt, const Ranks& ranks, const Resolved& resolved,
                 const families::ModelSpec& model)
    : model_(model), local_rank_(ranks.local_rank) {
  comm::Communicator& world = ranks.world;
  if (!collects(world)) return;
  const comm::ClockOffset clock = comm::measure_clock(world, ranks.local_rank == 0, unix_seconds);
  std::string problem;
  board_ = shared_board(ranks, problem);
  comm::together(world, "opening the node's log", [&] {
    if (ranks.local_rank != 0) return;
    const telemetry::MachineCounters machine = telemetry::read_machine({});
    ordered_json header = {{"attempt", attempt},
                           {"rank", world.rank()},
                           {"ranks", world.size()},
                           {"ranks_here", ranks.local_size},
                           {"clock", {{"offset_s", clock.offset_s}, {"uncertainty_s", clock.uncertainty_s}}},
                           {"cpu", telemetry::cpu_name()},
                           {"cores", ::sysconf(_SC_NPROCESSORS_ONLN)},
                           {"memory_bytes", machine.memory_bytes}};
    if (!board_ && ranks.local_size > 1) header["first_rank_only"] = problem;
    if (world.is_root() && resolved.device.is_cuda() && resolved.strategy != recipe::Strategy::replicate)
      header["not_measured"] = "on GPUs the wait for frozen weights in shares is part of forward and backward";
    for (const auto& [key, value, reason] : resolved.decisions)
      header["resolved"][key] = {{"value", value}, {"reason", reason}};
    const auto file = run.node_log(attempt, host_name());
    recorder_ = std::make_unique<telemetry::NodeRecorder>(
        telemetry::NodeRecorder::Setup{.steps_file = file,
                                       .samples_folder = run.attempt(attempt) / "samples",
                                       .host = file.stem().string(),
                                       .header = std::move(header),
                                       .board = board_ ? &*board_ : nullptr,
                                       .ranks_here = ranks.local_size,
                                       .rank = world.rank()});
  });
}

void Journal::model_loaded(std::int64_t adapter_parameters) {
  if (recorder_) recorder_->write(work_of(model_, adapter_parameters));
}

void Journal::step(const train::StepRecord& s) {
  const telemetry::RankStep times = times_of(s);
  if (board_) board_->put(local_rank_, s.step, times);
  if (!recorder_) return;
  recorder_->step({.step = s.step,
                   .total_steps = s.total_steps,
                   .ended = unix_seconds(),
                   .loss = s.loss,
                   .lr = s.lr,
                   .grad_norm = s.grad_norm,
                   .balance_loss = s.balance_loss,
                   .rows = s.rows,
                   .tokens = s.tokens,
                   .labelled_tokens = s.labelled_tokens,
                   .attention_pairs = s.attention_pairs,
                   .skipped = s.skipped},
                  times);
}

void Journal::eval(const train::EvalRecord& e) {
  if (recorder_)
    recorder_->write({{"kind", "eval"},
                      {"step", e.step},
                      {"loss", e.loss},
                      {"labelled_tokens", e.labelled_tokens},
                      {"seconds", e.seconds}});
}

void Journal::flush() {
  if (recorder_) recorder_->flush();
}

void Journal::end(const train::TrainState& state) {
  if (!recorder_) return;
  recorder_->write({{"kind", "end"},
                    {"steps", state.step},
                    {"seconds", state.seconds},
                    {"peak_memory_bytes", peak_memory_bytes()},
                    {"recorder_cpu_s", recorder_->cpu_seconds()},
                    {"lost_lines", recorder_->lost_lines()}});
}

}  // namespace pst::app
