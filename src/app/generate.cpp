// SPDX-License-Identifier: Apache-2.0
#include "app/generate.hpp"

#include <filesystem>
#include <iostream>
#include <memory>

#include "app/quantization.hpp"
#include "app/this_machine.hpp"
#include "core/error.hpp"
#include "core/strings.hpp"
#include "core/time_limit.hpp"
#include "data/chat_format.hpp"
#include "families/folder.hpp"
#include "families/read_model.hpp"
#include "infer/generator.hpp"
#include "methods/peft_config.hpp"
#include "model/decoder.hpp"
#include "nn/frozen_storage.hpp"
#include "ops/torch_exec.hpp"
#include "peft/adapter.hpp"
#include "recipe/load.hpp"
#include "rundir/finished_adapter.hpp"
#include "tokenizer/tokenizer.hpp"
#include "weights/safetensors.hpp"

namespace pst::app {
namespace {

namespace fs = std::filesystem;

struct Folders {
  fs::path model;
  std::optional<fs::path> adapter;
  recipe::Quantization quantization;
};

Folders folders_of(const requests::GenerateRequest& request) {
  requests::check(request);
  if (request.model)
    return {*request.model, request.adapter ? std::optional<fs::path>(*request.adapter) : std::nullopt,
            as_stored(families::read_model(*request.model))};
  const rundir::RunDir run(*request.run);
  const fs::path adapter = rundir::finished_adapter(run);
  return {run.read_record().model_path, adapter, recipe::load(run.recipe()).model.quantization};
}

std::string conversation(const requests::GenerateRequest& request, const data::ChatFormat& format) {
  if (request.raw || !format.has_template()) return request.prompt;
  data::Json messages = data::Json::array();
  if (request.system) messages.push_back({{"role", "system"}, {"content", *request.system}});
  messages.push_back({{"role", "user"}, {"content", request.prompt}});
  return format.render(messages, nullptr, true);
}

}  // namespace

void generate(const requests::GenerateRequest& request) {
  end_after(request.time_limit_s,
            cat("the answer was not there within ", number(request.time_limit_s), " s (--time-limit)"),
            "a smaller --max-new-tokens, a model that fits into memory, or a longer --time-limit; 0 is none");
  const Folders folders = folders_of(request);
  ops::set_threads(usable_cores());
  families::check_model(folders.model);
  const families::ModelSpec spec = families::read_model(folders.model);
  const auto tokenizer = tokenizer::Tokenizer::load(folders.model);
  const auto format = data::ChatFormat::load(folders.model, std::nullopt);
  const std::vector<std::int32_t> prompt = tokenizer.encode(conversation(request, format));
  if (prompt.empty()) throw Error(Fault::usage, "the prompt is empty");

  const at::ScalarType dtype = has_fast_bf16() ? at::kBFloat16 : at::kFloat;
  const auto positions = std::min(spec.positions, static_cast<std::int64_t>(prompt.size()) + request.max_new_tokens);
  const std::shared_ptr<const nn::FrozenFormat> matrices =
      quant::make_format(quant_options(folders.quantization, spec, dtype));
  const auto model =
      model::load(spec, families::open_weights(folders.model, spec), dtype, matrices, nn::replicated_storage, positions);
  std::unique_ptr<peft::Adapter> adapter;
  if (folders.adapter) {
    adapter = peft::make_adapter(*model, methods::read_peft_config(*folders.adapter), dtype);
    adapter->load(*folders.adapter);
  }

  infer::Sampling sampling{.temperature = request.temperature,
                           .top_p = request.top_p,
                           .seed = request.seed,
                           .max_new_tokens = request.max_new_tokens,
                           .stop_ids = spec.eos_token_ids};
  if (const auto end = tokenizer.id_of(format.eos_token())) sampling.stop_ids.push_back(*end);
  infer::generate(*model, prompt, sampling, [&](std::int32_t token) {
    if (!tokenizer.is_special(token)) std::cout << tokenizer.bytes_of(token) << std::flush;
    return true;
  });
  std::cout << std::endl;
}

}  // namespace pst::app
