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
#include "ops/gpu.hpp"
#include "ops/torch_exec.hpp"
#include "peft/adapter.hpp"
#include "plan/memory.hpp"
#include "recipe/load.hpp"
#include "rundir/finished_adapter.hpp"
#include "tokenizer/tokenizer.hpp"
#include "weights/safetensors.hpp"

namespace pst::app {
namespace {

namespace fs = std::filesystem;

/// What answers, and how it was taught to be spoken to.
struct Answerer {
  fs::path model;
  std::optional<fs::path> adapter;
  recipe::Quantization quantization;
  std::optional<std::string> chat_template, date;  ///< of a run's recipe
};

Answerer answerer_of(const requests::GenerateRequest& request) {
  requests::check(request);
  if (request.model)
    return {.model = *request.model,
            .adapter = request.adapter ? std::optional<fs::path>(*request.adapter) : std::nullopt,
            .quantization = as_stored(families::read_model(*request.model)),
            .chat_template = {},
            .date = {}};
  const rundir::RunDir run(*request.run);
  const fs::path adapter = rundir::finished_adapter(run);
  const recipe::Recipe recipe = recipe::load(run.recipe());
  return {.model = run.read_record().model_path,
          .adapter = adapter,
          .quantization = recipe.model.quantization,
          .chat_template = recipe.data.chat_template,
          .date = recipe.data.date};
}

/// With the template and the day that the run was trained with: on another text the adapter is not what was taught.
data::ChatFormat format_of(const Answerer& answerer) {
  auto format = data::ChatFormat::load(answerer.model, answerer.chat_template);
  if (answerer.date) format.set_day(*answerer.date);
  return format;
}

/// `auto` has to fit the frozen weights beside the 10 % that libraries and the conversation take; what does not is
/// computed on the CPU, slower.
bool fits(const families::ModelSpec& spec, const recipe::Quantization& quantization, const CudaDevice& gpu) {
  const auto shape = plan::shape_of(spec, {}, static_cast<int>(spec.positions), quantization);
  return shape.frozen_bytes(plan::Dtype::bf16) < 0.9 * static_cast<double>(gpu.memory_bytes);
}

std::optional<ops::Gpu> gpu_for(const std::string& device, const families::ModelSpec& spec,
                                const recipe::Quantization& quantization) {
  if (device == "cpu") return std::nullopt;
  if (device == "auto") {
    try {
      if (!fits(spec, quantization, ops::look_for_gpu(0))) return std::nullopt;
    } catch (const Error&) {
      return std::nullopt;
    }
  }
  return ops::open_gpu(0);
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
  const Answerer answerer = answerer_of(request);
  ops::set_threads(usable_cores());
  families::check_model(answerer.model);
  const families::ModelSpec spec = families::read_model(answerer.model);
  const auto tokenizer = tokenizer::Tokenizer::load(answerer.model);
  const auto format = format_of(answerer);
  const std::vector<std::int32_t> prompt = tokenizer.encode(conversation(request, format));
  if (prompt.empty()) throw Error(Fault::usage, "the prompt is empty");

  const std::optional<ops::Gpu> gpu = gpu_for(request.device, spec, answerer.quantization);
  const at::Device device = gpu ? gpu->device : at::Device(at::kCPU);
  const at::ScalarType dtype = gpu || has_fast_bf16() ? at::kBFloat16 : at::kFloat;
  const auto recipe = answerer.adapter ? std::optional(methods::read_peft_config(*answerer.adapter)) : std::nullopt;
  const auto positions = std::min(spec.positions, static_cast<std::int64_t>(prompt.size()) + request.max_new_tokens +
                                                      (recipe ? methods::virtual_rows(*recipe) : 0));
  const std::shared_ptr<const nn::FrozenFormat> matrices =
      quant::make_format(quant_options(answerer.quantization, spec, dtype));
  const auto model = model::load(spec, families::open_weights(answerer.model, spec), dtype, matrices,
                                 nn::replicated_storage_on(device), positions);
  std::unique_ptr<peft::Adapter> adapter;
  if (recipe) {
    adapter = peft::make_adapter(*model, *recipe, dtype, device);
    adapter->load(*answerer.adapter);
  }

  infer::Sampling sampling{.temperature = request.temperature,
                           .top_p = request.top_p,
                           .seed = request.seed,
                           .max_new_tokens = request.max_new_tokens,
                           .stop_ids = spec.eos_token_ids};
  if (const auto end = tokenizer.id_of(format.eos_token())) sampling.stop_ids.push_back(*end);
  infer::generate(
      *model, prompt, sampling,
      [&](std::int32_t token) {
        if (!tokenizer.is_special(token)) std::cout << tokenizer.bytes_of(token) << std::flush;
        return true;
      },
      device);
  std::cout << std::endl;
}

}  // namespace pst::app
