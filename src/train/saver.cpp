// SPDX-License-Identifier: Apache-2.0
#include "train/saver.hpp"

#include <algorithm>
#include <cstring>
#include <span>

#include "checkpoint/interval.hpp"
#include "core/clock.hpp"
#include "core/error.hpp"
#include "core/strings.hpp"

namespace pst::train {

using checkpoint::Writer;
using nlohmann::ordered_json;

/// What a rank tells the others at a step edge.
struct Saver::Edge {
  std::int32_t stop_signal = 0;
  std::int32_t phase = 0;                      // Writer::Phase
  std::int32_t due_by_clock = 0, give_up = 0;  // rank 0 decides for all
  std::int64_t file_bytes = 0;
  char digest[32] = {}, replica[32] = {};  // 32 hexadecimal digits each; zeros: none yet
};

namespace {

void put(char (&to)[32], const std::string& digest) {
  if (digest.size() == sizeof to) std::memcpy(to, digest.data(), sizeof to);
}
std::string text_of(const char (&from)[32]) { return from[0] == 0 ? std::string() : std::string(from, sizeof from); }

std::vector<checkpoint::TensorRef> to_save(const std::vector<checkpoint::Target>& tensors) {
  std::vector<checkpoint::TensorRef> all;
  for (const auto& tensor : tensors) all.push_back({tensor.name, tensor.shape, tensor.values, tensor.first_row});
  return all;
}

}  // namespace

Saver::Saver(comm::Communicator& group, const std::filesystem::path& checkpoints, int generation,
             std::vector<checkpoint::Target> tensors, checkpoint::Division division, SavePolicy policy,
             Provenance provenance, SaverHooks hooks)
    : group_(group),
      tensors_(std::move(tensors)),
      policy_(std::move(policy)),
      provenance_(std::move(provenance)),
      hooks_(std::move(hooks)),
      replicas_(static_cast<std::size_t>(group.size())),
      last_begin_s_(monotonic_seconds()),
      last_success_s_(last_begin_s_) {
  if (policy_.never) return;
  writer_ = std::make_unique<Writer>(checkpoints, group.rank(), group.size(), generation, to_save(tensors_),
                                     Writer::Options{.keep = policy_.keep,
                                                     .may_commit = hooks_.may_commit,
                                                     .committed = [this](const Writer::Progress& p) { tell(p); },
                                                     .trace = hooks_.trace,
                                                     .division = std::move(division)});
}

Saver::~Saver() = default;

std::vector<Saver::Edge> Saver::exchange() {
  Edge mine{.stop_signal = hooks_.stop_signal()};
  if (writer_) {
    const Writer::Progress progress = writer_->progress();
    mine.phase = static_cast<std::int32_t>(progress.phase);
    mine.file_bytes = static_cast<std::int64_t>(progress.file.bytes);
    put(mine.digest, progress.file.digest);
    if (compare_) put(mine.replica, replica_);
    mine.due_by_clock = due_by_clock();
    mine.give_up = policy_.give_up_s > 0 && failing_ && monotonic_seconds() - last_success_s_ > policy_.give_up_s;
  }
  std::vector<Edge> all(static_cast<std::size_t>(group_.size()));
  const ConstView bytes(&mine, sizeof mine, Dtype::u8);
  group_.all_gather(bytes, View{all.data(), static_cast<std::int64_t>(all.size() * sizeof(Edge)), Dtype::u8, {}});
  return all;
}

void Saver::compare_replicas(const std::vector<Edge>& ranks) {
  if (!compare_) return;
  compare_ = false;
  for (std::size_t r = 0; r < ranks.size(); ++r) replicas_[r] = text_of(ranks[r].replica);
  const std::string first = text_of(ranks.front().replica);
  for (std::size_t r = 1; r < ranks.size(); ++r)
    if (text_of(ranks[r].replica) != first)
      throw Error(
          Fault::unfit, cat("the parameters of rank ", r, " differ from those of rank 0 after the same steps"),
          "a node's memory or processor is suspect: leave its node out with slurm.exclude; the run resumes from "
          "the newest checkpoint");
}

/// The writer's thread tells of a checkpoint when it is whole, and not the next edge: a step may take minutes.
void Saver::tell(const Writer::Progress& whole) const {
  hooks_.event("checkpoint", {{"step", whole.step},
                              {"folder", whole.folder.filename().string()},
                              {"stall_s", whole.stall_s},
                              {"write_s", whole.write_s},
                              {"commit_s", whole.commit_s}});
  if (!whole.warning.empty()) hooks_.event("checkpoint-warning", {{"step", whole.step}, {"reason", whole.warning}});
}

/// Takes in how the checkpoint on its way ended. Mostly it is whole by now; where it is not although every rank has
/// written, rank 0 waits for a file system that is slow to show it the others' receipts, and gets them here.
void Saver::advance(const std::vector<Edge>& ranks) {
  compare_replicas(ranks);
  if (!pending_) return;
  const auto phase_of = [&](std::size_t rank) { return static_cast<Writer::Phase>(ranks[rank].phase); };
  bool any_failed = false, all_written = true, any_busy = false;
  const bool committed = phase_of(0) == Writer::Phase::committed;
  for (std::size_t r = 0; r < ranks.size(); ++r) {
    any_failed = any_failed || phase_of(r) == Writer::Phase::failed;
    all_written = all_written && phase_of(r) == Writer::Phase::written;
    any_busy = any_busy || phase_of(r) == Writer::Phase::writing;
  }
  if (any_failed && !committed) {
    if (any_busy) return;  // a rank whose disk is slower to fail; only what nobody writes can be dropped
    const Writer::Progress progress = writer_->progress();
    if (progress.phase == Writer::Phase::failed)
      hooks_.event("checkpoint-failed",
                   {{"step", *pending_},
                    {"rank", group_.rank()},
                    {"reason", progress.problem},
                    {"remedy", "training goes on and the last good checkpoint stays; free or repair the disk"}});
    writer_->drop();
    pending_.reset();
    failing_ = true;
    return;
  }
  if (all_written && group_.is_root()) {
    std::vector<checkpoint::Receipt> receipts;
    for (std::size_t r = 0; r < ranks.size(); ++r)
      receipts.push_back({{checkpoint::rank_file(static_cast<int>(r)), static_cast<std::uint64_t>(ranks[r].file_bytes),
                           text_of(ranks[r].digest)},
                          replicas_[r]});
    writer_->receive(std::move(receipts));
  }
  if (!committed) return;
  const Writer::Progress progress = writer_->progress();
  writer_->finish();
  saved_step_ = *pending_;
  pending_.reset();
  failing_ = false;
  last_success_s_ = monotonic_seconds();
  if (group_.is_root() && !policy_.every_steps && !policy_.every_s)
    follow(checkpoint::Cost{.stall_s = progress.stall_s, .behind_s = progress.write_s + progress.commit_s});
}

/// Where the recipe leaves it to us: how long until the next one.
void Saver::follow(const checkpoint::Cost& cost) {
  const double interval = checkpoint::save_interval(cost, policy_.mtbf_s);
  if (interval_s_ == 0 || interval > 2 * interval_s_ || 2 * interval < interval_s_)
    hooks_.event("checkpoint-interval", {{"seconds", interval}, {"reason", interval_reason(cost, policy_.mtbf_s)}});
  interval_s_ = interval;
}

bool Saver::due_by_clock() const {
  if (pending_ || (policy_.every_steps && !policy_.every_s)) return false;
  const double interval = policy_.every_s ? *policy_.every_s : interval_s_;  // 0: its cost is not known yet, so now
  return monotonic_seconds() - last_begin_s_ >= interval;
}

bool Saver::due_by_step(std::int64_t step) const {
  return (policy_.every_steps && step % *policy_.every_steps == 0) ||
         (policy_.milestone_every > 0 && step % policy_.milestone_every == 0);
}

Saver::Due Saver::due_at(const TrainState& state, bool by_clock) const {
  if (state.step == 0 || state.step == saved_step_ || state.step == pending_) return Due::no;
  if (due_by_step(state.step)) return Due::now;
  const bool lowest =
      state.evaluated_at == state.step && state.validation_after && state.validation_best == state.validation_after;
  if (policy_.when_best && (lowest || state.best.step == state.step)) return Due::now;
  return by_clock ? Due::soon : Due::no;
}

void Saver::begin(const TrainState& state) {
  last_begin_s_ = monotonic_seconds();
  pending_ = state.step;
  if (!writer_->idle()) writer_->wait();  // it still removes what failed
  Writer::Begin with{.since_s = monotonic_seconds()};
  hooks_.snapshot();
  if (group_.size() > 1 && hooks_.replica) {
    replica_ = with.replica = hooks_.replica();
    compare_ = true;
  }
  if (group_.is_root()) with.manifest = manifest_of(state);
  writer_->begin(state.step, std::move(with));
}

checkpoint::Manifest Saver::manifest_of(const TrainState& state) const {
  checkpoint::Manifest manifest;
  manifest.version = provenance_.version;
  manifest.recipe_digest = provenance_.recipe_digest;
  manifest.model_digest = provenance_.model_digest;
  manifest.data_digest = provenance_.data_digest;
  manifest.adapter_config = provenance_.adapter_config;
  if (state.evaluated_at == state.step) manifest.validation_loss = state.validation_after;
  manifest.milestone = policy_.milestone_every > 0 && state.step % policy_.milestone_every == 0;
  manifest.state = {{"train", to_json(state)}, {"recipe", provenance_.recipe}};
  return manifest;
}

double Saver::edge(const TrainState& state) {
  double stall = 0;
  const std::vector<Edge> ranks = exchange();
  int signal = 0;
  for (const Edge& rank : ranks) signal = signal != 0 ? signal : rank.stop_signal;
  if (writer_) {
    advance(ranks);
    if (ranks.front().give_up != 0)
      throw Error(Fault::io,
                  cat("no checkpoint could be written for ", policy_.give_up_s / 60,
                      " minutes: more work would be at risk than checkpoint.max_loss_minutes allows"),
                  "free or repair the disk; the reasons are in events.jsonl. Then: peft-studio resume");
    const Due due = due_at(state, ranks.front().due_by_clock != 0);
    const double began = monotonic_seconds();
    if (due == Due::now)
      settle();  // the disk is slower than the recipe's steps: there is one buffer, so training waits
    if (due != Due::no && !pending_) {  // by the clock it stays due until it is begun, so it can wait instead
      begin(state);
    }
    if (due != Due::no) stall = monotonic_seconds() - began;
  }
  if (signal == 0) return stall;
  if (!writer_)
    throw Error(Fault::stopped, cat("stopped by signal ", signal, " after step ", state.step,
                                    "; nothing was saved, because checkpoint.enabled is false"));
  save_and_wait(state);
  throw Error(Fault::stopped, saved_step_ == state.step
                                  ? cat("stopped on request after step ", state.step, ", which is saved")
                                  : cat("stopped on request after step ", state.step,
                                        "; saving it failed, the newest checkpoint is of step ", saved_step_));
}

double Saver::make_room(std::int64_t step) {
  if (!pending_ || !due_by_step(step)) return 0;
  const double began = monotonic_seconds();
  settle();
  return monotonic_seconds() - began;
}

void Saver::settle() {
  if (!writer_) return;
  while (pending_) {
    hooks_.saving();
    writer_->wait();
    advance(exchange());
  }
}

void Saver::save_and_wait(const TrainState& state) {
  settle();
  if (state.step == 0 || state.step == saved_step_) return;
  begin(state);
  settle();
}

void Saver::finish(const TrainState& state) {
  if (writer_) save_and_wait(state);
}

}  // namespace pst::train
