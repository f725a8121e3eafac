// SPDX-License-Identifier: Apache-2.0
#include "app/data_start.hpp"

#include <ATen/TensorOperators.h>

#include <algorithm>
#include <map>
#include <nlohmann/json.hpp>
#include <utility>

#include "checkpoint/manifest.hpp"
#include "core/digest.hpp"
#include "core/error.hpp"
#include "core/strings.hpp"
#include "data/order.hpp"
#include "methods/study.hpp"
#include "objective/objective.hpp"
#include "ops/torch_exec.hpp"
#include "peft/adapter.hpp"
#include "peft/corda.hpp"
#include "peft/eva.hpp"
#include "peft/weight_gradients.hpp"
#include "recipe/changes.hpp"
#include "rundir/lease.hpp"
#include "train/micro_batch.hpp"
#include "weights/adapter_names.hpp"
#include "weights/safetensors.hpp"

namespace pst::app {
namespace {

namespace fs = std::filesystem;
using Values = std::map<std::string, at::Tensor>;  ///< by the tensor's name in a PEFT file

constexpr const char* kKeys = "keys";  ///< of the file's metadata: what it was made from

fs::path file_of(const Run& run) { return run.dir.root() / "start.safetensors"; }

/// All that the start follows from.
std::string digest_of_origin(const Run& run, const Resolved& resolved) {
  Digester digester;
  digester.add_field(run.record.model_digest);
  digester.add_field(run.record.data_digest);
  for (const auto& [key, value] : keys_that_alter(run.recipe, resolved)) {
    if (key == "train.epochs" || key == "train.max_steps" || key == "train.max_grad_norm") continue;
    if (!key.starts_with("adapter.") && !key.starts_with("model.") && !key.starts_with("data.") &&
        !key.starts_with("train."))
      continue;
    digester.add_field(key);
    digester.add_field(value);
  }
  return digester.hex();
}

/// The rows of the training, in its order, some at once.
class Batches {
 public:
  Batches(const Run& run, const nn::CausalLm& model, at::Device device, std::int64_t rows)
      : run_(run),
        model_(model),
        device_(device),
        rows_(rows),
        order_(run.training, data::order_settings(run.recipe)) {}
  void rewind() { step_ = leaf_ = 0; }
  /// So many, or as many as an epoch has.
  std::int64_t at_most(std::int64_t count) const {
    return std::min(count, (order_.rows_per_epoch() + rows_ - 1) / rows_);
  }
  nn::Batch next() {
    for (;;) {
      auto batch =
          train::micro_batch(run_.training, order_.rows_of_step(step_), leaf_, rows_, model_.vocabulary(), device_);
      ++leaf_;
      if (batch) return *std::move(batch);
      ++step_;
      leaf_ = 0;
    }
  }

 private:
  const Run& run_;
  const nn::CausalLm& model_;
  at::Device device_;
  std::int64_t rows_;
  data::DataOrder order_;
  std::int64_t step_ = 0, leaf_ = 0;
};

/// Rank 0 looks, and the others run the model with it where a pass needs all.
class Search {
 public:
  Search(const Run& run, const Hardware& hardware, const Ranks& ranks, nn::CausalLm& model,
         std::vector<methods::Studied> layers, const std::function<void()>& alive)
      : run_(run),
        resolved_(hardware.resolved),
        study_(*methods::study_of(run.recipe.adapter)),
        world_(ranks.world),
        model_(model),
        layers_(std::move(layers)),
        alive_(alive),
        passes_here_(world_.is_root() || !model.frozen().always_there()) {}

  /// @return on rank 0
  Values values() {
    switch (study_.looks) {
      case methods::Study::Looks::inputs_until_settled: return eva();
      case methods::Study::Looks::covariances: return corda();
      case methods::Study::Looks::gradients: return gradients();
    }
    return {};
  }
  std::int64_t passes() const { return passes_; }

 private:
  Values eva() {
    Batches batches = all_batches(run_.recipe.train.micro_batch_size);
    peft::Eva eva(model_, layers_, study_.inputs);
    while (on_all([&] { return eva.wants_more(); })) {
      if (passes_ == 1) batches.rewind();  // the first pass only compared inputs
      pass([&] {
        const nn::Batch batch = batches.next();
        // The rows of tokens that are labels: one behind those that predict them.
        if (world_.is_root()) eva.before(study_.inputs.use_label_mask ? batch.label_rows + 1 : at::Tensor());
        forward(batch);
        if (world_.is_root()) eva.after();
      });
    }
    Values values;
    if (world_.is_root())
      for (const auto& [layer, a_ri] : eva.result()) values[methods::start_tensor(layer, 'A')] = a_ri;
    return values;
  }

  Values corda() {
    Batches batches = all_batches(1);
    Values values;
    for (const auto& layers : methods::study_rounds(run_.recipe.adapter, layers_)) {
      peft::Covariances covariances(model_, layers);
      batches.rewind();
      for (std::int64_t left = batches.at_most(study_.covariances.samples); left > 0; --left)
        pass([&] {
          const nn::Batch batch = batches.next();
          if (world_.is_root()) covariances.before();
          forward(batch);
          if (world_.is_root()) covariances.after();
        });
      start_each(layers, values, [&](std::size_t i, const std::function<at::Tensor()>& weight) {
        return peft::corda_start(weight(), covariances.mean(i), study_.covariances.corda_method, layers[i].r,
                                 layers[i].scale);
      });
    }
    return values;
  }

  Values gradients() {
    Batches batches = all_batches(run_.recipe.train.micro_batch_size);
    const auto objective = objective::cross_entropy();
    const Rng random = Rng(run_.recipe.train.seed).child("start");
    Values values;
    for (const auto& layers : methods::study_rounds(run_.recipe.adapter, layers_)) {
      peft::WeightGradients sums(model_, layers);
      batches.rewind();
      for (std::int64_t left = batches.at_most(study_.gradients.batches); left > 0; --left)
        pass([&] {
          const nn::Batch batch = batches.next();
          sums.before();  // on all that take part: without it nothing in a pass would have a gradient
          objective->backward({model_, {}, resolved_.recompute}, batch, 1 / static_cast<double>(batch.labelled()));
          sums.after();
        });
      start_each(layers, values, [&](std::size_t i, const std::function<at::Tensor()>& weight) {
        return peft::gradient_start(sums.mean(i), weight, study_.gradients, layers[i].r, layers[i].scale,
                                    random.child(layers[i].name));
      });
    }
    return values;
  }

  Batches all_batches(std::int64_t rows) const { return {run_, model_, resolved_.device, rows}; }

  /// A pass over the model: those take part whom it needs.
  void pass(const std::function<void()>& body) {
    together(cat("looking at data for the adapter's start, pass ", ++passes_), [&] {
      if (passes_here_) body();
    });
    alive_();
  }

  using Weight = std::function<at::Tensor()>;
  void start_each(const std::vector<methods::Studied>& layers, Values& values,
                  const std::function<peft::LowRank(std::size_t, const Weight&)>& start_of) {
    for (std::size_t i = 0; i < layers.size(); ++i)
      together(cat("finding the start of ", layers[i].name), [&] {
        at::NoGradGuard no_gradients;
        if (passes_here_) model_.make_readable(layers[i].layer);
        if (!world_.is_root()) return;
        const auto [a_ri, b_or] =
            start_of(i, [&] { return (*model_.linears()[layers[i].layer].linear)->weight(at::kFloat); });
        values[methods::start_tensor(layers[i].name, 'A')] = a_ri.cpu();
        values[methods::start_tensor(layers[i].name, 'B')] = b_or.cpu();
      });
    alive_();
  }

  void together(const std::string& action, const std::function<void()>& body) { comm::together(world_, action, body); }
  /// Rank 0's answer.
  bool on_all(const std::function<bool()>& question) {
    bool answer = false;
    together("looking for the adapter's start", [&] { answer = world_.is_root() && question(); });
    return comm::broadcast_text(world_, answer ? "yes" : "no") == "yes";
  }
  void forward(const nn::Batch& batch) const {
    at::NoGradGuard no_gradients;
    model_.forward(batch, {}, nn::Recompute::nothing);
  }

  const Run& run_;
  const Resolved& resolved_;
  const methods::Study study_;
  comm::Communicator& world_;
  nn::CausalLm& model_;
  std::vector<methods::Studied> layers_;
  const std::function<void()>& alive_;
  bool passes_here_;
  std::int64_t passes_ = 0;
};

void write(const Run& run, const Values& values, const std::string& origin) {
  std::vector<at::Tensor> here;
  std::vector<weights::NewTensor> tensors;
  for (const auto& [name, value] : values) {
    here.push_back(value.detach().to(at::kCPU, at::kFloat).contiguous());
    const View view = ops::view_of(here.back());
    tensors.push_back({name, "F32", value.sizes().vec(), {static_cast<const std::byte*>(view.data), view.bytes()}});
  }
  rundir::check_generation(run.dir, run.attempt);
  weights::save_tensors(file_of(run), tensors, {{kKeys, origin}});
}

bool is_made(const Run& run, const std::string& origin) {
  std::error_code unreadable;
  if (!fs::exists(file_of(run), unreadable)) return false;
  const auto store = weights::TensorStore::open(file_of(run));
  const auto keys = store.metadata().find(kKeys);
  return keys != store.metadata().end() && keys->second == origin;
}

/// The ranks of A's by their layers' names.
void take_rank(std::map<std::string, std::int64_t>& ranks, const std::string& tensor, std::string_view prefix,
               const std::vector<std::int64_t>& shape) {
  const auto layer = methods::layer_of_start(tensor, prefix);
  if (!layer) return;
  if (shape.empty()) throw Error(Fault::data, cat(quoted(tensor, 100), " has no rows, and so no rank"));
  ranks[*layer] = shape.front();
}

}  // namespace

methods::Adapter with_data_start(methods::Adapter adapter, const Run& run, const Hardware& hardware, const Ranks& ranks,
                                 nn::CausalLm& model, const std::function<void()>& alive) {
  if (!methods::reads_data(adapter)) return adapter;
  const std::vector<methods::LinearLayer> layers = peft::places_of(model).linears;
  const std::string origin = digest_of_origin(run, hardware.resolved), &resume = run.recipe.checkpoint.resume;
  const bool is_from_another = resume != "auto" && resume != "never";
  std::string there;
  comm::together(ranks.world, "looking for the adapter's start", [&] {
    if (ranks.world.is_root()) there = is_from_another ? "checkpoint" : is_made(run, origin) ? "file" : "data";
  });
  there = comm::broadcast_text(ranks.world, there);
  if (there == "data") {
    Search search(run, hardware, ranks, model, methods::studied_layers(adapter, layers), alive);
    const Values values = search.values();
    comm::together(ranks.world, "keeping the adapter's start", [&] {
      if (!ranks.world.is_root()) return;
      write(run, values, origin);
      run.dir.try_event("start-found", {{"by", methods::study_of(adapter)->name}, {"passes", search.passes()}});
    });
  }

  std::map<std::string, std::int64_t> found;
  comm::together(ranks.world, "reading the adapter's start", [&] {
    if (there == "checkpoint") {
      for (const auto& tensor : checkpoint::read_manifest(resume).tensors)
        take_rank(found, tensor.name, "adapter/", tensor.shape);
    } else {
      const auto store = weights::TensorStore::open(file_of(run));
      for (const auto& tensor : store.tensors()) take_rank(found, tensor.name, weights::kPeftPrefix, tensor.shape);
    }
  });
  return methods::with_found_start(adapter, layers, found,
                                   there == "checkpoint" ? std::string() : file_of(run).string());
}

}  // namespace pst::app
