// SPDX-License-Identifier: Apache-2.0
// A PEFT adapter's folder: adapter_config.json of every method, and what it makes of a small model; the header of a
// safetensors file, and the index of several.
#include <cctype>

#include "core/file.hpp"
#include "core/strings.hpp"
#include "fuzz/driver.hpp"
#include "methods/method.hpp"
#include "methods/peft_config.hpp"
#include "support/temporary_directory.hpp"
#include "weights/index.hpp"
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

/// A model that is small, with every kind of place that an adapter may change.
methods::Places places() {
  std::vector<methods::LinearLayer> layers;
  for (int i = 0; i < 3; ++i)
    for (const char* const name : {"self_attn.q_proj", "self_attn.v_proj", "mlp.up_proj", "mlp.down_proj"})
      layers.push_back(
          {.name = cat("model.layers.", i, ".", name), .out = 12, .in = 16, .is_default = true, .bias = i == 1});
  layers.push_back({.name = "lm_head", .out = 40, .in = 16, .is_head = true});
  methods::Places all(std::move(layers));
  for (int i = 0; i < 3; ++i) all.norms.push_back({cat("model.layers.", i, ".input_layernorm"), 16});
  all.embedding = "model.embed_tokens";
  all.vocabulary = 40, all.embedding_width = 16, all.hidden = 16;
  all.key_values = {4, 4, 4};
  return all;
}

/// What each method writes where nothing is said.
std::vector<std::string> configs() {
  std::vector<std::string> all = {
      kConfig, R"({"peft_type":"IA3","target_modules":["k_proj","down_proj"],"feedforward_modules":["down_proj"]})"};
  for (const methods::Method* const method : methods::table())
    all.push_back(methods::peft_config_text(methods::Adapter(*method), {"q_proj", "v_proj"}, "base"));
  return all;
}

/// Every number of a method's file at an edge, lists long, and texts of any length.
std::string at_edges(Draw& draw) {
  static const std::vector<std::string> all = configs();
  static const std::vector<std::string> kEdges = {"0",
                                                  "-1",
                                                  "1",
                                                  "3",
                                                  "65536",
                                                  "2147483647",
                                                  "2147483648",
                                                  "4294967298",
                                                  "9223372036854775807",
                                                  "18446744073709551616",
                                                  "1e308",
                                                  "1e-320",
                                                  "0.999999"};
  std::string text;
  for (const char c : draw.of(all)) {
    const bool begins_number =
        std::isdigit(static_cast<unsigned char>(c)) != 0 && !text.empty() && (text.back() == ' ' || text.back() == ':');
    if (begins_number && draw.one_in(3))
      text += draw.one_in(4) ? cat("[", repeated(cat(draw.of(kEdges), ","), draw.size(50'000)), "1]") : draw.of(kEdges);
    else if (begins_number && draw.one_in(8))
      text += cat("{\"", repeated("a.", draw.size(20'000)), "\":", draw.of(kEdges), "}");
    else if (c == '"' && draw.one_in(60))
      text += cat("\"", repeated("x", draw.size(100'000)));
    else
      text += c;
  }
  return text;
}
/// Of a folder in several files: names that are many, long, or lead elsewhere.
std::string weight_map(Draw& draw) {
  static const std::vector<std::string> kFiles = {"a.safetensors", "../a.safetensors", "/etc/passwd", "", ".",
                                                  "a/b",           "\\u0000"};
  std::string text = R"({"metadata":{"total_size":1e400},"weight_map":{)";
  const std::string stem = repeated("n", draw.size(1000));
  for (std::size_t i = 0, n = draw.size(30'000); i < n && text.size() < 4'000'000; ++i)
    text += cat(i ? "," : "", "\"", stem, i, "\":\"", draw.one_in(3) ? std::to_string(i) : "", draw.of(kFiles), "\"");
  return text + "}}";
}

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
  static const std::vector<std::string> kTypes = {"\"F32\"", "\"F64\"", "\"F4\"", "\"F8_E4M3\"", "\"BOOL\""};
  std::string text = "{";
  for (std::size_t i = 0, n = draw.size(20'000); i < n; ++i)
    text += cat(i ? "," : "", "\"t", i, R"(":{"dtype":)", draw.of(kTypes), R"(,"shape":[)",
                repeated(draw.one_in(2) ? "1," : "2147483648,", draw.one_in(9) ? draw.size(2000) : draw.below(3)),
                draw.size(std::size_t{1} << 62), ",", draw.one_in(4) ? 0 : draw.size(std::size_t{1} << 31),
                R"(],"data_offsets":[)", draw.one_in(2) ? 0 : draw.size(std::size_t{1} << 62), ",",
                draw.one_in(2) ? 48 : draw.size(std::size_t{1} << 62), "]}");
  return text + "}";
}

}  // namespace
}  // namespace pst::fuzz

int main(int argc, char** argv) {
  using namespace pst;
  const fixture::TemporaryDirectory dir;
  const methods::Places places = fuzz::places();
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
             .seeds = fuzz::configs(),
             .words = words,
             .bombs = {fuzz::targets, fuzz::patterns, fuzz::at_edges}},
            {.name = "adapter_model.safetensors", .seeds = {fuzz::kHeader}, .words = words, .bombs = {fuzz::tensors}},
            {.name = "model.safetensors.index.json",
             .seeds = {R"({"metadata":{"total_size":64},"weight_map":{"a":"1.safetensors","b":"2.safetensors"}})"},
             .words = words,
             .bombs = {fuzz::weight_map}}},
       .read = [&](const fuzz::Part& part, const std::string& input) {
         std::string bytes = input;
         if (part.name == "adapter_model.safetensors") {  // the header's length, the header, 48 bytes of values
           std::string length(8, '\0');
           for (std::size_t i = 0; i < 8; ++i) length[i] = static_cast<char>(input.size() >> (8 * i) & 0xff);
           bytes = length + input + std::string(48, 'x');
         }
         fuzz::put(dir.path() / part.name, bytes);
         if (part.name == "model.safetensors.index.json")
           (void)weights::read_weight_map(dir.path() / part.name);
         else if (part.name == "adapter_config.json")
           (void)methods::tensors_of(methods::read_peft_config(dir.path()), places);
         else
           (void)weights::TensorStore::open(dir.path() / part.name);
       }});
}
