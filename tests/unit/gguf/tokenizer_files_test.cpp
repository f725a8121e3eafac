// SPDX-License-Identifier: Apache-2.0
#include "gguf/tokenizer_files.hpp"

#include <gmock/gmock.h>

#include <functional>
#include <nlohmann/json.hpp>
#include <set>

#include "support/errors.hpp"
#include "support/temporary_directory.hpp"
#include "tiny_gguf.hpp"
#include "tokenizer/tokenizer.hpp"

namespace pst::gguf {
namespace {

using fixture::TinyGguf;
using nlohmann::json;
using testing::HasSubstr;

TokenizerFiles files_of(const TinyGguf& gguf) {
  const pst::fixture::TemporaryDirectory dir;
  fixture::write_file(dir / "m.gguf", gguf.bytes());
  families::ModelSpec config;
  config.vocabulary = 8;
  config.positions = 512;
  config.bos_token_id = 5;
  config.eos_token_ids = {5};
  return tokenizer_files(File(dir / "m.gguf"), config);
}

TinyGguf small() {
  TinyGguf gguf;
  fixture::set_small_vocabulary(gguf);
  return gguf;
}

TEST(TokenizerFiles, ScoresBecomeMerges) {
  TinyGguf gguf = small();
  gguf.set_text("tokenizer.ggml.model", "llama");
  gguf.metadata.erase("tokenizer.ggml.merges");
  gguf.set_texts("tokenizer.ggml.tokens", {"<unk>", "a", "b", "ab", "\xe2\x96\x81", "<s>",
                                           "\xe2\x96\x81"
                                           "ab",
                                           "<0x0A>"});
  gguf.set_i32s("tokenizer.ggml.token_type", {2, 1, 1, 1, 1, 3, 1, 6});
  gguf.set_f32s("tokenizer.ggml.scores", {0, -5, -6, -1, -4, 0, -2, 0});
  gguf.set_u32("tokenizer.ggml.unknown_token_id", 0);

  const auto tokenizer = tokenizer::Tokenizer::parse(files_of(gguf).tokenizer_json, "tokenizer.json");

  EXPECT_THAT(tokenizer.encode("ab b\n"), testing::ElementsAre(6, 4, 2, 7));
  const auto pieces = tokenizer.encode_pieces("ab", tokenizer::Around::special_tokens);
  ASSERT_EQ(pieces.size(), 2u);
  EXPECT_EQ(pieces[0].id, 5);
}

TEST(TokenizerFiles, VocabularyMergesAndAddedTokens) {
  const json tokenizer = json::parse(files_of(small()).tokenizer_json);

  EXPECT_EQ(tokenizer["version"], "1.0");
  const json& model = tokenizer["model"];
  EXPECT_EQ(model["type"], "BPE");
  // The unused token is left out: no text may become it.
  EXPECT_EQ(model["vocab"], json({{"a", 0}, {"b", 1}, {"Ġ", 2}, {"\"", 3}, {"ab", 4}, {"<|end|>", 5}, {"<think>", 6}}));
  EXPECT_EQ(model["merges"], json::array({json::array({"a", "b"})}));
  EXPECT_EQ(model["ignore_merges"], false);
  ASSERT_EQ(tokenizer["added_tokens"].size(), 2u);
  EXPECT_EQ(tokenizer["added_tokens"][0]["content"], "<|end|>");
  EXPECT_EQ(tokenizer["added_tokens"][0]["special"], true);
  EXPECT_EQ(tokenizer["added_tokens"][1]["id"], 6);
  EXPECT_EQ(tokenizer["added_tokens"][1]["special"], false);
  EXPECT_TRUE(tokenizer["post_processor"].is_null());
}

TEST(TokenizerFiles, TheNamedPreTokeniserIsKept) {
  const auto with_pre = [](const std::string& name) {
    TinyGguf gguf = small();
    gguf.set_text("tokenizer.ggml.pre", name);
    return json::parse(files_of(gguf).tokenizer_json);
  };

  const json smollm = with_pre("smollm")["pre_tokenizer"];
  EXPECT_EQ(smollm["pretokenizers"][0]["type"], "Digits");
  EXPECT_EQ(smollm["pretokenizers"][0]["individual_digits"], true);
  EXPECT_EQ(smollm["pretokenizers"][1]["use_regex"], true);

  for (const char* name : {"gpt-2", "default"}) EXPECT_EQ(with_pre(name)["pre_tokenizer"]["type"], "ByteLevel") << name;

  const json llama = with_pre("llama-bpe"), qwen = with_pre("qwen2");
  EXPECT_THAT(llama["pre_tokenizer"]["pretokenizers"][0]["pattern"]["Regex"], HasSubstr(R"(|\p{N}{1,3}|)"));
  EXPECT_EQ(llama["pre_tokenizer"]["pretokenizers"][1]["use_regex"], false);
  EXPECT_EQ(llama["model"]["ignore_merges"], true);
  EXPECT_EQ(llama["post_processor"]["single"][0]["SpecialToken"]["id"], "<|end|>");  // llama-bpe adds its bos
  EXPECT_EQ(llama["post_processor"]["special_tokens"]["<|end|>"]["ids"], json::array({5}));
  EXPECT_THAT(qwen["pre_tokenizer"]["pretokenizers"][0]["pattern"]["Regex"], HasSubstr(R"(|\p{N}|)"));
  EXPECT_EQ(qwen["normalizer"]["type"], "NFC");
  EXPECT_EQ(qwen["model"]["ignore_merges"], false);
}

TEST(TokenizerFiles, EveryNameGivesATokenizerOfItsOwn) {
  const auto words = [](const std::string& name) {
    TinyGguf gguf = small();
    gguf.set_text("tokenizer.ggml.pre", name);
    const json file = json::parse(files_of(gguf).tokenizer_json);
    (void)tokenizer::Tokenizer::parse(file.dump(), name);  // refuses what it cannot follow
    return file["pre_tokenizer"].dump() + file["normalizer"].dump();
  };
  const std::vector<std::vector<std::string>> same = {{"gpt-2", "default", "phi-2"},
                                                      {"mpt", "olmo"},
                                                      {"smollm", "starcoder", "refact", "exaone"},
                                                      {"command-r"},
                                                      {"falcon"},
                                                      {"llama-bpe", "llama3", "llama-v3"},
                                                      {"qwen2"},
                                                      {"qwen35"},
                                                      {"tekken"},
                                                      {"gpt-4o"},
                                                      {"deepseek-v3", "hunyuan-dense"}};
  std::set<std::string> all;
  for (const auto& names : same) {
    for (const auto& name : names) EXPECT_EQ(words(name), words(names.front())) << name;
    all.insert(words(names.front()));
  }
  EXPECT_EQ(all.size(), same.size());
}

TEST(TokenizerFiles, Gemma4MergesCharactersAndFallsBackToBytes) {
  TinyGguf gguf = small();
  gguf.set_text("tokenizer.ggml.model", "gemma4");
  EXPECT_THAT(pst::fixture::error_of(Fault::data, [&] { files_of(gguf); }), HasSubstr("unknown_token_id is missing"));
  gguf.set_u32("tokenizer.ggml.unknown_token_id", 0);

  const json file = json::parse(files_of(gguf).tokenizer_json);

  EXPECT_EQ(file["model"]["byte_fallback"], true);
  EXPECT_EQ(file["model"]["unk_token"], "a");
  EXPECT_EQ(file["normalizer"]["content"], "\u2581");
  EXPECT_EQ(tokenizer::Tokenizer::parse(file.dump(), "gemma4").encode("ab").size(), 1u);
}

TEST(TokenizerFiles, SettingsNameTheTokens) {
  TinyGguf gguf = small();
  gguf.set_u32("tokenizer.ggml.unknown_token_id", 0);
  gguf.set_bool("tokenizer.ggml.add_bos_token", true);
  gguf.set_bool("tokenizer.ggml.add_eos_token", true);
  gguf.set_text("tokenizer.chat_template", "{{ messages }}\n");

  const TokenizerFiles files = files_of(gguf);

  const json settings = json::parse(files.tokenizer_config_json);
  EXPECT_EQ(settings["eos_token"], "<|end|>");
  EXPECT_EQ(settings["bos_token"], "<|end|>");
  EXPECT_EQ(settings["unk_token"], "a");
  EXPECT_EQ(settings["model_max_length"], 512);
  EXPECT_EQ(settings["add_bos_token"], true);
  EXPECT_EQ(settings["chat_template"], "{{ messages }}\n");
  EXPECT_EQ(files.chat_template, "{{ messages }}\n");
  EXPECT_FALSE(files_of(small()).chat_template);
  const json post = json::parse(files.tokenizer_json)["post_processor"];
  EXPECT_EQ(post["single"].size(), 3u);
  EXPECT_EQ(post["pair"].size(), 6u);
}

TEST(TokenizerFiles, RefusesWhatCannotBeKeptExactly) {
  const std::vector<std::pair<std::string, std::function<void(TinyGguf&)>>> cases = {
      {"tokenizer model \"rwkv\"", [](auto& g) { g.set_text("tokenizer.ggml.model", "rwkv"); }},
      {"tokenizer.ggml.scores is missing", [](auto& g) { g.set_text("tokenizer.ggml.model", "llama"); }},
      {"\"tokenizer.ggml.model\" is missing", [](auto& g) { g.metadata.erase("tokenizer.ggml.model"); }},
      {"does not name its pre-tokeniser", [](auto& g) { g.metadata.erase("tokenizer.ggml.pre"); }},
      {"pre-tokeniser \"viking\" is not supported", [](auto& g) { g.set_text("tokenizer.ggml.pre", "viking"); }},
      {"tokenizer.ggml.tokens is missing", [](auto& g) { g.metadata.erase("tokenizer.ggml.tokens"); }},
      {"tokenizer.ggml.merges is missing", [](auto& g) { g.metadata.erase("tokenizer.ggml.merges"); }},
      {"merge 0, \"a x\"", [](auto& g) { g.set_texts("tokenizer.ggml.merges", {"a x"}); }},
      {"merge 0, \"b a\"", [](auto& g) { g.set_texts("tokenizer.ggml.merges", {"b a"}); }},
      {"merge 0, \"ab\"", [](auto& g) { g.set_texts("tokenizer.ggml.merges", {"ab"}); }},
      {"merge 1, \"a b \"",
       [](auto& g) {
         g.set_texts("tokenizer.ggml.merges", {"a b", "a b "});
       }},
      {"token \"a\" occurs twice",
       [](auto& g) {
         g.set_texts("tokenizer.ggml.tokens", {"a", "b", "a", "c", "ab", "e", "f", "g"});
       }},
      {R"(token 1 is "\xff")",
       [](auto& g) {
         g.set_texts("tokenizer.ggml.tokens", {"a", "\xff", "c", "d", "ab", "e", "f", "g"});
       }},
      {"8 tokens, but 1 entries", [](auto& g) { g.set_i32s("tokenizer.ggml.token_type", {1}); }},
      {"9 tokens for 8 rows", [](auto& g) { g.set_texts("tokenizer.ggml.tokens", std::vector<std::string>(9, "x")); }},
      {"unk_token is 8", [](auto& g) { g.set_u32("tokenizer.ggml.unknown_token_id", 8); }},
      {"chat_template is not UTF-8", [](auto& g) { g.set_text("tokenizer.chat_template", "\xff"); }},
      {"is not a list of strings", [](auto& g) { g.set_u32("tokenizer.ggml.tokens", 8); }},
  };
  for (const auto& [message, change] : cases) {
    SCOPED_TRACE(message);
    TinyGguf gguf = small();
    change(gguf);
    EXPECT_THAT(pst::fixture::error_of(Fault::data, [&, &g = gguf] { files_of(g); }), HasSubstr(message));
  }
}

}  // namespace
}  // namespace pst::gguf
