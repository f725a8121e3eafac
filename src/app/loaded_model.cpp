// SPDX-License-Identifier: Apache-2.0
#include "app/loaded_model.hpp"

#include "app/data_start.hpp"
#include "app/quantization.hpp"
#include "core/error.hpp"
#include "core/strings.hpp"
#include "families/open_tokenizer.hpp"
#include "families/read_model.hpp"
#include "methods/method.hpp"
#include "model/decoder.hpp"
#include "model/stored_matrices.hpp"
#include "parallel/sharded_storage.hpp"
#include "tokenizer/tokenizer.hpp"
#include "weights/safetensors.hpp"

namespace pst::app {
namespace {

/// The ranks of `group` that share one copy of the frozen weights; nothing where each has its own. Collective.
/// @param node_root  tells nodes apart
std::unique_ptr<comm::Communicator> weights_group(comm::Communicator& group, int node_root, recipe::Strategy strategy) {
  std::unique_ptr<comm::Communicator> sharers;
  if (strategy == recipe::Strategy::shard) sharers = group.split("weights", 0);
  if (strategy == recipe::Strategy::hybrid) sharers = group.split("weights of a node", node_root);
  if (sharers && sharers->size() == 1) sharers.reset();
  return sharers;
}

/// The adapter's keys, and the tokens of its start text as PEFT makes them: with those that the tokenizer puts around a
/// text.
methods::Adapter with_start_tokens(const Run& run) {
  methods::Adapter adapter = run.recipe.adapter;
  const auto text = adapter.method->start_text ? adapter.method->start_text(adapter) : std::nullopt;
  if (!text) return adapter;
  const auto tokenizer = families::open_tokenizer(run.record.model_path, run.recipe.model.tokenizer);
  for (const auto& piece : tokenizer.encode_pieces(*text, tokenizer::Around::special_tokens))
    adapter.start_tokens.push_back(piece.id);
  if (adapter.start_tokens.empty())
    throw Error(Fault::usage, "adapter.prompt_tuning_init_text has no token", "write a text of at least one word");
  return adapter;
}

/// The files are opened for the first that is asked for.
peft::Adapter::StoredMatrices stored_matrices_of(const Run& run) {
  return [&run, matrices = peft::Adapter::StoredMatrices()](const std::string& layer) mutable {
    if (!matrices)
      matrices = model::stored_matrices(run.model, std::make_shared<const weights::TensorStore>(
                                                       families::open_weights(run.record.model_path, run.model)));
    return matrices(layer);
  };
}

}  // namespace

LoadedModel::LoadedModel(const Run& run, const Hardware& hardware, const Ranks& ranks,
                         const std::function<void()>& alive) {
  const Resolved& resolved = hardware.resolved;
  sharers_ = weights_group(ranks.world, ranks.node_root, resolved.strategy);
  if (hardware.gpus) links_ = weights_group(*hardware.gpus, ranks.node_root, resolved.strategy);
  const nn::MakeStorage storage = [&](const nn::FrozenLayout& layout) {
    return sharers_ ? parallel::sharded_storage(layout, *sharers_, links_.get())
                    : nn::replicated_storage_on(resolved.device)(layout);
  };
  const at::ScalarType compute = resolved.bf16 ? at::kBFloat16 : at::kFloat;
  comm::together(ranks.world, cat("loading the model ", run.record.model_path.string()), [&] {
    const std::shared_ptr<const nn::FrozenFormat> matrices =
        quant::make_format(quant_options(run.recipe.model.quantization, run.model, compute));
    model_ = model::load(run.model, families::open_weights(run.record.model_path, run.model), compute, matrices,
                         storage, run.recipe.data.max_length + methods::virtual_rows(run.recipe.adapter),
                         run.recipe.train.neftune_noise_alpha);
    const methods::Adapter adapter = with_data_start(with_start_tokens(run), run, hardware, ranks, *model_, alive);
    adapter_ = peft::make_adapter(*model_, adapter, compute, resolved.device);
    adapter_->set_stored_matrices(stored_matrices_of(run));
    adapter_->initialise(run.recipe.train.seed);
    adapter_->set_stored_matrices({});
    if (run.recipe.adapter.init_from) adapter_->load(*run.recipe.adapter.init_from);
  });
}

}  // namespace pst::app
