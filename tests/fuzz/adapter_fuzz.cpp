// SPDX-License-Identifier: Apache-2.0
// A PEFT adapter's folder: adapter_config.json, and the header of its safetensors.
#include <cstring>

#include "core/file.hpp"
#include "core/strings.hpp"
#include "fuzz/driver.hpp"
#include "methods/peft_config.hpp"
#include "support/temporary_directory.hpp"
#include "weights/safetensors.hpp"

namespace pst::fuzz {
namespace {

const std::string kConfig = R"({
  "peft_type": "LORA", "task_type": "CAUSAL_LM", "base_model_name_or_path": "base", "r": 8, "lora_alpha": 16,
  "lora_dropout": 0.05, "bias": "none", "fan_in_fan_out": false, "inference_mode": true, "init_lora_weights": true,
  "layers_to_transform": [0, 1], "layers_pattern": null, "rank_pattern": {}, "alpha_pattern": {},
  "modules_to_save": null, "use_rslora": false, "use_dora": false, "revision": null,
  "target_modules": ["q_proj", "v_proj"]
})";
const std::string kHeader =
    R"({"__metadata__":{"format":"pt"},"a.lora_A.weight":{"dtype":"F32","shape":[2,4],"data_offsets":[0,32]},)"
    R"("a.lora_B.weight":{"dtype":"BF16","shape":[4,2],"data_offsets":[32,48]}})";

std::string targets(Draw& draw) {
  std::string inner = "a";
  for (std::size_t i = 0, n = draw.size(240); i < n; ++i)
    inner = cat("(", inner, draw.of(std::vector<std::string>{"+)", "*)", "|a)", "?)+"}));
  return cat(R"({"peft_type":"LORA","r":8,"lora_alpha":16,"target_modules":")", inner, "b\"}");
}
std::string patterns(Draw& draw) {
  std::string text = R"({"peft_type":"LORA","r":8,"lora_alpha":16,"target_modules":["q_proj"],"rank_pattern":{)";
  for (std::size_t i = 0, n = draw.size(20'000); i < n; ++i) text += cat(i ? "," : "", "\"(a*)*", i, "\":", i);
  return text + "}}";
}
std::string tensors(Draw& draw) {
  std::string text = "{";
  for (std::size_t i = 0, n = draw.size(20'000); i < n; ++i)
    text += cat(i ? "," : "", "\"t", i, R"(":{"dtype":"F32","shape":[)", draw.size(1u << 31), ",", draw.size(1u << 31),
                R"(],"data_offsets":[0,48]})");
  return text + "}";
}

}  // namespace
}  // namespace pst::fuzz

int main(int argc, char** argv) {
  using namespace pst;
  const fixture::TemporaryDirectory dir;
  const std::vector<std::string> words = {"\"r\":",
                                          "\"lora_alpha\":",
                                          "1e999",
                                          "-1",
                                          "4294967298",
                                          "null",
                                          "[]",
                                          "{}",
                                          "\"target_modules\":",
                                          "\"all-linear\"",
                                          "\"dtype\":",
                                          "\"F16\"",
                                          "\"shape\":",
                                          "[9223372036854775807,2]",
                                          "\"data_offsets\":",
                                          "\"IA3\"",
                                          "\"pissa\""};
  return fuzz::run(
      argc, argv,
      {.name = "adapter",
       .parts =
           {{.name = "adapter_config.json",
             .seeds =
                 {fuzz::kConfig,
                  R"({"peft_type":"IA3","target_modules":["k_proj","down_proj"],"feedforward_modules":["down_proj"]})"},
             .words = words,
             .bombs = {fuzz::targets, fuzz::patterns}},
            {.name = "adapter_model.safetensors", .seeds = {fuzz::kHeader}, .words = words, .bombs = {fuzz::tensors}}},
       .read = [&](const fuzz::Part& part, const std::string& input) {
         std::string bytes = input;
         if (part.name == "adapter_model.safetensors") {  // the header's length, the header, 48 bytes of values
           std::string length(8, '\0');
           for (std::size_t i = 0; i < 8; ++i) length[i] = static_cast<char>(input.size() >> (8 * i) & 0xff);
           bytes = length + input + std::string(48, 'x');
         }
         fuzz::put(dir.path() / part.name, bytes);
         if (part.name == "adapter_config.json")
           (void)methods::read_peft_config(dir.path());
         else
           (void)weights::TensorStore::open(dir.path() / part.name);
       }});
}
