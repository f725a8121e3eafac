// SPDX-License-Identifier: Apache-2.0
#include "app/pipeline.hpp"

#include <algorithm>
#include <csignal>
#include <nlohmann/json.hpp>
#include <optional>
#include <vector>

#include "app/gpu_group.hpp"
#include "app/gpus.hpp"
#include "app/journal.hpp"
#include "app/machine.hpp"
#include "app/preflight.hpp"
#include "app/profiling.hpp"
#include "app/quantization.hpp"
#include "app/resolve.hpp"
#include "app/resume.hpp"
#include "app/saving.hpp"
#include "core/clock.hpp"
#include "core/digest.hpp"
#include "core/error.hpp"
#include "core/strings.hpp"
#include "data/prepared.hpp"
#include "model/decoder.hpp"
#include "ops/allocator.hpp"
#include "ops/exec.hpp"
#include "parallel/sharded_storage.hpp"
#include "parallel/share_exchange.hpp"
#include "peft/adapter.hpp"
#include "recipe/changes.hpp"
#include "recipe/load.hpp"
#include "rundir/lease.hpp"
#include "rundir/run_dir.hpp"
#include "train/host_state.hpp"
#include "train/trainer.hpp"
#include "version/version.hpp"
#include "families/read_model.hpp"
#include "weights/safetensors.hpp"

namespace pst::app {
namespace {

using nlohmann::ordered_json;

volatile std::sig_atomic_t stop_signal = 0;
void note_signal(int number) { stop_signal = number; }

/// A handler only sets a flag; the loop looks at it between steps. SIGUSR2 is the job script's warning.
void listen_for_stop() {
  struct sigaction action {};
  action.sa_handler = note_signal;
  for (const int number : {SIGTERM, SIGUSR2, SIGINT}) ::sigaction(number, &action, nullptr);
}

/// Replicas that drifted apart would go unnoticed otherwise: their adapters have to be the same bits.
std::string common_digest(comm::Communicator& world, const at::Tensor& parameters) {
  const std::string mine = digest(std::as_bytes(ops::view_of(parameters.cpu()).as<float>()));
  comm::together(world, "comparing the ranks' adapters", [&, first = comm::broadcast_text(world, mine)] {
    if (mine != first)
      throw Error(Fault::unfit, cat("the adapter on ", host_name(), " differs from rank 0's"),
                  "this node's memory or CPU is suspect: leave it out with slurm.exclude and run again");
  });
  return mine;
}

/// The ranks that share one copy of the frozen weights; none where each has its own.
/// @param node_root  tells nodes apart
std::unique_ptr<comm::Communicator> weights_group(comm::Communicator& world, int node_root, recipe::Strategy strategy) {
  std::unique_ptr<comm::Communicator> group;
  if (strategy == recipe::Strategy::shard) group = world.split("weights", 0);
  if (strategy == recipe::Strategy::hybrid) group = world.split("weights of a node", node_root);
  if (group && group->size() == 1) group.reset();
  return group;
}

/// What decides the bits of the result, `auto` replaced by what was chosen on this machine.
std::map<std::string, std::string> keys_that_alter(const recipe::Recipe& recipe, const Resolved& resolved) {
  auto keys = recipe::keys_that_alter(recipe);
  keys["train.precision"] = resolved.bf16 ? "bf16" : "fp32";
  if (resolved.device.is_cuda()) keys["train.device"] = "cuda";  // its products round otherwise
  return keys;
}

ordered_json event_of(std::int64_t step, const train::Finding& finding) {
  const auto words = recipe::words_of(finding.action);
  const auto word = std::find_if(words.begin(), words.end(), [&](const auto& w) { return w.second == finding.action; });
  return {{"step", step}, {"reason", finding.what}, {"action", word->first}, {"remedy", finding.remedy}};
}

}  // namespace

void train(const std::filesystem::path& run_directory, int attempt, const Ranks& ranks, VitalSigns& signs) {
  comm::Communicator& world = ranks.world;
  const rundir::RunDir run(run_directory);
  ops::use_tensor_arena();
  listen_for_stop();
  preflight(ranks, run, attempt);

  // 1. What is to be done: the effective recipe, the model's config, the prepared data.
  recipe::Recipe recipe;
  rundir::RunRecord record;
  families::ModelSpec spec;
  std::optional<data::PreparedSet> training, validation;
  comm::together(world, "reading the run", [&] {
    recipe = recipe::load(run.recipe());
    record = run.read_record();
    spec = families::read_model(record.model_path);
    training = data::PreparedSet::open(record.store, "train");
    validation = data::PreparedSet::open(record.store, "validation");
    if (validation->size() == 0) validation.reset();
    recipe::check_ranks(recipe, world.size());
  });

  // 2. The machine: precision, threads, memory.
  const std::optional<ops::Gpu> gpu = open_gpus(ranks, run, attempt, recipe.train);
  Resolved resolved;
  comm::together(world, "settling what the recipe leaves open",
                 [&] { resolved = resolve(recipe, spec, world, ranks.local_size, gpu); });
  ops::set_threads(resolved.threads);
  const std::unique_ptr<comm::Communicator> gpus = gpu_group(world, resolved.device, run, attempt);
  Journal journal(run, attempt, ranks, resolved, spec);

  // 3. The frozen model and the adapter around its layers.
  const std::unique_ptr<comm::Communicator> sharers = weights_group(world, ranks.node_root, resolved.strategy),
                                            links = gpus ? weights_group(*gpus, ranks.node_root, resolved.strategy)
                                                         : nullptr;
  const nn::MakeStorage storage = [&](const nn::FrozenLayout& layout) {
    return sharers ? parallel::sharded_storage(layout, *sharers, links.get())
                   : nn::replicated_storage_on(resolved.device)(layout);
  };
  std::unique_ptr<nn::CausalLm> model;
  std::unique_ptr<peft::Adapter> adapter;
  const at::ScalarType compute = resolved.bf16 ? at::kBFloat16 : at::kFloat;
  comm::together(world, cat("loading the model ", record.model_path.string()), [&] {
    const std::shared_ptr<const nn::FrozenFormat> matrices =
        quant::make_format(quant_options(recipe.model.quantization, spec, compute));
    model = model::load(spec, weights::TensorStore::open(record.model_path), compute, matrices, storage,
                              recipe.data.max_length);
    adapter = peft::make_adapter(*model, recipe.adapter, compute, resolved.device);
    adapter->initialise(recipe.train.seed);
    if (recipe.adapter.init_from) adapter->load(*recipe.adapter.init_from);
  });
  nn::ParameterSet& parameters = adapter->parameters();
  journal.model_loaded(parameters.size());

  // 4. Where a former start of this run left off.
  const bool optimizer_in_shares = recipe.parallel.optimizer == recipe::OptimizerState::shard;
  const parallel::FlatShares shares(parameters, optimizer_in_shares ? world.size() : 1);
  const train::Moments moments(parameters, shares, world.rank());
  parameters.keep(moments.mine.begin, moments.mine.end);
  train::HostState host_state(parameters, moments, shares, world.rank());
  const auto gather = [&](const at::Tensor& flat) {
    parallel::ExchangeBuffers buffers(gpus ? *gpus : world);
    parallel::gather_shares(flat, shares, buffers);
  };
  const auto after_reading = [&] {
    host_state.push();
    parameters.refresh_compute();
    if (!parameters.has_all()) gather(parameters.flat_compute());
  };
  const auto& tensors = host_state.tensors();
  const auto alters = keys_that_alter(recipe, resolved);
  Resumer resumer(world, run, record, recipe, alters, attempt);
  std::optional<train::TrainState> resumed = resumer.start(tensors);
  if (resumed) after_reading();
  train::TrainState state = resumed.value_or(train::TrainState{});

  // 5. Training, saved behind its back.
  Profiling profiling(recipe.profile, run, attempt, ranks);
  train::Saver saver(
      world, run.checkpoints(), attempt, tensors, host_state.division(),
      save_policy(recipe.checkpoint, mean_time_between_failures(run, attempt, ranks.nodes())),
      {.version = version(),
       .recipe_digest = record.recipe_digest,
       .model_digest = record.model_digest,
       .data_digest = record.data_digest,
       .adapter_config = adapter->config_json(record.model_path.string()),
       .recipe = alters},
      {.stop_signal =
           [&] {
             signs.enter(heartbeat::Phase::training);  // asked at every step edge
             return signs.stop_requested() ? SIGUSR2 : static_cast<int>(stop_signal);
           },
       .may_commit = [&] { rundir::check_generation(run, attempt); },
       .event = [&](const std::string& kind, ordered_json details) { run.try_event(kind, std::move(details)); },
       .saving = [&] { signs.enter(heartbeat::Phase::saving); },
       .snapshot = [&] { host_state.pull(); },
       .replica = [&] { return host_state.replica(); },
       .trace = profiling.sink()});
  if (resumed) saver.restored(state.step);
  const std::unique_ptr<objective::Objective> objective = objective::cross_entropy();
  const train::Parts parts{.model = *model,
                           .objective = *objective,
                           .parameters = parameters,
                           .training = *training,
                           .validation = validation ? &*validation : nullptr,
                           .group = world,
                           .gradients = gpus ? *gpus : world,
                           .on_step =
                               [&](const train::StepRecord& step) {
                                 signs.progress(step.step, heartbeat::Phase::evaluating);  // until the next one begins
                                 journal.step(step);
                               },
                           .on_eval = [&](const train::EvalRecord& eval) { journal.eval(eval); },
                           .shares = shares,
                           .moments = moments,
                           .saver = saver,
                           .restore_newest =
                               [&] {
                                 const auto back = resumer.restore_newest(tensors);
                                 after_reading();
                                 return back;
                               },
                           .on_finding =
                               [&](std::int64_t step, const train::Finding& finding) {
                                 if (world.is_root()) run.try_event("guard", event_of(step, finding));
                               },
                           .trace_of_step = [&](std::int64_t step) { return profiling.step(step); }};
  const train::Settings settings{.train = recipe.train,
                                 .optimizer = recipe.optimizer,
                                 .scheduler = recipe.scheduler,
                                 .evaluate = recipe.evaluate,
                                 .guard = recipe.guard,
                                 .packing = recipe.data.packing,
                                 .shuffle = recipe.data.shuffle,
                                 .max_length = recipe.data.max_length,
                                 .recompute = resolved.recompute};
  state = train::fit(parts, settings, std::move(state));
  profiling.end();

  // 6. The result: written by rank 0 once every rank has agreed, completed.json last of all.
  signs.enter(heartbeat::Phase::finishing);
  if (!parameters.has_all()) {
    parameters.keep_all();
    gather(parameters.flat());
  }
  common_digest(world, parameters.flat());
  journal.flush();
  comm::together(world, "writing the result", [&] {
    if (!world.is_root()) return;
    rundir::check_generation(run, attempt);
    adapter->save(run.adapter(), record.model_path.string());
    rundir::check_generation(run, attempt);
    run.write_completed({.steps = state.step,
                         .adapter_digest = digest_of_file(run.adapter() / "adapter_model.safetensors"),
                         .train_loss = state.last_loss,
                         .validation_loss_before = state.validation_before,
                         .validation_loss_after = state.validation_after,
                         .seconds = state.seconds,
                         .tokens = state.tokens,
                         .attempt = attempt,
                         .ranks = world.size(),
                         .finished = iso_time(unix_seconds())});
  });
  journal.end(state);
}

}  // namespace pst::app
