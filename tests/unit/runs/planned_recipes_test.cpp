// SPDX-License-Identifier: Apache-2.0
// Every shipped recipe against the config.json of its model: it fits the hardware that its file name says.
#include <gmock/gmock.h>

#include "core/file.hpp"
#include "core/strings.hpp"
#include "families/read_model.hpp"
#include "plan/prediction.hpp"
#include "recipe/load.hpp"
#include "recipe/peft_reading.hpp"
#include "runs/plan_inputs.hpp"
#include "runs/run_plan.hpp"
#include "source_tree.hpp"

namespace pst::runs {
namespace {

constexpr double kGb = 1e9;

std::vector<fs::path> shipped_recipes() {
  std::vector<fs::path> files;
  for (const auto& entry : fs::recursive_directory_iterator(fs::path(PST_SOURCE_DIR) / "configs/recipes"))
    if (entry.path().extension() == ".yaml") files.push_back(entry.path());
  return files;
}

fs::path config_file(const std::string& model) {
  return fs::path(PST_SOURCE_DIR) / "tests/fixtures/configs" / (model + ".json");
}

families::ModelSpec config_of(const std::string& model) {
  return families::parse_model(read_file(config_file(model)), model);
}

/// The same where the file says that matrices are packed: as plain numbers.
families::ModelSpec unpacked(const std::string& model) {
  std::string text = read_file(config_file(model));
  const std::string key = "\"quantization_config\"";
  if (const auto at = text.find(key); at != std::string::npos) text.replace(at, key.size(), "\"_quantized\"");
  return families::parse_model(text, model);
}

plan::Machine with_memory(plan::Machine machine, double bytes) {
  machine.memory_bytes = static_cast<std::uint64_t>(bytes);
  return machine;
}

/// Of the last word of a recipe's name: "4xa100-40", "8xcpu", "2x4gpu".
plan::Machine machine_of(const std::string& hardware, const fs::path& file) {
  const std::string kind = hardware.substr(hardware.find('x') + 1);
  if (const auto published = plan::published_machine(kind)) return *published;
  if (kind == "24gb") return with_memory(*plan::published_machine("a100-40"), 24 * kGb);
  if (kind == "gpu" || kind == "4gpu")  // which ones, their first lines say
    return *plan::published_machine(read_file(file).find("94 GB") == std::string::npos ? "h100" : "gh200");
  if (kind == "cpu") return with_memory({.name = "a node without GPUs", .cores = 64}, 64 * kGb);
  if (kind == "laptop") return with_memory({.name = "a laptop", .cores = 4}, 8 * kGb);
  throw std::runtime_error(cat(file.string(), ": no machine is known for '", kind, "'"));
}

TEST(PlannedRecipes, FitTheHardwareOfTheirName) {
  const auto files = shipped_recipes();
  ASSERT_GT(files.size(), 24u);

  for (const fs::path& file : files) {
    SCOPED_TRACE(fs::relative(file, PST_SOURCE_DIR).string());
    const std::string stem = file.stem().string(), hardware = stem.substr(stem.rfind('_') + 1);
    const recipe::Recipe recipe = recipe::load(file);
    plan::Inputs in{.recipe = recipe,
                    .config = config_of(fs::path(recipe.model.path).filename().string()),
                    .work = full_work(recipe, 100),
                    .machine = machine_of(hardware, file)};

    EXPECT_NO_THROW(recipe::check_ranks(recipe, recipe.slurm.nodes * recipe.slurm.ranks_per_node));
    EXPECT_NO_THROW(check_fit(recipe, in.config));
    EXPECT_THAT(recipe::misread_targets(recipe.adapter, in.config), testing::IsEmpty());
    EXPECT_EQ(recipe.train.device == recipe::DeviceChoice::cuda, in.machine.is_gpu);
    std::vector<plan::Decision> decisions;
    const plan::Prediction planned = plan::predict(in, plan::choice_of(in, decisions));
    EXPECT_TRUE(planned.fits) << planned.memory.peak() / kGb << " GB of " << planned.memory_limit / kGb;
  }
}

/// A GPU's name comes with how many of them: the recipe asks for that.
TEST(PlannedRecipes, AskForTheGpusOfTheirName) {
  for (const fs::path& file : shipped_recipes()) {
    const std::string stem = file.stem().string(), hardware = stem.substr(stem.rfind('_') + 1);
    const std::string kind = hardware.substr(hardware.find('x') + 1);
    if (kind != "24gb" && !plan::published_machine(kind)) continue;
    SCOPED_TRACE(fs::relative(file, PST_SOURCE_DIR).string());
    const recipe::Recipe recipe = recipe::load(file);

    EXPECT_EQ(cat(recipe.slurm.nodes * recipe.slurm.gpus_per_node.value_or(0), "x", kind), hardware);
    EXPECT_EQ(recipe.slurm.ranks_per_node, recipe.slurm.gpus_per_node);
  }
}

struct Published {
  const char* name;
  std::int64_t parameters;
};

/// Values of the tensors in their published files; a tied head counts once, an image tower does not.
TEST(PlannedRecipes, TheConfigsAreThoseOfTheModels) {
  for (const auto& [name, parameters] : {Published{"gemma-2-9b-it", 9'241'705'984},
                                         {"gemma-3-270m-it", 268'098'176},
                                         {"gemma-3-1b-it", 999'885'952},
                                         {"gemma-3-4b-it", 3'880'263'168},
                                         {"gemma-3-12b-it", 11'766'034'176},
                                         {"gemma-3-27b-it", 27'009'346'304},
                                         {"gemma-4-e2b-it", 4'628'569'379},
                                         {"gemma-4-e4b-it", 7'463'013'418},
                                         {"gemma-4-26b-a4b-it", 25'233'141'790},
                                         {"ministral-3-8b-instruct-2512", 8'489'553'920},
                                         {"gpt-oss-20b", 20'914'757'184},
                                         {"gpt-oss-120b", 116'829'156'672},
                                         {"granite-3.3-2b-instruct", 2'533'539'840},
                                         {"granite-3.3-8b-instruct", 8'170'864'640},
                                         {"llama-3.1-8b-instruct", 8'030'261'248},
                                         {"llama-3.1-70b-instruct", 70'553'706'496},
                                         {"llama-3.2-1b-instruct", 1'235'814'400},
                                         {"llama-3.2-3b-instruct", 3'212'749'824},
                                         {"ministral-8b-instruct-2410", 8'019'808'256},
                                         {"mistral-7b-instruct-v0.3", 7'248'023'552},
                                         {"mistral-nemo-instruct-2407", 12'247'782'400},
                                         {"mistral-small-24b-instruct-2501", 23'572'403'200},
                                         {"phi-4", 14'659'507'200},
                                         {"phi-4-mini-instruct", 3'836'021'760},
                                         {"qwen2.5-1.5b-instruct", 1'543'714'304},
                                         {"qwen2.5-7b-instruct", 7'615'616'512},
                                         {"qwen3-0.6b", 596'049'920},
                                         {"qwen3-1.7b", 1'720'574'976},
                                         {"qwen3-4b", 4'022'468'096},
                                         {"qwen3-8b", 8'190'735'360},
                                         {"qwen3-14b", 14'768'307'200},
                                         {"qwen3-32b", 32'762'123'264},
                                         {"qwen3-30b-a3b", 30'532'122'624},
                                         {"qwen3.5-4b", 4'205'751'296},
                                         {"smollm2-135m", 134'515'008},
                                         {"smollm2-360m", 361'821'120},
                                         {"smollm2-1.7b", 1'711'376'384},
                                         {"smollm3-3b", 3'075'098'624},
                                         {"tinyllama-1.1b", 1'100'048'384}}) {
    std::int64_t values = 0;
    for (const families::TensorSpec& tensor : families::tensors_of(unpacked(name))) {
      std::int64_t count = 1;
      for (const std::int64_t size : tensor.shape) count *= size;
      values += count;
    }
    EXPECT_EQ(values, parameters) << name;
  }
}

}  // namespace
}  // namespace pst::runs
