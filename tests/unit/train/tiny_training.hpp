// SPDX-License-Identifier: Apache-2.0
#pragma once
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "checkpoint/store.hpp"
#include "comm/local_communicator.hpp"
#include "core/error.hpp"
#include "families/read_model.hpp"
#include "model/decoder.hpp"
#include "objective/objective.hpp"
#include "optim/optimizer.hpp"
#include "parallel/sharded_storage.hpp"
#include "parallel/share_exchange.hpp"
#include "peft/adapter.hpp"
#include "quant/format.hpp"
#include "support/adapters.hpp"
#include "support/prepared_store.hpp"
#include "support/temporary_directory.hpp"
#include "support/tiny_model.hpp"
#include "train/host_state.hpp"
#include "train/trainer.hpp"
#include "weights/safetensors.hpp"

namespace pst::fixture {

/// A model, documents and a place for checkpoints, in a folder of their own. Lengths differ, so that a mean of means
/// is no mean.
struct TrainingFolder {
  explicit TrainingFolder(const TinyModel& model = {.vocab = 300}) {
    write_tiny_model(dir / "model", model);
    documents(random_lengths(13, 2, 24, 1), random_lengths(5, 2, 24, 2));
  }
  /// Other documents than the usual ones.
  void documents(const std::vector<std::uint32_t>& training, const std::vector<std::uint32_t>& validation) const {
    std::filesystem::remove_all(dir / "store");
    write_prepared_store(dir / "store", {{"train", training}, {"validation", validation}}, 260);
  }
  data::PreparedSet split(const char* name) const { return data::PreparedSet::open(dir / "store", name); }

  TemporaryDirectory dir;
};

/// Six steps of four rows, each a micro batch. Everything that could depend on the rank is switched on.
inline train::Settings small_settings() {
  train::Settings settings;
  settings.train.max_steps = 6;
  settings.train.micro_batch_size = 1;
  settings.train.global_batch_size = 4;
  settings.train.seed = 7;
  settings.optimizer.lr = 1e-2;
  settings.optimizer.weight_decay = 0.01;
  settings.scheduler.warmup_steps = 2;
  settings.evaluate.every_steps = 3;
  settings.guard.grad_norm = 0;
  settings.guard.grad_norm_ratio = 1e9;
  settings.guard.loss_ratio = 1e9;
  settings.max_length = 32;
  return settings;
}

struct TrainingOptions {
  train::Settings settings = small_settings();
  train::SavePolicy saving = {.never = true};
  at::ScalarType compute = at::kFloat;
  double dropout = 0.2;  ///< of the adapter, where none is given
  std::optional<methods::Adapter> adapter = {};
  bool weights_in_shares = false, optimizer_in_shares = false;
  weights::NumberFormat format = weights::NumberFormat::none;  ///< of the frozen matrices
};

/// One rank's training, and what it was told. The adapter starts with a B that is not zero.
class TinyTraining final : public train::Observer {
 public:
  TinyTraining(comm::Communicator& group, const TrainingFolder& folder, const TrainingOptions& options)
      : group_(group),
        settings_(options.settings),
        checkpoints_(folder.dir / "checkpoints"),
        training_(folder.split("train")),
        validation_(folder.split("validation")) {
    if (options.weights_in_shares && group.size() > 1) sharers_ = group.split("weights", 0);
    const nn::MakeStorage storage = [&](const nn::FrozenLayout& layout) {
      return sharers_ ? parallel::sharded_storage(layout, *sharers_) : nn::replicated_storage(layout);
    };
    const Dtype compute = options.compute == at::kFloat ? Dtype::f32 : Dtype::bf16;
    model_ = model::load(families::read_model(folder.dir / "model"), weights::TensorStore::open(folder.dir / "model"),
                         options.compute, quant::make_format({.format = options.format, .compute = compute}), storage,
                         64, settings_.train.neftune_noise_alpha);
    adapter_ = peft::make_adapter(*model_, options.adapter.value_or(lora({.r = 4, .dropout = options.dropout})),
                                  options.compute);
    adapter_->initialise(settings_.train.seed);
    parameters().flat().add_(0.01);
    parameters().refresh_compute();

    shares_.emplace(parameters(), options.optimizer_in_shares ? group.size() : 1,
                    recipe::piece_of(recipe::cut_of(settings_.optimizer), nn::ParameterSet::kBorder));
    optimizer_.emplace(settings_.optimizer, parameters(), *shares_, group.rank());
    parameters().keep(optimizer_->mine().begin, optimizer_->mine().end);
    kept_.emplace(settings_.train, parameters(), *shares_, optimizer_->mine());
    host_.emplace(parameters(), *optimizer_, *shares_, group.rank(), adapter_->hook(), &*kept_);
    saver_.emplace(group, checkpoints_, /*generation=*/1, host_->tensors(), host_->division(), options.saving,
                   train::Provenance{},
                   train::SaverHooks{.stop_signal = [this] { return stop_signal; },
                                     .may_commit = [] {},
                                     .event = [](const std::string&, nlohmann::ordered_json) {},
                                     .snapshot = [this] { host_->pull(); },
                                     .replica = [this] { return host_->replica(); }});
  }

  train::TrainState fit(train::TrainState from = {}) {
    const train::Parts parts{.model = *model_,
                             .objective = *objective_,
                             .parameters = parameters(),
                             .training = training_,
                             .validation = validation_.size() > 0 ? &validation_ : nullptr,
                             .group = group_,
                             .gradients = group_,
                             .shares = *shares_,
                             .optimizer = *optimizer_,
                             .kept = *kept_,
                             .saver = *saver_,
                             .restore_newest = [this] { return restore(); },
                             .observer = *this,
                             .hook = adapter_->hook()};
    return train::fit(parts, settings_, std::move(from));
  }
  /// Puts the newest checkpoint back, as another start would.
  train::TrainState restore() {
    std::vector<checkpoint::Rejected> rejected;
    const auto found = checkpoint::newest_valid(checkpoints_, rejected);
    if (!found) throw Error(Fault::data, "there is no checkpoint");
    return restore_from(found->folder);
  }
  train::TrainState restore_from(const std::filesystem::path& folder) {
    const checkpoint::Found found = checkpoint::open_valid(folder);
    checkpoint::load(found, host_->tensors());
    host_->push();
    parameters().refresh_compute();
    if (!parameters().has_all()) {
      parallel::ExchangeBuffers buffers(group_);
      parallel::gather_shares(parameters().flat_compute(), *shares_, buffers);
    }
    return train::state_from(found.manifest.state.at("train"), "the checkpoint");
  }

  nn::ParameterSet& parameters() { return adapter_->parameters(); }
  const nn::CausalLm& model() const { return *model_; }
  const objective::Objective& goal() const { return *objective_; }
  const train::Settings& settings() const { return settings_; }
  /// What products use: all of it on every rank.
  at::Tensor values() { return parameters().flat_compute().clone(); }
  /// A copy of those arrays of the state whose names begin so; this rank's part.
  std::map<std::string, std::vector<float>> arrays(const std::string& begin) const {
    std::map<std::string, std::vector<float>> found;
    for (const auto& tensor : host_->tensors())
      if (tensor.name.starts_with(begin)) {
        const auto values = tensor.values.as<float>();
        found[tensor.name] = {values.begin(), values.end()};
      }
    return found;
  }

  void on_step(const train::StepRecord& step) override {
    steps.push_back(step);
    told.push_back("step " + std::to_string(step.step));
    if (after_step) after_step(*this, step.step);
  }
  void on_eval(const train::EvalRecord& eval) override {
    evals.push_back(eval);
    told.push_back("evaluation after " + std::to_string(eval.step));
  }
  void on_finding(std::int64_t step, const train::Finding& finding) override {
    findings.push_back({step, finding});
    told.push_back("finding in " + std::to_string(step));
  }
  void on_early_stop(const train::TrainState& state) override {
    told.push_back("early stop after " + std::to_string(state.step));
  }
  trace::Sink* trace_of_step(std::int64_t step) override {
    traced.push_back(step);
    return sink;
  }

  std::vector<train::StepRecord> steps;
  std::vector<train::EvalRecord> evals;
  std::vector<std::pair<std::int64_t, train::Finding>> findings;
  std::vector<std::string> told;
  std::vector<std::int64_t> traced;
  // What a test may put in the way.
  std::function<void(TinyTraining&, std::int64_t step)> after_step;
  int stop_signal = 0;
  trace::Sink* sink = nullptr;

 private:
  comm::Communicator& group_;
  train::Settings settings_;
  std::filesystem::path checkpoints_;
  data::PreparedSet training_, validation_;
  std::unique_ptr<comm::Communicator> sharers_;
  std::unique_ptr<nn::CausalLm> model_;
  std::unique_ptr<objective::Objective> objective_ = objective::cross_entropy(settings_.train.label_smoothing_factor);
  std::unique_ptr<peft::Adapter> adapter_;
  std::optional<parallel::FlatShares> shares_;
  std::optional<optim::Optimizer> optimizer_;
  std::optional<train::KeptWeights> kept_;
  std::optional<train::HostState> host_;
  std::optional<train::Saver> saver_;
};

}  // namespace pst::fixture
