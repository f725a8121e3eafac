// SPDX-License-Identifier: Apache-2.0
#include "runs/run_plan.hpp"

#include <gmock/gmock.h>

#include "core/file.hpp"
#include "core/strings.hpp"
#include "families/read_model.hpp"
#include "methods/method.hpp"
#include "methods/peft_config.hpp"
#include "recipe/linear_layers.hpp"
#include "recipe/load.hpp"
#include "support/errors.hpp"
#include "support/temporary_directory.hpp"
#include "support/tiny_model.hpp"
#include "weights/safetensors.hpp"

namespace pst::runs {
namespace {

using ::testing::HasSubstr;

/// Writes an adapter of all linear layers for a model of `layers` layers.
void write_adapter(const fs::path& folder, const fs::path& like_model) {
  methods::Adapter adapter;
  const auto layers = recipe::linear_layers(families::read_model(like_model));
  std::vector<std::string> modules;
  std::vector<std::vector<float>> values;
  std::vector<weights::NewTensor> tensors;
  values.reserve(1000);
  for (const auto& adapted : methods::adapt(adapter, layers)) {
    modules.push_back(layers[adapted.layer].name);
    for (const auto& tensor : adapted.tensors) {
      values.emplace_back(static_cast<std::size_t>(tensor.shape[0] * tensor.shape[1]), 0.25F);
      tensors.push_back({cat(methods::kPeftPrefix, modules.back(), ".", tensor.name), "F32", tensor.shape,
                         std::as_bytes(std::span(values.back()))});
    }
  }
  make_directories(folder);
  write_durably(folder / "adapter_config.json", methods::peft_config_text(adapter, modules, "m"));
  weights::save_tensors(folder / "adapter_model.safetensors", tensors);
}

/// A recipe of a tiny model and data, and adapters for it and for a deeper model.
class Checked : public ::testing::Test {
 protected:
  void SetUp() override {
    fixture::write_tiny_model(dir_ / "m");
    fixture::write_tiny_model(dir_ / "deeper", {.layers = 3});
    write_adapter(dir_ / "fits", dir_ / "m");
    write_adapter(dir_ / "does-not", dir_ / "deeper");
    write_durably(dir_ / "d.jsonl", "{\"prompt\": \"one\", \"completion\": \"two\"}\n");
    write_durably(dir_ / "r.yaml", cat("name: x\nmodel: {path: ", (dir_ / "m").string(),
                                       "}\ndata: {train: [{path: ", (dir_ / "d.jsonl").string(),
                                       "}], max_length: 64}\noutput_dir: ", (dir_ / "runs").string(), "\n"));
  }
  RecipeSource with_start(const char* adapter) const {
    return {(dir_ / "r.yaml").string(), {cat("adapter.init_from=", (dir_ / adapter).string())}};
  }
  fixture::TemporaryDirectory dir_;
};

TEST_F(Checked, AnAdapterThatDoesNotFitIsFoundBeforeTheJob) {
  EXPECT_NO_THROW(check_all(with_start("fits")));
  EXPECT_NO_THROW(plan_run(with_start("fits")));
  for (const bool plan : {false, true})
    EXPECT_THAT(fixture::error_of(
                    Fault::data,
                    [&] { plan ? (void)plan_run(with_start("does-not")) : (void)check_all(with_start("does-not")); }),
                HasSubstr("adapts decoder layer 2, and the model's last one is 1"));
}

TEST_F(Checked, TheWordDefaultBecomesNames) {
  const RunPlan plan = plan_run({(dir_ / "r.yaml").string(), {"adapter.target_modules=default"}});

  EXPECT_THAT(plan.recipe.adapter.targeting.target_modules.names, testing::ElementsAre("q_proj", "v_proj"));
}

TEST_F(Checked, EveryRunOfASweepIsChecked) {
  const recipe::Recipe good = recipe::load(dir_ / "r.yaml", with_start("fits").overrides);
  const recipe::Recipe bad = recipe::load(dir_ / "r.yaml", with_start("does-not").overrides);
  PlanMemory memory;
  EXPECT_NO_THROW(check_one(good, memory));
  EXPECT_THAT(fixture::error_of(Fault::data, [&] { check_one(bad, memory); }), HasSubstr("adapts decoder layer 2"));
}

}  // namespace
}  // namespace pst::runs
