// SPDX-License-Identifier: Apache-2.0
#include "adapters/arithmetic.hpp"

#include <algorithm>
#include <cmath>
#include <map>

#include "adapters/lora_layers.hpp"
#include "adapters/lora_writer.hpp"
#include "core/error.hpp"
#include "core/strings.hpp"
#include "families/tokenizer_pipeline.hpp"
#include "weights/dtype.hpp"

namespace pst::adapters {
namespace {

AdapterFolder open_plain(const std::filesystem::path& dir) {
  AdapterFolder folder = AdapterFolder::open(dir);
  if (const std::string beyond = beyond_plain_lora(folder.needed()); !beyond.empty())
    throw Error(Fault::usage, cat("only plain LoRA can be computed with, and ", dir.string(), " ", beyond));
  return folder;
}

Columns times(Columns m, double factor) {
  for (auto& column : m.of)
    for (double& value : column) value *= factor;
  return m;
}

void append(Columns& to, Columns more) {
  to.rows = more.rows;
  for (auto& column : more.of) to.of.push_back(std::move(column));
}

void add(Columns& to, const Columns& more) {
  for (std::size_t j = 0; j < to.count(); ++j)
    for (std::size_t i = 0; i < to.rows; ++i) to.of[j][i] += more.of[j][i];
}

/// A layer of one of the adapters, with what its update is multiplied with.
struct Part {
  LoraLayer layer;
  double weight;  ///< the adapter's, times the layer's scale
};

/// By module. @throws Error(data) when the adapters are of different models
std::map<std::string, std::vector<Part>> parts_of(const std::vector<AdapterFolder>& folders,
                                                  const std::vector<Weighted>& adapters) {
  std::map<std::string, std::vector<Part>> parts;
  for (std::size_t i = 0; i < folders.size(); ++i)
    for (const LoraLayer& layer : lora_layers(folders[i])) {
      auto& of = parts[layer.module];
      if (!of.empty() && (of.front().layer.out() != layer.out() || of.front().layer.in() != layer.in()))
        throw Error(Fault::data,
                    cat("the update of ", layer.module, " is ", weights::shape_text({layer.out(), layer.in()}), " in ",
                        folders[i].dir.string(), ", and ",
                        weights::shape_text({of.front().layer.out(), of.front().layer.in()}), " in another"),
                    "combine adapters of one model");
      of.push_back({layer, adapters[i].weight * layer.scale});
    }
  return parts;
}

/// All next to one another: the update is their sum.
NewLayer side_by_side(const std::string& module, const std::vector<Part>& parts) {
  NewLayer made{module, parts.front().layer.is_embedding, {}, {}};
  for (const Part& part : parts) {
    append(made.a_ir, times(part.layer.columns_of_a(), part.weight));
    append(made.b_or, part.layer.columns_of_b());
  }
  return made;
}

NewLayer added(const std::string& module, const std::vector<Part>& parts) {
  NewLayer made{module, parts.front().layer.is_embedding, {}, {}};
  for (const Part& part : parts) {
    if (part.layer.rank() != parts.front().layer.rank())
      throw Error(Fault::usage,
                  cat("the updates of ", module, " have ranks ", parts.front().layer.rank(), " and ", part.layer.rank(),
                      ", which `linear` cannot add"),
                  "--how cat or --how svd");
    const double root = std::sqrt(std::abs(part.weight));
    Columns a = times(part.layer.columns_of_a(), part.weight < 0 ? -root : root);
    Columns b = times(part.layer.columns_of_b(), root);
    if (made.a_ir.of.empty()) {
      made.a_ir = std::move(a);
      made.b_or = std::move(b);
    } else {
      add(made.a_ir, a);
      add(made.b_or, b);
    }
  }
  return made;
}

/// The first `rank` singular values of an update, as B = U diag(s) and A = V^T.
NewLayer cut(NewLayer layer, Svd svd, std::size_t rank) {
  rank = std::clamp<std::size_t>(rank, 1, svd.s.size());
  svd.u.of.resize(rank);
  svd.v.of.resize(rank);
  for (std::size_t k = 0; k < rank; ++k)
    for (double& value : svd.u.of[k]) value *= svd.s[k];
  layer.b_or = std::move(svd.u);
  layer.a_ir = std::move(svd.v);
  return layer;
}

double squares(const std::vector<double>& values, std::size_t count) {
  double sum = 0;
  for (std::size_t i = 0; i < std::min(count, values.size()); ++i) sum += values[i] * values[i];
  return sum;
}

std::int64_t values_of(const Columns& a, const Columns& b) {
  return static_cast<std::int64_t>(a.rows * a.count() + b.rows * b.count());
}

families::TokenizerPipeline tokens_of(const AdapterFolder& folder) {
  return families::pipeline_in(folder.tensors.metadata());
}

}  // namespace

std::vector<std::pair<const char*, Combination>> words_of(Combination) {
  return {{"cat", Combination::cat}, {"linear", Combination::linear}, {"svd", Combination::svd}};
}

void combine(const std::vector<Weighted>& adapters, Combination how, std::optional<std::int64_t> rank,
             const std::filesystem::path& to) {
  if (adapters.size() < 2) throw Error(Fault::usage, "there is one adapter, and nothing to combine it with");
  std::vector<AdapterFolder> folders;
  for (const Weighted& of : adapters) folders.push_back(open_plain(of.adapter));
  for (const AdapterFolder& folder : folders)
    if (tokens_of(folder) != tokens_of(folders.front()))
      throw Error(Fault::usage,
                  cat(folders.front().dir.string(), " and ", folder.dir.string(),
                      " were trained on tokens of different kinds (model.tokenizer)"),
                  "combine adapters of runs with the same model.tokenizer");
  doing(cat("combining adapters into ", to.string()), [&] {
    std::vector<NewLayer> layers;
    for (const auto& [module, parts] : parts_of(folders, adapters)) {
      if (how == Combination::linear) {
        layers.push_back(added(module, parts));
        continue;
      }
      NewLayer layer = side_by_side(module, parts);
      if (how == Combination::svd) {
        std::int64_t most = 0;
        for (const Part& part : parts) most = std::max(most, part.layer.rank());
        Svd svd = svd_of_product(layer.b_or, layer.a_ir);
        layer = cut(std::move(layer), std::move(svd), static_cast<std::size_t>(rank.value_or(most)));
      }
      layers.push_back(std::move(layer));
    }
    write_lora(folders.front(), layers, to);
  });
}

Resized resize(const std::filesystem::path& adapter, std::int64_t rank, double energy,
               const std::filesystem::path& to) {
  const AdapterFolder folder = open_plain(adapter);
  return doing(cat("resizing the adapter ", adapter.string()), [&] {
    Resized resized;
    std::vector<NewLayer> layers;
    double all = 0, kept = 0;
    for (const LoraLayer& of : lora_layers(folder)) {
      NewLayer layer{of.module, of.is_embedding, times(of.columns_of_a(), of.scale), of.columns_of_b()};
      resized.before += values_of(layer.a_ir, layer.b_or);
      Svd svd = svd_of_product(layer.b_or, layer.a_ir);
      const double whole = squares(svd.s, svd.s.size());
      auto size = static_cast<std::size_t>(rank);
      for (std::size_t enough = 1; enough < size && energy < 1; ++enough)
        if (squares(svd.s, enough) >= energy * whole) size = enough;
      const double stays = squares(svd.s, size);
      all += whole;
      kept += stays;
      if (whole > 0 && stays / whole < resized.worst_kept) {
        resized.worst_kept = stays / whole;
        resized.worst = of.module;
      }
      layers.push_back(cut(std::move(layer), std::move(svd), size));
      resized.after += values_of(layers.back().a_ir, layers.back().b_or);
    }
    resized.kept = all > 0 ? kept / all : 1;
    write_lora(folder, layers, to);
    return resized;
  });
}

}  // namespace pst::adapters
