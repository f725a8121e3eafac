// SPDX-License-Identifier: Apache-2.0
#include "adapters/export_gguf.hpp"

#include <map>

#include "adapters/lora_layers.hpp"
#include "core/error.hpp"
#include "core/strings.hpp"
#include "families/family.hpp"
#include "families/gguf_names.hpp"
#include "families/read_model.hpp"
#include "gguf/gguf_tensors.hpp"
#include "gguf/gguf_writer.hpp"
#include "methods/lora.hpp"
#include "weights/dtype.hpp"
#include "weights/place.hpp"

namespace pst::adapters {
namespace {

[[noreturn]] void refuse(const std::string& reason, const std::string& remedy = {}) {
  throw Error(
      Fault::usage, reason,
      remedy.empty() ? "merge it into the model: peft-studio adapter merge; llama.cpp converts the result" : remedy);
}

/// The linear layers by name. @throws Error(usage) for a family that llama.cpp does not know
std::map<std::string, families::LinearPlace> layers_of(const families::ModelSpec& model) {
  std::map<std::string, families::LinearPlace> layers;
  for (const auto& place : families::linears_of(model)) layers[place.spec->name] = place;
  return layers;
}

std::vector<float> values_of(const weights::Tensor& tensor) {
  std::vector<float> values(static_cast<std::size_t>(tensor.count()));
  for (std::size_t i = 0; i < values.size(); ++i)
    values[i] = weights::value_at(tensor.bytes.data(), tensor.core_dtype(), i);
  return values;
}

void require_fit(const LoraLayer& layer, const families::LinearSpec& spec) {
  if (layer.in() != spec.in || layer.out() != spec.out)
    throw Error(Fault::data,
                cat("the adapter's ", layer.module, " is ", weights::shape_text({layer.out(), layer.in()}),
                    ", the model's ", weights::shape_text({spec.out, spec.in})),
                "take the model that the adapter was trained on");
}

/// B's rows as they lie in one of the tensors that have the matrix, times a factor.
gguf::NewTensor b_of(const LoraLayer& layer, const gguf::StoredMatrix& matrix, std::size_t piece, double factor) {
  const auto pieces = static_cast<std::int64_t>(matrix.tensors.size());
  const std::int64_t rows = layer.out() / pieces, rank = layer.rank();
  const std::vector<float> b = values_of(*layer.b);
  gguf::NewTensor tensor{matrix.tensors[piece] + ".lora_b", {rows, rank}, {}};
  for (std::int64_t row = 0; row < rows; ++row) {
    const std::int64_t in_piece = gguf::target_row(row, rows, matrix.rows, matrix.heads);
    const std::int64_t from = matrix.alternating ? in_piece * pieces + static_cast<std::int64_t>(piece)
                                                 : static_cast<std::int64_t>(piece) * rows + in_piece;
    for (std::int64_t i = 0; i < rank; ++i)
      tensor.values.push_back(static_cast<float>(factor * b[static_cast<std::size_t>(from * rank + i)]));
  }
  return tensor;
}

void add_layer(std::vector<gguf::NewTensor>& tensors, const LoraLayer& layer, const families::Family& family,
               const families::ModelSpec& model, double alpha) {
  const auto matrix = gguf::matrix_in_gguf(layer.module + ".weight", family, model);
  if (!matrix) refuse(cat("llama.cpp's files have no place for an update of ", layer.module));
  if (matrix->one_of_several)
    refuse(cat(layer.module, " is one of several experts, which lie in one tensor of llama.cpp's files"));
  // It multiplies with alpha / r, r being B's: what the adapter's scale is more than that goes into B.
  const double factor = layer.scale * static_cast<double>(layer.rank()) / alpha;
  for (std::size_t piece = 0; piece < matrix->tensors.size(); ++piece) {
    tensors.push_back({matrix->tensors[piece] + ".lora_a", layer.a->shape, values_of(*layer.a)});
    tensors.push_back(b_of(layer, *matrix, piece, factor));
  }
}

}  // namespace

void export_gguf(const std::filesystem::path& dir, const std::filesystem::path& model_dir,
                 const std::filesystem::path& to) {
  const AdapterFolder folder = AdapterFolder::open(dir);
  doing(cat("exporting the adapter ", dir.string(), " to ", to.string()), [&] {
    if (const std::string beyond = beyond_plain_lora(folder.needed()); !beyond.empty())
      refuse(cat("llama.cpp loads plain LoRA only, and this adapter ", beyond));
    const families::ModelSpec model = families::read_model(model_dir);
    const families::Family& family = *families::find(model.model_type);
    if (!family.gguf)
      refuse(cat("models of type ", model.model_type, " have no GGUF names here"),
             "`peft-studio model families` shows which have");
    const double alpha = folder.needed().as<methods::Lora>().alpha;
    const auto layers = layers_of(model);
    std::vector<gguf::NewTensor> tensors;
    for (const LoraLayer& layer : lora_layers(folder)) {
      if (layer.is_embedding)
        refuse(cat(layer.module, " is the embedding, whose update llama.cpp cannot tell from the head's"));
      const auto found = layers.find(layer.module);
      if (found == layers.end())
        throw Error(Fault::data, cat("the adapter adapts ", quoted(layer.module), ", which the model does not have"),
                    "take the model that the adapter was trained on");
      if (found->second.is_head && model.tied_head)
        refuse("the adapter adapts the output head, which is the embedding in this model and has no tensor of its own");
      require_fit(layer, *found->second.spec);
      add_layer(tensors, layer, family, model, alpha);
    }
    gguf::write_gguf(to,
                     {{"general.architecture", std::string(family.gguf->architecture)},
                      {"general.type", "adapter"},
                      {"adapter.type", "lora"},
                      {"adapter.lora.alpha", static_cast<float>(alpha)}},
                     tensors);
  });
}

}  // namespace pst::adapters
