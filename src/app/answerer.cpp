// SPDX-License-Identifier: Apache-2.0
#include "app/answerer.hpp"

#include <algorithm>
#include <filesystem>

#include "app/quantization.hpp"
#include "app/this_machine.hpp"
#include "core/error.hpp"
#include "families/folder.hpp"
#include "families/open_tokenizer.hpp"
#include "families/read_model.hpp"
#include "methods/peft_config.hpp"
#include "model/decoder.hpp"
#include "nn/frozen_storage.hpp"
#include "plan/memory.hpp"
#include "recipe/load.hpp"
#include "rundir/finished_adapter.hpp"
#include "weights/safetensors.hpp"

namespace pst::app {

namespace fs = std::filesystem;

/// Where everything is, and how the model was taught to be spoken to.
struct Answerer::Files {
  fs::path model;
  std::optional<fs::path> adapter;
  recipe::Quantization quantization;
  families::TokenizerPipeline pipeline;
  std::optional<std::string> chat_template, date;  // of a run's recipe
};

namespace {

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

families::ModelSpec checked_spec(const fs::path& model) {
  families::check_model(model);
  return families::read_model(model);
}

/// The tokens that an adapter was trained on.
families::TokenizerPipeline pipeline_of(const fs::path& adapter) {
  return families::pipeline_in(weights::TensorStore::open(adapter / "adapter_model.safetensors").metadata());
}

/// With the template and the day that the run was trained with: on another text the adapter is not what was taught.
data::ChatFormat format_of(const fs::path& model, const std::optional<std::string>& chat_template,
                           const std::optional<std::string>& date) {
  auto format = data::ChatFormat::load(model, chat_template);
  if (date) format.set_day(*date);
  return format;
}

}  // namespace

Answerer::Answerer(const Asked& asked)
    : files_([&]() -> std::unique_ptr<const Files> {
        if (asked.model)
          return std::make_unique<Files>(
              Files{.model = *asked.model,
                    .adapter = asked.adapter ? std::optional<fs::path>(*asked.adapter) : std::nullopt,
                    .quantization = as_stored(families::read_model(*asked.model)),
                    .pipeline = asked.adapter ? pipeline_of(*asked.adapter) : families::TokenizerPipeline::file,
                    .chat_template = {},
                    .date = {}});
        const rundir::RunDir run(*asked.run);
        const fs::path adapter = rundir::finished_adapter(run);
        const recipe::Recipe recipe = recipe::load(run.recipe());
        return std::make_unique<Files>(Files{.model = run.read_record().model_path,
                                             .adapter = adapter,
                                             .quantization = recipe.model.quantization,
                                             .pipeline = recipe.model.tokenizer,
                                             .chat_template = recipe.data.chat_template,
                                             .date = recipe.data.date});
      }()),
      device_(asked.device),
      spec_(checked_spec(files_->model)),
      tokenizer_(families::open_tokenizer(files_->model, files_->pipeline)),
      format_(format_of(files_->model, files_->chat_template, files_->date)) {}

Answerer::~Answerer() = default;

std::string Answerer::name() const {
  const fs::path folder = fs::absolute(files_->adapter.value_or(files_->model)).lexically_normal();
  return (folder.has_filename() ? folder : folder.parent_path()).filename().string();
}

std::vector<std::int32_t> Answerer::stop_ids() const {
  std::vector<std::int32_t> ids = spec_.eos_token_ids;
  if (const auto end = tokenizer_.id_of(format_.eos_token())) ids.push_back(*end);
  return ids;
}

const nn::CausalLm& Answerer::load(std::int64_t longest) {
  gpu_ = gpu_for(device_, spec_, files_->quantization);
  const at::Device device = gpu_ ? gpu_->device : at::Device(at::kCPU);
  const at::ScalarType dtype = gpu_ || has_fast_bf16() ? at::kBFloat16 : at::kFloat;
  const auto method = files_->adapter ? std::optional(methods::read_peft_config(*files_->adapter)) : std::nullopt;
  const auto positions = std::min(spec_.positions, longest + (method ? methods::virtual_rows(*method) : 0));
  quant::Options options = quant_options(files_->quantization, spec_, dtype);
  if (dtype == at::kFloat) options.kept = nn::Kept::as_stored;
  const std::shared_ptr<const nn::FrozenFormat> matrices = quant::make_format(options);
  model_ = model::load(spec_, families::open_weights(files_->model, spec_), dtype, matrices,
                       nn::replicated_storage_on(device), positions);
  if (method) {
    adapter_ = peft::make_adapter(*model_, *method, dtype, device);
    adapter_->load(*files_->adapter);
  }
  return *model_;
}

}  // namespace pst::app
