// SPDX-License-Identifier: Apache-2.0
#include "methods/start.hpp"

#include <gmock/gmock.h>

#include <limits>
#include <nlohmann/json.hpp>

#include "core/file.hpp"
#include "core/strings.hpp"
#include "methods/loha.hpp"
#include "methods/method.hpp"
#include "methods/peft_config.hpp"
#include "support/adapters.hpp"
#include "support/errors.hpp"
#include "support/temporary_directory.hpp"
#include "weights/safetensors.hpp"

namespace pst::methods {
namespace {

using ::testing::AllOf;
using ::testing::HasSubstr;

/// A model of `count` decoder layers with two linear layers each.
std::vector<LinearLayer> model_of(int count) {
  std::vector<LinearLayer> layers;
  for (int i = 0; i < count; ++i)
    for (const char* const name : {"self_attn.q_proj", "mlp.down_proj"})
      layers.push_back({cat("model.layers.", i, ".", name), 6, 4, false});
  layers.push_back({"lm_head", 10, 4, true});
  return layers;
}

/// The folder of an adapter as this program writes it, whose names, values and config a test may change.
struct Stored {
  Adapter adapter = fixture::lora({.r = 2, .alpha = 4});
  std::vector<LinearLayer> model = model_of(2);
  std::function<std::string(const std::string&)> renamed = [](const std::string& name) { return name; };
  std::function<void(json::Value&)> config = [](json::Value&) {};
  std::function<void(std::string&)> text = [](std::string&) {};
  std::function<void(std::vector<float>&)> values = [](std::vector<float>&) {};

  void write(const fs::path& folder) const {
    std::vector<std::string> modules;
    std::vector<weights::NewTensor> tensors;
    std::vector<std::vector<float>> content;
    content.reserve(100);
    for (const Adapted& adapted : adapt(adapter, model)) {
      modules.push_back(model[adapted.layer].name);
      for (const AdapterTensor& tensor : adapted.tensors) {
        const std::string name = renamed(cat(kPeftPrefix, modules.back(), ".", tensor.name));
        if (name.empty()) continue;
        content.emplace_back(static_cast<std::size_t>(tensor.shape[0] * tensor.shape[1]), 0.5F);
        if (content.size() == 2) values(content.back());
        tensors.push_back({name, "F32", tensor.shape, std::as_bytes(std::span(content.back()))});
      }
    }
    auto changed = json::parse(peft_config_text(adapter, modules, "m"), "config");
    config(changed);
    std::string written = changed.dump(1);
    text(written);
    fs::create_directories(folder);
    write_durably(folder / "adapter_config.json", written);
    weights::save_tensors(folder / "adapter_model.safetensors", tensors);
  }
};

void check(const Stored& stored, const Adapter& wanted) {
  const fixture::TemporaryDirectory folder;
  stored.write(folder.path());
  check_start(folder.path(), wanted, model_of(2));
}

std::string refusal(Fault fault, const Stored& stored, const Adapter& wanted = fixture::lora({.r = 2, .alpha = 4})) {
  return fixture::error_of(fault, [&] { check(stored, wanted); });
}

/// The same, for a config with these members beside its own or instead of them.
std::string refusal_of_config(const std::string& members) {
  Stored stored;
  stored.config = [&](json::Value& config) { config.update(json::parse("{" + members + "}", "test")); };
  return refusal(Fault::data, stored);
}

TEST(Start, TakesWhatThisProgramWrote) {
  const fixture::TemporaryDirectory folder;
  Stored{}.write(folder.path());
  EXPECT_NO_THROW(check_start(folder.path(), fixture::lora({.r = 2, .alpha = 4}), model_of(2)));
}

TEST(Start, SettingsOfTheConfigThatChangeTheScaleMustBeTheRecipes) {
  Stored stored;
  stored.config = [](json::Value& config) { config["alpha_pattern"] = {{"q_proj", 128}}; };
  EXPECT_THAT(refusal(Fault::usage, stored), AllOf(HasSubstr("has alpha_pattern {\"q_proj\":128.0}"),
                                                   HasSubstr("write adapter.alpha_pattern: {\"q_proj\":128.0}")));
  stored.config = [](json::Value& config) { config["rank_pattern"] = {{"q_proj", 1}}; };
  EXPECT_THAT(refusal(Fault::usage, stored), HasSubstr("has rank_pattern"));
  stored.config = [](json::Value& config) { config["use_rslora"] = true; };
  EXPECT_THAT(refusal(Fault::usage, stored), HasSubstr("has use_rslora true"));
}

/// PEFT goes by the order of the file, in which a recipe's map is not.
TEST(Start, PatternsWhoseOrderDecidesAreRefused) {
  const auto adapter = [](std::map<std::string, double> alphas) {
    return fixture::lora({.r = 2, .alpha = 4, .alpha_pattern = std::move(alphas)});
  };
  Stored stored{.adapter = adapter({{"0.self_attn.q_proj", 3}, {"q_proj", 5}})};
  EXPECT_NO_THROW(check(stored, stored.adapter));

  stored.adapter = adapter({{"layers.0.self_attn.q_proj", 5}, {"0.self_attn.q_proj", 3}, {"q_proj", 5}});
  stored.text = [](std::string& text) {
    const std::string first = "\"0.self_attn.q_proj\": 3.0,";
    const auto at = text.find(first);
    ASSERT_NE(at, text.npos);
    text.erase(at, first.size());
    text.insert(text.find("\"q_proj\": 5.0") + std::string("\"q_proj\": 5.0").size(),
                ", " + first.substr(0, first.size() - 1));
  };
  EXPECT_THAT(refusal(Fault::data, stored, stored.adapter),
              HasSubstr("'alpha_pattern' has two values for model.layers.0.self_attn.q_proj: PEFT takes 5"));
}

TEST(Start, AdaptersOfAChangedBaseAreRefused) {
  for (const char* const start : {"pissa", "pissa_niter_16", "olora", "corda", "loftq", "lora_ga", "unheard_of"})
    EXPECT_THAT(refusal_of_config(cat("\"init_lora_weights\": \"", start, "\"")),
                AllOf(HasSubstr("'init_lora_weights' is"), HasSubstr("adapter_config.json:"),
                      HasSubstr("path_initial_model_for_weight_conversion")))
        << start;
  for (const char* const start : {"true", "false", "\"gaussian\"", "\"eva\"", "\"orthogonal\"", "\"mica\""}) {
    const fixture::TemporaryDirectory folder;
    Stored stored;
    stored.config = [&](json::Value& config) { config["init_lora_weights"] = json::parse(start, "test"); };
    stored.write(folder.path());
    EXPECT_NO_THROW(check_start(folder.path(), stored.adapter, stored.model)) << start;
  }
}

TEST(Start, KeysThatNobodyReadsAreRefusedWhenTheySaySomething) {
  for (const auto& [key, value] : std::vector<std::pair<std::string, std::string>>{{"use_bdlora", "{\"nblocks\": 2}"},
                                                                                   {"layer_replication", "[[0, 2]]"},
                                                                                   {"layers_pattern", "\"blocks\""},
                                                                                   {"bias", "\"boft_only\""},
                                                                                   {"not_known_yet", "3"}})
    EXPECT_THAT(refusal_of_config(cat("\"", key, "\": ", value)), HasSubstr(cat("'", key, "'"))) << key;

  const fixture::TemporaryDirectory folder;
  Stored stored;
  stored.config = [](json::Value& config) {
    config.update(json::parse(R"({"modules_to_save": [], "exclude_modules": [], "layers_to_transform": [],
        "layers_pattern": "layers", "alora_invocation_tokens": null, "use_dora": false, "not_known_yet": {},
        "loftq_config": {}, "megatron_core": "megatron.core", "qalora_group_size": 16, "peft_version": "0.21.2",
        "auto_mapping": {"base_model_class": "LlamaForCausalLM"}})",
                              "test"));
  };
  stored.write(folder.path());
  EXPECT_NO_THROW(check_start(folder.path(), stored.adapter, stored.model));
}

TEST(Start, NumbersOutOfRangeAreRefusedWithTheirLine) {
  for (const auto& [members, reason] : std::vector<std::pair<std::string, std::string>>{
           {"\"r\": -1", "'r' is -1; it must be a whole number from 1"},
           {"\"r\": 4294967298", "'r' is 4294967298; it must be a whole number from 1"},
           {"\"r\": 2.5", "'r' is 2.5"},
           {"\"r\": 18446744073709551615", "'r' is 18446744073709551615"},
           {"\"lora_alpha\": -4", "'lora_alpha' is -4"},
           {"\"lora_alpha\": \"4\"", "'lora_alpha' is \"4\""},
           {"\"lora_dropout\": 2", "'lora_dropout' is 2"},
           {"\"rank_pattern\": {\"q_proj\": 4294967298}", "'rank_pattern.q_proj' is 4294967298"},
           {"\"rank_pattern\": []", "'rank_pattern' is []; it must be an object"},
           {"\"layers_to_transform\": [-1]", "'layers_to_transform[0]' is -1"},
           {"\"target_modules\": null", "'target_modules' is missing"}})
    EXPECT_THAT(refusal_of_config(members), HasSubstr(reason)) << members;

  const fixture::TemporaryDirectory folder;
  write_durably(folder / "adapter_model.safetensors", "");
  for (const auto& [text, reason] : std::vector<std::pair<std::string, std::string>>{
           {R"({"peft_type": "LORA", "r": 2, "lora_alpha": 1e999, "target_modules": ["q_proj"]})",
            "adapter_config.json:1:49: not valid JSON: a number is too large"},
           {"{}", "'peft_type' is missing"},
           {"[]", "does not hold a JSON object"},
           {"", "not valid JSON"}}) {
    write_durably(folder / "adapter_config.json", text);
    EXPECT_THAT(fixture::error_of(Fault::data, [&] { check_start(folder.path(), Adapter(), model_of(2)); }),
                HasSubstr(reason))
        << text;
  }
}

TEST(Start, AnAdapterOfAnotherModelIsNamed) {
  Stored stored;
  stored.model = model_of(3);
  EXPECT_THAT(refusal(Fault::data, stored), HasSubstr("adapts decoder layer 2, and the model's last one is 1"));
  stored.model = model_of(1);
  EXPECT_THAT(refusal(Fault::usage, stored), AllOf(HasSubstr("adapts the decoder layers 0, the recipe's adapter 0, 1"),
                                                   HasSubstr("adapter.layers_to_transform: [0]")));
  stored.model = model_of(2);
  stored.model[0].in = 3;
  EXPECT_THAT(refusal(Fault::data, stored),
              HasSubstr("q_proj.lora_A.weight is [2, 3], the recipe's adapter has [2, 4]"));
}

TEST(Start, OtherNamesAreTold) {
  const auto with_names = [](std::function<std::string(const std::string&)> renamed) {
    Stored stored;
    stored.renamed = std::move(renamed);
    return refusal(Fault::data, stored);
  };
  const auto after_prefix = [](const std::string& name) { return name.substr(std::string(kPeftPrefix).size()); };
  EXPECT_THAT(with_names([&](const auto& name) { return "base_model.model.language_model." + after_prefix(name); }),
              HasSubstr("begin with \"base_model.model.language_model.\""));
  EXPECT_THAT(with_names([&](const auto& name) { return kPeftPrefix + name; }),
              HasSubstr("begin with \"base_model.model.base_model.model.\""));
  EXPECT_THAT(with_names([&](const auto& name) { return name.substr(0, name.size() - 6) + "default.weight"; }),
              HasSubstr("have the adapter's name in them"));
  EXPECT_THAT(with_names([](const auto& name) { return name.ends_with("1.mlp.down_proj.lora_B.weight") ? "" : name; }),
              HasSubstr("1.mlp.down_proj.lora_B.weight\" is missing"));
  EXPECT_THAT(with_names([](const auto& name) {
                return name.ends_with("1.mlp.down_proj.lora_B.weight") ? "base_model.model.lm_head.weight" : name;
              }),
              HasSubstr("has a tensor \"base_model.model.lm_head.weight\", for which"));
}

TEST(Start, OtherTargetsGiveTheLineToWrite) {
  Stored stored;
  stored.adapter.targeting.target_modules = fixture::named({"q_proj"});
  EXPECT_THAT(refusal(Fault::usage, stored), AllOf(HasSubstr("adapts q_proj, the recipe's adapter down_proj, q_proj"),
                                                   HasSubstr("write adapter.target_modules: [q_proj]")));
}

TEST(Start, ValuesThatAreNoNumbersAreRefused) {
  for (const float bad : {std::numeric_limits<float>::quiet_NaN(), std::numeric_limits<float>::infinity()}) {
    Stored stored;
    stored.values = [&](std::vector<float>& values) { values[3] = bad; };
    EXPECT_THAT(refusal(Fault::data, stored), AllOf(HasSubstr("value 3 of tensor"), HasSubstr("not a finite number")));
  }
}

TEST(Start, MissingFilesAndPicklesHaveTheirRemedies) {
  const fixture::TemporaryDirectory folder;
  const auto refused = [&] {
    return fixture::error_of(Fault::data, [&] { check_start(folder.path(), Adapter(), model_of(2)); });
  };
  EXPECT_THAT(refused(), HasSubstr("there is no adapter_config.json"));
  Stored{}.write(folder.path());
  fs::rename(folder / "adapter_model.safetensors", folder / "adapter_model.bin");
  EXPECT_THAT(refused(), AllOf(HasSubstr("there is no adapter_model.safetensors"), HasSubstr("pickle")));
}

TEST(Start, Ia3IsCheckedLikewise) {
  const fixture::TemporaryDirectory folder;
  Adapter ia3(*find("ia3"));
  ia3.targeting.target_modules = fixture::named({"q_proj", "down_proj"});
  Stored stored{.adapter = ia3};
  stored.write(folder.path());

  EXPECT_NO_THROW(check_start(folder.path(), ia3, model_of(2)));
  stored.renamed = [](const std::string& name) { return name + ".default"; };
  EXPECT_THAT(refusal(Fault::data, stored, ia3), HasSubstr("have the adapter's name in them"));
  EXPECT_THAT(refusal(Fault::usage, Stored{}, ia3), HasSubstr("is of type lora, the recipe says ia3"));
}

TEST(Start, KeysOfDeclaredMethodsAreCompared) {
  Adapter stored(*find("loha")), wanted(*find("loha"));
  stored.as<Loha>() = {.r = 3, .alpha = 5, .module_dropout = 0.1};
  wanted.as<Loha>() = {.r = 3, .alpha = 5};
  EXPECT_NO_THROW(require_start(stored, wanted)) << "dropouts belong to a training, not to the adapter";
  wanted.as<Loha>().alpha = 8;
  EXPECT_THAT(fixture::error_of(Fault::usage, [&] { require_start(stored, wanted); }),
              testing::AllOf(testing::HasSubstr("has alpha 5, the recipe says 8"),
                             testing::HasSubstr("write adapter.alpha: 5")));
}

}  // namespace
}  // namespace pst::methods
