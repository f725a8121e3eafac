// SPDX-License-Identifier: Apache-2.0
#include "app/merge.hpp"

#include <ATen/TensorOperators.h>
#include <ATen/ops/argmax.h>

#include <cmath>
#include <filesystem>
#include <iostream>

#include "adapters/adapter_folder.hpp"
#include "app/merged_values.hpp"
#include "app/quantization.hpp"
#include "app/this_machine.hpp"
#include "core/error.hpp"
#include "core/strings.hpp"
#include "core/time_limit.hpp"
#include "families/folder.hpp"
#include "families/read_model.hpp"
#include "methods/method.hpp"
#include "model/decoder.hpp"
#include "nn/batch.hpp"
#include "nn/frozen_storage.hpp"
#include "ops/torch_exec.hpp"
#include "peft/adapter.hpp"
#include "recipe/load.hpp"
#include "rundir/finished_adapter.hpp"
#include "weights/part_folder.hpp"

namespace pst::app {
namespace {

namespace fs = std::filesystem;

struct Sources {
  fs::path model, adapter;
  recipe::Quantization quantization;  ///< of the base that the adapter was trained on
};

/// The model that an adapter's config names, where it is a folder here.
fs::path model_of(const adapters::AdapterFolder& folder) {
  if (const auto named = folder.base_model()) return *named;
  const std::string name = folder.config->object().text("base_model_name_or_path").value_or("");
  throw Error(Fault::usage,
              cat("adapter_config.json names ", name.empty() ? "no model" : quoted(name), ", and ",
                  name.empty() ? "none is given" : "that is no model's folder here"),
              "say which folder it is: --model DIR");
}

Sources sources_of(const requests::MergeRequest& request) {
  Sources sources;
  if (request.run) {
    const rundir::RunDir run(*request.run);
    sources.adapter = rundir::finished_adapter(run);
    sources.model = request.model ? fs::path(*request.model) : fs::path(run.read_record().model_path);
    sources.quantization = recipe::load(run.recipe()).model.quantization;
  } else if (request.adapter) {
    sources.adapter = *request.adapter;
    sources.model = request.model ? fs::path(*request.model) : model_of(adapters::AdapterFolder::open(sources.adapter));
    sources.quantization = as_stored(families::read_model(sources.model));
  } else {
    throw Error(Fault::usage, "neither --run nor --adapter says what is merged");
  }
  return sources;
}

void require_mergeable(const methods::Adapter& adapter) {
  const std::string_view why = methods::kept_apart(adapter);
  if (why.empty()) return;
  throw Error(Fault::usage, cat("an adapter of type ", adapter.method->name, " cannot be merged: ", why),
              "use it beside the model, with PEFT");
}

/// Codes of MXFP4 have no numbers between them that updates could reach.
void require_numbers(const fs::path& folder, const families::ModelSpec& spec) {
  for (const auto& place : families::linears_of(spec))
    if (place.spec->weight_place && !place.spec->weight_place->exponents.empty())
      throw Error(Fault::usage,
                  cat(folder.string(), " keeps ", place.spec->name, " as MXFP4 codes, and cannot be merged into"),
                  "use the model's bf16 version");
}

std::unique_ptr<nn::CausalLm> load_model(const fs::path& folder, const families::ModelSpec& spec,
                                         const recipe::Quantization& quantization, std::int64_t positions) {
  const std::shared_ptr<const nn::FrozenFormat> matrices =
      quant::make_format(quant_options(quantization, spec, at::kFloat));
  return model::load(spec, families::open_weights(folder, spec), at::kFloat, matrices,
                     nn::replicated_storage_on(at::kCPU), std::min(spec.positions, positions));
}

/// Tokens whose rows the adapter trains, by its config.
std::vector<std::int32_t> trained_tokens(const adapters::AdapterFolder& folder) {
  std::vector<std::int64_t> ids;
  const auto add = [&](const json::Node& node) {
    const auto more = node.wholes();
    ids.insert(ids.end(), more.begin(), more.end());
  };
  const json::Object config = folder.config->object();
  for (const char* const key : {"token_indices", "trainable_token_indices"}) {
    const auto tokens = config.get(key);
    if (!tokens) continue;
    if (tokens->is_list()) {
      add(*tokens);
    } else {
      for (const auto& [module, list] : tokens->object().members()) add(list);
    }
  }
  return {ids.begin(), ids.end()};
}

/// `count` tokens that have nothing to do with one another; every second one is of those that are trained.
std::vector<std::int32_t> tokens_to_check(std::int64_t count, std::int64_t vocabulary,
                                          const std::vector<std::int32_t>& trained) {
  std::vector<std::int32_t> ids;
  for (std::int64_t i = 0; i < count; ++i)
    ids.push_back(i % 2 == 1 && !trained.empty() ? trained[static_cast<std::size_t>(i / 2) % trained.size()]
                                                 : static_cast<std::int32_t>((13 + 7919 * i) % vocabulary));
  return ids;
}

at::Tensor logits_of(const nn::CausalLm& model, const std::vector<std::int32_t>& ids) {
  const at::NoGradGuard no_gradients;
  const std::vector<std::uint8_t> labelled(ids.size(), 1);
  const nn::Batch batch = nn::make_batch({{ids, labelled}}, model.vocabulary());
  return model.logits(model.forward(batch, {}, nn::Recompute::nothing)).to(at::kFloat).clone();
}

double largest(const at::Tensor& values) { return values.abs().max().item().toDouble(); }

MergeCheck compared(const at::Tensor& base, const at::Tensor& adapted, const at::Tensor& merged) {
  return {.tokens = adapted.size(0),
          .same_choice = adapted.argmax(-1).eq(merged.argmax(-1)).sum().item().toLong(),
          .moved = largest(adapted - base),
          .apart = largest(merged - adapted),
          .size = largest(adapted)};
}

std::string percent(double share) { return share == 0 ? "none" : cat(fixed(100 * share, share < 0.01 ? 3 : 1), " %"); }

std::string short_number(double value) {
  char text[32];
  std::snprintf(text, sizeof text, "%.2g", value);
  return text;
}

}  // namespace

MergeResult merge(const requests::MergeRequest& request) {
  Sources sources = sources_of(request);
  return doing(cat("merging ", sources.adapter.string(), " into ", sources.model.string()), [&] {
    weights::refuse_used_folder(request.to);
    const auto folder = adapters::AdapterFolder::open(sources.adapter);
    require_mergeable(folder.needed());
    const families::ModelSpec spec = families::read_model(sources.model);
    require_numbers(sources.model, spec);
    families::check_model(sources.model);
    if (request.onto == "original") {
      if (spec.stored != weights::NumberFormat::none)
        throw Error(Fault::usage, cat(sources.model.string(), " is quantised: it has no original values"),
                    "--onto trained, or name the folder of the model's bf16 version with --model");
      sources.quantization = {};
    }
    const bool is_quantised = sources.quantization.format != weights::NumberFormat::none;
    const std::int64_t count = std::min(request.check_tokens, spec.positions),
                       positions = std::max<std::int64_t>(count, 1);
    const std::vector<std::int32_t> tokens = tokens_to_check(count, spec.vocabulary, trained_tokens(folder));

    MergeResult result;
    at::Tensor before, adapted;
    {
      const auto model = load_model(sources.model, spec, sources.quantization, positions);
      if (count > 0) before = logits_of(*model, tokens);
      const Unadapted unadapted(*model);
      const auto adapter = peft::make_adapter(*model, folder.needed(), at::kFloat, at::kCPU);
      adapter->load(sources.adapter);
      if (count > 0) adapted = logits_of(*model, tokens);
      const auto base = is_quantised ? load_model(sources.model, spec, sources.quantization, positions) : nullptr;
      auto changes = unadapted.changes(*model, spec, base.get());
      result.head_is_own = changes.own_head.has_value();
      result.rounding = adapters::write_merged_folder({.from = sources.model,
                                                       .to = request.to,
                                                       .model = spec,
                                                       .values = std::move(changes.values),
                                                       .own_head = std::move(changes.own_head)});
    }
    if (count > 0) {
      const families::ModelSpec merged = families::read_model(request.to);
      result.check = compared(before, adapted, logits_of(*load_model(request.to, merged, {}, positions), tokens));
    }
    return result;
  });
}

void merge_and_tell(const requests::MergeRequest& request) {
  end_after(request.time_limit_s, cat("merging took longer than ", number(request.time_limit_s), " s (--time-limit)"),
            "a longer --time-limit; 0 is none");
  ops::set_threads(usable_cores());
  const MergeResult result = merge(request);
  const adapters::Rounding& rounding = result.rounding;
  std::cout << "merged model in " << request.to << '\n';
  if (rounding.updated > 0)
    std::cout << grouped(rounding.updated) << " values change; rounded to the files' dtype, "
              << percent(static_cast<double>(rounding.lost) / static_cast<double>(rounding.updated))
              << " of these updates are lost, and of their norm "
              << percent(std::sqrt(rounding.lost_squares / rounding.update_squares)) << '\n';
  if (result.head_is_own)
    std::cout << "the output head was the embedding and is a matrix of its own now: tie_word_embeddings is false\n";
  if (const auto& check = result.check) {
    std::cout << "on " << check->tokens << " tokens the merged logits differ from base and adapter by at most "
              << short_number(check->apart) << ", where the adapter changes them by up to "
              << short_number(check->moved) << "; the most likely token is the same for " << check->same_choice
              << " of them\n";
    if (check->apart > 0.5 * check->moved && check->moved > 0)
      std::cout << "most of what was learned is lost to rounding: serve the adapter beside the model instead\n";
  }
}

}  // namespace pst::app
