// SPDX-License-Identifier: Apache-2.0
#include "adapters/export_gguf.hpp"

#include <gmock/gmock.h>

#include <cstring>

#include "gguf/gguf_file.hpp"
#include "source_tree.hpp"
#include "support/errors.hpp"
#include "support/temporary_directory.hpp"
#include "unit/adapters/stored_lora.hpp"

namespace pst::adapters {
namespace {

using testing::HasSubstr;

const fs::path kModels = fs::path(PST_SOURCE_DIR) / "tests/fixtures/models";

std::vector<float> values_of(const gguf::TensorInfo& tensor) {
  std::vector<float> values(static_cast<std::size_t>(tensor.count()));
  std::memcpy(values.data(), tensor.bytes.data(), tensor.bytes.size());
  return values;
}

/// As llama.cpp multiplies: alpha / r * B A.
Update update_in(const gguf::File& file, const std::string& name) {
  const auto &a = *file.find_tensor(name + ".lora_a"), &b = *file.find_tensor(name + ".lora_b");
  const auto a_values = values_of(a), b_values = values_of(b);
  const std::int64_t rank = a.shape[0], in = a.shape[1], out = b.shape[0];
  EXPECT_EQ(b.shape[1], rank);
  const double scale = *file.real("adapter.lora.alpha") / static_cast<double>(rank);
  Update update(static_cast<std::size_t>(out), std::vector<double>(static_cast<std::size_t>(in)));
  for (std::int64_t o = 0; o < out; ++o)
    for (std::int64_t i = 0; i < in; ++i)
      for (std::int64_t r = 0; r < rank; ++r)
        update[static_cast<std::size_t>(o)][static_cast<std::size_t>(i)] +=
            scale * a_values[static_cast<std::size_t>(r * in + i)] * b_values[static_cast<std::size_t>(o * rank + r)];
  return update;
}

/// LlamaModel.permute: each head's rows as [2, d/2], turned to [d/2, 2].
Update permuted(const Update& update, std::size_t heads) {
  const std::size_t d = update.size() / heads;
  Update out;
  for (std::size_t head = 0; head < heads; ++head)
    for (std::size_t pair = 0; pair < d / 2; ++pair)
      for (std::size_t half = 0; half < 2; ++half) out.push_back(update[head * d + half * (d / 2) + pair]);
  return out;
}

void expect_close(const Update& is, const Update& should) {
  ASSERT_EQ(is.size(), should.size());
  EXPECT_LT(squares(sum(is, should, -1)), 1e-10 * squares(should));
}

TEST(ExportGguf, HasLlamasNamesAndItsOrderOfRows) {
  const fixture::TemporaryDirectory dir;
  export_gguf(kModels / "llama/lora", kModels / "llama", dir / "lora.gguf");

  const gguf::File file(dir / "lora.gguf");
  EXPECT_EQ(file.text("general.architecture"), "llama");
  EXPECT_EQ(file.text("general.type"), "adapter");
  EXPECT_EQ(file.text("adapter.type"), "lora");
  const auto updates = updates_of(kModels / "llama/lora");
  EXPECT_EQ(file.tensors().size(), 2 * updates.size());
  const auto config = nlohmann::json::parse(read_file(kModels / "llama/config.json"));
  const std::size_t heads = config.at("num_attention_heads"), key_heads = config.at("num_key_value_heads");
  int seen = 0;
  for (const auto& [module, update] : updates) {
    SCOPED_TRACE(module);
    const std::string layer = split(module, '.').at(2), last = split(module, '.').back();
    const std::map<std::string, std::string> names = {
        {"q_proj", "attn_q"},      {"k_proj", "attn_k"},  {"v_proj", "attn_v"},     {"o_proj", "attn_output"},
        {"gate_proj", "ffn_gate"}, {"up_proj", "ffn_up"}, {"down_proj", "ffn_down"}};
    const Update ours = update_in(file, cat("blk.", layer, ".", names.at(last), ".weight"));
    expect_close(ours, last == "q_proj"   ? permuted(update, heads)
                       : last == "k_proj" ? permuted(update, key_heads)
                                          : update);
    ++seen;
  }
  EXPECT_GT(seen, 3);
}

/// llama.cpp knows one alpha for all layers, and divides it by the rank.
TEST(ExportGguf, OtherScalesGoIntoB) {
  const fixture::TemporaryDirectory dir;
  for (const char* const adapter : {"lora_rslora", "lora_patterns"}) {
    SCOPED_TRACE(adapter);
    const fs::path to = dir / cat(adapter, ".gguf");
    export_gguf(kModels / "llama" / adapter, kModels / "llama", to);
    const gguf::File file(to);
    for (const auto& [module, update] : updates_of(kModels / "llama" / adapter))
      if (module.ends_with("v_proj"))
        expect_close(update_in(file, cat("blk.", split(module, '.').at(2), ".attn_v.weight")), update);
  }
}

TEST(ExportGguf, SaysWhatLlamaCppHasNoPlaceFor) {
  const fixture::TemporaryDirectory dir;
  const auto refusal = [&](const char* model, const char* adapter) {
    const std::string text = fixture::error_of(
        Fault::usage, [&] { export_gguf(kModels / model / adapter, kModels / model, dir / "out.gguf"); });
    EXPECT_FALSE(fs::exists(dir / "out.gguf"));
    return text;
  };
  EXPECT_THAT(refusal("llama", "lora_dora"), HasSubstr("use_dora"));
  EXPECT_THAT(refusal("llama", "lora_saved_modules"), HasSubstr("modules_to_save"));
  EXPECT_THAT(refusal("llama", "ia3"), HasSubstr("of type ia3"));
  EXPECT_THAT(refusal("llama", "lora_embedding"), HasSubstr("is the embedding"));
  EXPECT_THAT(refusal("internlm3", "lora"), HasSubstr("models of type internlm3 have no GGUF names"));
}

TEST(ExportGguf, RefusesAnAdapterOfAnotherModel) {
  const fixture::TemporaryDirectory dir;
  write_random_lora(dir / "a", {{.module = "model.layers.9.self_attn.q_proj"}}, 1);
  const auto refusal = [&] {
    return fixture::error_of(Fault::data, [&] { export_gguf(dir / "a", kModels / "llama", dir / "out.gguf"); });
  };
  EXPECT_THAT(refusal(), HasSubstr("\"model.layers.9.self_attn.q_proj\", which the model does not have"));
  write_random_lora(dir / "a", {{.module = "model.layers.0.self_attn.q_proj"}}, 1);
  EXPECT_THAT(refusal(), HasSubstr("is [9, 7], the model's"));
}

}  // namespace
}  // namespace pst::adapters
