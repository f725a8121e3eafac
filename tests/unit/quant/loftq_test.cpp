// SPDX-License-Identifier: Apache-2.0
// LoftQ's start over quantised matrices: what quantising has lost, as near as the rank allows.
#include <ATen/ops/linalg_svd.h>
#include <gmock/gmock.h>

#include "families/read_model.hpp"
#include "methods/peft_config.hpp"
#include "model/decoder.hpp"
#include "model/stored_matrices.hpp"
#include "peft/adapter.hpp"
#include "quant/format.hpp"
#include "support/adapter_pass.hpp"
#include "support/temporary_directory.hpp"

namespace pst::quant {
namespace {

using weights::NumberFormat;

struct Started {
  fixture::TemporaryDirectory dir;
  families::ModelSpec spec;
  std::shared_ptr<const weights::TensorStore> files;
  std::unique_ptr<nn::CausalLm> base, model;
  std::unique_ptr<peft::Adapter> adapter;

  explicit Started(NumberFormat format, const std::vector<std::string>& skip = {}) {
    fixture::write_tiny_model(dir / "model", fixture::awkward_model(1));
    spec = families::read_model(dir / "model");
    files = std::make_shared<const weights::TensorStore>(weights::TensorStore::open(dir / "model"));
    for (auto* const made : {&base, &model})
      *made = model::load(
          spec, *files, at::kFloat, make_format({.format = format, .skip = skip}),
          [](const nn::FrozenLayout& layout) { return nn::replicated_storage(layout); }, 64);
    // A scale that is not 1: it is part of the update.
    const auto recipe = fixture::lora({.r = 4,
                                       .alpha = 6,
                                       .init_lora_weights = methods::LoraInit::loftq,
                                       .loftq_config = {.loftq_bits = format == NumberFormat::nf4 ? 4 : 8}});
    adapter = peft::make_adapter(*model, recipe, at::kFloat);
    adapter->set_stored_matrices(model::stored_matrices(spec, files));
    adapter->initialise(1);
  }
  static at::Tensor matrix(nn::CausalLm& of, std::size_t place) {
    return (*of.linears()[place].linear)->weight(at::kFloat).clone();
  }
};

double size(const at::Tensor& values) { return values.to(at::kDouble).square().sum().sqrt().item().toDouble(); }

TEST(Loftq, AddsTheNearestMatrixToWhatWasLost) {
  for (const auto format : {NumberFormat::nf4, NumberFormat::int8}) {
    SCOPED_TRACE(weights::name_of(format));
    Started of(format);
    const auto stored = model::stored_matrices(of.spec, of.files);
    const auto slots = of.model->linears();
    for (std::size_t i = 0; i < slots.size(); ++i) {
      if (slots[i].is_output_head) continue;
      SCOPED_TRACE(slots[i].name);
      const at::Tensor quantised = Started::matrix(*of.base, i), lost = stored(slots[i].name) - quantised,
                       update = Started::matrix(*of.model, i) - quantised;
      // The nearest matrix of rank 4: Eckart and Young 1936.
      const auto [u, s, v] = at::linalg_svd(lost.to(at::kDouble), false);
      const at::Tensor nearest = (u.narrow(1, 0, 4) * s.narrow(0, 0, 4)).mm(v.narrow(0, 0, 4));
      EXPECT_GT(size(nearest), 0.2 * size(lost));
      EXPECT_LT(size(update.to(at::kDouble) - nearest), 1e-4 * size(nearest));
      EXPECT_LT(size(lost - update), size(lost)) << "nearer to the files than what is quantised alone";
    }
  }
}

TEST(Loftq, StartsALayerThatStaysAsItIsInTheUsualWay) {
  const Started of(NumberFormat::nf4, {"o_proj"});
  for (const auto& parameter : of.adapter->parameters().all()) {
    const bool is_b = parameter.name.ends_with("lora_B.weight");
    const bool is_dense = parameter.name.find("o_proj") != parameter.name.npos;
    EXPECT_EQ(size(parameter.value.detach()) == 0, is_b && is_dense) << parameter.name;
  }
}

TEST(Loftq, WritesAPlainAdapter) {
  const Started of(NumberFormat::nf4);
  of.adapter->save(of.dir / "adapter", "m");
  const auto read = methods::read_peft_config(of.dir / "adapter");
  EXPECT_EQ(read.as<methods::Lora>().init_lora_weights, methods::LoraInit::kaiming);
  EXPECT_EQ(read.as<methods::Lora>().r, 4);
}

}  // namespace
}  // namespace pst::quant
