// SPDX-License-Identifier: Apache-2.0
#pragma once
#include <filesystem>
#include <functional>
#include <nlohmann/json.hpp>
#include <optional>
#include <string>
#include <vector>

namespace pst::rundir {

namespace fs = std::filesystem;

/// run.json: who this run is. Written before anything is submitted; `resume --set` renews what it changes.
struct RunRecord {
  std::string id, name;     ///< id is four hexadecimal digits or more; the folder is <name>-<id>
  std::string version;      ///< of peft-studio
  std::string created;      ///< UTC
  std::string recipe_file;  ///< as given, for people
  std::string recipe_digest, model_digest, data_digest;
  fs::path model_path, store;  ///< absolute: model folder, prepared data
};

/// completed.json: the only proof of success. Written last, by rank 0, after every rank agreed.
struct Completed {
  std::int64_t steps = 0;
  std::string adapter_digest;                                           ///< of adapter/adapter_model.safetensors
  double train_loss = 0;                                                ///< of the last step
  std::optional<double> validation_loss_before, validation_loss_after;  ///< after: of the adapter that was written
  std::optional<std::int64_t> adapter_step;  ///< whose values the adapter has, where they are the best ones
  std::string ended_early;                   ///< why, where it ended before its last step; else empty
  double seconds = 0;                        ///< from the first step to the last
  std::int64_t tokens = 0;
  int attempt = 0, ranks = 0;
  std::string finished;  ///< UTC
};

/// The folder of one run and the files in it (docs/design.md, "The run directory").
class RunDir {
 public:
  explicit RunDir(fs::path root) : root_(std::move(root)) {}

  /// Makes `<output_dir>/<name>-<id>` with a fresh id. @throws Error(io)
  static RunDir create(const fs::path& output_dir, const std::string& name);
  /// A run by folder, or by name or id (or unambiguous start of it) below `output_dir`; one of a sweep as `<sweep>/3`.
  /// @throws Error(usage) naming the candidates when there is none or more than one, or a sweep is named
  static RunDir find(const std::string& what, const fs::path& output_dir);

  const fs::path& root() const { return root_; }
  fs::path recipe() const { return root_ / "recipe.yaml"; }
  fs::path site() const { return root_ / "site.yaml"; }
  fs::path job_script() const { return root_ / "job.sh"; }
  fs::path adapter() const { return root_ / "adapter"; }
  fs::path checkpoints() const { return root_ / "checkpoints"; }
  fs::path events_file() const { return root_ / "events.jsonl"; }
  fs::path attempt(int number) const;                            ///< attempts/0001
  fs::path heartbeat_file(int number) const;                     ///< attempts/0001/heartbeat.json
  fs::path node_log(int number, const std::string& host) const;  ///< attempts/0001/nodes/<host>.jsonl

  void write_record(const RunRecord& record) const;
  RunRecord read_record() const;                           ///< @throws Error(data)
  void write_completed(const Completed& completed) const;  ///< durably
  /// Nothing when the file is absent; @throws Error(data) when it is there and not valid (the digest of the adapter is
  /// compared with the file: a completed run without its adapter is not completed)
  std::optional<Completed> read_completed() const;
  /// Appends {"t": now, "event": kind, ...details} to events.jsonl.
  void event(const std::string& kind, nlohmann::ordered_json details = nlohmann::ordered_json::object()) const;
  /// The same where an event must not end what it tells of: on a disk that takes nothing it goes to stderr instead.
  void try_event(const std::string& kind,
                 nlohmann::ordered_json details = nlohmann::ordered_json::object()) const noexcept;
  /// Gives the events to `take`, few of them in memory at a time: their number has no end. A torn last line is left
  /// out.
  void for_each_event(const std::function<void(const nlohmann::ordered_json&)>& take) const;
  std::vector<nlohmann::ordered_json> read_events() const;  ///< all of them, for tests
  int last_attempt() const;                                 ///< 0 when there was none
  int begin_attempt() const;                                ///< makes the next attempt's folders, returns its number

 private:
  fs::path root_;
};

/// Every run in `output_dir`, oldest first, without those of sweeps; none when the folder does not exist.
std::vector<RunDir> list_runs(const fs::path& output_dir);

}  // namespace pst::rundir
