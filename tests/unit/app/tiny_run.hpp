// SPDX-License-Identifier: Apache-2.0
#pragma once
#include <string>

#include "app/ranks.hpp"
#include "core/file.hpp"
#include "recipe/load.hpp"
#include "rundir/attempt.hpp"
#include "rundir/run_dir.hpp"
#include "support/prepared_store.hpp"
#include "support/temporary_directory.hpp"
#include "support/tiny_model.hpp"
#include "weights/model_digest.hpp"

namespace pst::fixture {

/// The ranks of a group as those of one machine.
inline app::Ranks on_one_node(comm::Communicator& world) { return {world, world.rank(), world.size(), 0}; }

/// A run of a tiny model as `train` leaves it to the workers: recipe, record, prepared data, the first attempt.
class TinyRun {
 public:
  explicit TinyRun(const std::string& more = {}) : run_(rundir::RunDir::create(dir_ / "runs", "tiny")) {
    write_tiny_model(model(), {.vocab = kTinyTokens});
    write_prepared_store(store(),
                         {{"train", random_lengths(13, 2, 24, 1)}, {"validation", random_lengths(3, 2, 24, 2)}}, 260);
    write_recipe(more);
    rundir::RunRecord record{.id = "7f3a", .name = "tiny", .recipe_digest = "r1", .data_digest = "d1"};
    record.model_path = model();
    record.store = store();
    record.model_digest = weights::model_digest(model());
    run_.write_record(record);
    run_.begin_attempt();
  }
  /// The usual recipe with keys of its own. It names the validation data that the store has.
  void write_recipe(const std::string& more) const {
    const std::string yaml = "name: tiny\nmodel: {path: " + model().string() +
                             "}\ndata: {train: [{path: a.jsonl}], validation: [{path: b.jsonl}], max_length: 32}\n" +
                             more;
    write_durably(run_.recipe(),
                  recipe::to_yaml(recipe::parse(yaml, "recipe.yaml", {"train.device=cpu"}, dir_.path())));
  }

  std::filesystem::path model() const { return dir_ / "model"; }
  std::filesystem::path store() const { return dir_ / "store"; }
  const std::filesystem::path& folder() const { return run_.root(); }
  const rundir::RunDir& dir() const { return run_; }
  /// How many events of this kind there are.
  std::size_t events(const std::string& kind) const {
    std::size_t count = 0;
    for (const auto& event : run_.read_events()) count += event.at("event") == kind;
    return count;
  }
  nlohmann::ordered_json last_event(const std::string& kind) const {
    nlohmann::ordered_json last;
    for (const auto& event : run_.read_events())
      if (event.at("event") == kind) last = event;
    return last;
  }

 private:
  TemporaryDirectory dir_;
  rundir::RunDir run_;
};

}  // namespace pst::fixture
