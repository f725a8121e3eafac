// SPDX-License-Identifier: Apache-2.0
#include "adapters/adapter_summary.hpp"

#include <gmock/gmock.h>

#include <cmath>
#include <cstring>
#include <limits>
#include <numeric>

#include "core/file.hpp"
#include "core/strings.hpp"
#include "source_tree.hpp"
#include "support/errors.hpp"
#include "support/temporary_directory.hpp"
#include "weights/safetensors.hpp"

namespace pst::adapters {
namespace {

using ::testing::AllOf;
using ::testing::Contains;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::StartsWith;

const fs::path kModels = fs::path(PST_SOURCE_DIR) / "tests/fixtures/models";

/// An adapter of one layer [4, 6] with rank 2, whose parts a test may change.
struct Stored {
  std::string config = R"({"peft_type": "LORA", "r": 2, "lora_alpha": 4, "target_modules": ["q_proj"]})";
  std::string module = "base_model.model.model.layers.0.self_attn.q_proj";
  std::vector<float> a = {1, 0, 0, 0, 0, 0, 0, 2, 0, 0, 0, 0}, b = {3, 0, 0, 5, 0, 0, 0, 0};

  void write(const fs::path& folder) const {
    write_durably(folder / "adapter_config.json", config);
    weights::save_tensors(folder / "adapter_model.safetensors",
                          {{module + ".lora_A.weight", "F32", {2, 6}, std::as_bytes(std::span(a))},
                           {module + ".lora_B.weight", "F32", {4, 2}, std::as_bytes(std::span(b))}});
  }
};

AdapterSummary look(const Stored& stored, const std::optional<fs::path>& model = {}) {
  const fixture::TemporaryDirectory folder;
  stored.write(folder.path());
  return inspect(folder.path(), model);
}

/// One A and B of all experts, by the sum that defines an expert's update.
TEST(InspectAdapter, GivesTheNormOfEachExpertsUpdate) {
  const fs::path folder = kModels / "qwen3_moe/experts";
  const AdapterSummary summary = inspect(folder, kModels / "qwen3_moe");
  EXPECT_THAT(summary.odd, IsEmpty());
  const auto store = weights::TensorStore::open(folder / "adapter_model.safetensors");
  constexpr std::int64_t kExperts = 5, kRank = 2, kIn = 12, kOut = 24, kExpert = 3;
  const auto values = [&](const char* name) {
    return reinterpret_cast<const float*>(
        store.get(std::string("base_model.model.model.layers.1.mlp.experts.lora_") + name + ".weight").bytes.data());
  };
  const float *const a = values("A"), *const b = values("B");
  double squares = 0;
  for (std::int64_t o = 0; o < kOut; ++o)
    for (std::int64_t i = 0; i < kIn; ++i) {
      double update = 0;
      for (std::int64_t k = 0; k < kRank; ++k)
        update += double{b[o * kRank * kExperts + k * kExperts + kExpert]} * a[(kExpert * kRank + k) * kIn + i];
      squares += 2.5 * 2.5 * update * update;  // alpha / r
    }
  const auto layer = std::find_if(summary.layers.begin(), summary.layers.end(),
                                  [](const auto& l) { return l.module == "model.layers.1.mlp.experts.down_proj[3]"; });
  ASSERT_NE(layer, summary.layers.end());
  EXPECT_EQ(layer->rank, kRank);
  EXPECT_NEAR(layer->norm, std::sqrt(squares), 1e-5 * std::sqrt(squares));
  EXPECT_EQ(summary.layers.size(), 3u * (1 + 2 * kExperts));
}

TEST(InspectAdapter, GivesTheNormAndSingularValuesOfALayersUpdate) {
  const AdapterSummary summary = look({});

  ASSERT_EQ(summary.layers.size(), 1u);
  const auto& layer = summary.layers.front();
  EXPECT_EQ(layer.module, "model.layers.0.self_attn.q_proj");
  EXPECT_EQ(layer.rank, 2);
  ASSERT_EQ(layer.singular.size(), 2u);
  EXPECT_NEAR(layer.singular[0], 20, 1e-12);  // alpha / r is 2: 2 * 5 * 2 and 2 * 3 * 1
  EXPECT_NEAR(layer.singular[1], 6, 1e-12);
  EXPECT_NEAR(layer.norm, std::sqrt(436), 1e-12);
  EXPECT_EQ(layer.energy_rank, 1);
  EXPECT_EQ(summary.values, 20);
  EXPECT_THAT(summary.odd, IsEmpty());
  EXPECT_THAT(to_text(summary), AllOf(HasSubstr("LORA: A low-rank update"), HasSubstr("lora_alpha      4"),
                                      HasSubstr("model.layers.0.self_attn.q_proj")));
  EXPECT_THAT(to_json(summary), AllOf(HasSubstr("\"singular_values\""), HasSubstr("\"llama.cpp\": true")));
}

TEST(InspectAdapter, ScalesByThePatternThatIsFirstInTheFile) {
  Stored stored;
  stored.config =
      R"({"peft_type": "LORA", "r": 2, "lora_alpha": 4, "target_modules": ["q_proj"], "use_rslora": false,
          "alpha_pattern": {"self_attn.q_proj": 2, "q_proj": 100}})";
  EXPECT_NEAR(look(stored).layers.at(0).singular.at(0), 10, 1e-12);
}

TEST(InspectAdapter, NamesWhatIsOdd) {
  Stored zeros;
  zeros.b.assign(8, 0);
  EXPECT_THAT(
      look(zeros).odd,
      AllOf(Contains(StartsWith("all values are zero: base_model.model.model.layers.0.self_attn.q_proj.lora_B")),
            Contains("layers that change nothing: model.layers.0.self_attn.q_proj")));

  Stored nan;
  nan.a[3] = std::numeric_limits<float>::quiet_NaN();
  EXPECT_THAT(look(nan).odd,
              Contains(AllOf(StartsWith("values that are no finite numbers: "), HasSubstr("lora_A.weight (value 3)"))));

  Stored named;
  named.module = "base_model.model.model.layers.0.self_attn.q_proj.default";
  EXPECT_THAT(look(named).odd, Contains(StartsWith("the adapter's own name is within names")));

  Stored bare;
  bare.module = "model.layers.0.self_attn.q_proj";
  EXPECT_THAT(look(bare).odd, Contains(StartsWith("names do not begin with base_model.model.: model.layers.0")));
}

TEST(InspectAdapter, ComparesNamesAndShapesWithAModel) {
  EXPECT_THAT(inspect(kModels / "llama/lora", kModels / "llama").odd, IsEmpty());
  Stored other;
  other.module = "base_model.model.model.layers.9.self_attn.q_proj";
  EXPECT_THAT(look(other, kModels / "llama").odd,
              AllOf(Contains(StartsWith("tensors that the model's adapter lacks: ")),
                    Contains(AllOf(StartsWith("names that are not of this model: "), HasSubstr("layers.9")))));
  EXPECT_THAT(look({}, kModels / "llama").odd, Contains(StartsWith("shapes that are not of this model: ")));
}

TEST(InspectAdapter, SaysWhatLoadsIt) {
  const auto lacks = [](const char* adapter, const char* program) {
    for (const Loader& loader : inspect(kModels / adapter, {}).loaders)
      if (loader.program == program) return loader.lacks;
    return std::string("?");
  };
  EXPECT_EQ(lacks("llama/lora", "vLLM"), "");
  EXPECT_THAT(lacks("llama/lora_dora", "llama.cpp"), HasSubstr("use_dora"));
  EXPECT_THAT(lacks("llama/lora_bias", "vLLM"), HasSubstr("lora_bias"));
  EXPECT_THAT(lacks("llama/lora_saved_modules", "vLLM"), HasSubstr("modules_to_save"));
  EXPECT_THAT(lacks("llama/ia3", "vLLM"), HasSubstr("of type ia3"));
  EXPECT_FALSE(inspect(kModels / "llama/prefix_tuning", {}).mergeable);
  EXPECT_TRUE(inspect(kModels / "llama/ia3", {}).mergeable);
}

TEST(InspectAdapter, ShowsEveryRecordedAdapter) {
  int seen = 0;
  for (const auto& model : fs::directory_iterator(kModels))
    for (const auto& adapter : fs::directory_iterator(model)) {
      if (!fs::exists(adapter.path() / "adapter_config.json")) continue;
      SCOPED_TRACE(adapter.path().string());
      const AdapterSummary summary = inspect(adapter.path(), model.path());
      EXPECT_EQ(summary.unread, "");
      EXPECT_THAT(to_text(summary), HasSubstr("tensors"));
      EXPECT_THAT(summary.odd, IsEmpty());
      ++seen;
    }
  EXPECT_GT(seen, 80);
}

TEST(InspectAdapter, ShowsATypeThatThisProgramCannotCompute) {
  Stored stored;
  stored.config = R"({"peft_type": "ADALORB", "r": 2, "strange": {"a": [1, 2]}})";
  const AdapterSummary summary = look(stored);
  EXPECT_THAT(summary.unread, HasSubstr("peft_type"));
  EXPECT_THAT(to_text(summary), AllOf(HasSubstr("ADALORB"), HasSubstr("{\"a\":[1,2]}"), HasSubstr("lora_A.weight")));
}

TEST(InspectAdapter, RefusesTornAndHostileFilesWithThePlace) {
  const fixture::TemporaryDirectory folder;
  const auto report = [&] { return fixture::error_of(Fault::data, [&] { inspect(folder.path(), {}); }); };
  EXPECT_THAT(report(), HasSubstr("there is no adapter_config.json"));
  Stored{}.write(folder.path());
  const std::string whole = read_file(folder / "adapter_model.safetensors");
  for (const std::size_t size : {std::size_t{0}, std::size_t{7}, std::size_t{40}, whole.size() / 2, whole.size() - 1}) {
    SCOPED_TRACE(size);
    write_durably(folder / "adapter_model.safetensors", whole.substr(0, size));
    EXPECT_THAT(report(), HasSubstr("adapter_model.safetensors"));
  }
  write_durably(folder / "adapter_model.safetensors", whole);
  write_durably(folder / "adapter_config.json", "{\"peft_type\": \"LORA\",\n \"r\": }");
  EXPECT_THAT(report(), HasSubstr("adapter_config.json:2:"));
  write_durably(folder / "adapter_config.json", "[]");
  EXPECT_THAT(report(), HasSubstr("adapter_config.json"));
  write_durably(folder / "adapter_config.json", "{\"peft_type\": 3}");
  EXPECT_THAT(report(), HasSubstr("adapter_config.json:1: 'peft_type'"));
}

TEST(InspectAdapter, TornLayersAreOddAndTheRestIsShown) {
  Stored stored;
  stored.config = R"({"peft_type": "LORA", "r": 2, "lora_alpha": -4, "target_modules": ["q_proj"]})";
  EXPECT_THAT(look(stored).unread, HasSubstr("lora_alpha"));
}

}  // namespace
}  // namespace pst::adapters
