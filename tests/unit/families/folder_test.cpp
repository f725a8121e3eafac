// SPDX-License-Identifier: Apache-2.0
#include "families/folder.hpp"

#include <gmock/gmock.h>

#include <algorithm>

#include "core/file.hpp"
#include "core/strings.hpp"
#include "families/inspect.hpp"
#include "families/read_model.hpp"
#include "support/errors.hpp"
#include "support/temporary_directory.hpp"
#include "support/tiny_model.hpp"
#include "weights/model_digest.hpp"
#include "weights/safetensors.hpp"

namespace pst::families {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;
using weights::model_digest;
using weights::NewTensor;
using weights::TensorStore;

/// Writes the tensors of `dir` again after `change` had its way with the list.
template <class Change>
void rewrite(const fs::path& dir, Change&& change) {
  const TensorStore store = TensorStore::open(dir);
  std::vector<NewTensor> tensors;
  for (const auto& tensor : store.tensors()) tensors.push_back({tensor.name, tensor.dtype, tensor.shape, tensor.bytes});
  change(tensors);
  weights::save_tensors(dir / "model.safetensors", tensors);  // the mapping keeps the old file alive
}

NewTensor& named(std::vector<NewTensor>& tensors, const std::string& name) {
  return *std::find_if(tensors.begin(), tensors.end(), [&](const NewTensor& t) { return t.name == name; });
}

TEST(ModelFolder, ATinyModelOfEveryShapePassesItsCheck) {
  for (const auto& model :
       std::vector<fixture::TinyModel>{{},
                                       {.hidden = 48,
                                       .heads = 6,
                                       .kv_heads = 2,
                                       .head_dim = 10,
                                       .attention_bias = true,
                                       .mlp_bias = true,
                                       .tied = false,
                                       .llama3_rope = true},
                                       {.dtype = "BF16"},
                                       {.layers = 1, .kv_heads = 4, .vocab = fixture::kTinyTokens, .dtype = "F16"}}) {
    const fixture::TemporaryDirectory dir;
    fixture::write_tiny_model(dir.path(), model);
    EXPECT_NO_THROW(check_model(dir.path()));
  }
}

TEST(ModelFolder, EndTokensOfTheGenerationConfigWin) {
  const fixture::TemporaryDirectory dir;
  fixture::write_tiny_model(dir.path());
  EXPECT_THAT(read_model(dir.path()).eos_token_ids, ElementsAre(fixture::kTinyImEnd));

  write_durably(dir / "generation_config.json", R"({"eos_token_id": [5, 6]})");
  EXPECT_THAT(read_model(dir.path()).eos_token_ids, ElementsAre(5, 6));
  write_durably(dir / "generation_config.json", "{}");
  EXPECT_THAT(read_model(dir.path()).eos_token_ids, ElementsAre(fixture::kTinyImEnd));
  fs::remove(dir / "generation_config.json");
  EXPECT_THAT(read_model(dir.path()).eos_token_ids, ElementsAre(fixture::kTinyImEnd));
  write_durably(dir / "generation_config.json", R"({"eos_token_id": 320})");
  EXPECT_THAT(fixture::error_of(Fault::data, [&] { read_model(dir.path()); }), HasSubstr("generation_config.json:1"));
}

TEST(ModelFolder, CheckListsEveryProblemAtOnce) {
  const fixture::TemporaryDirectory dir;
  fixture::write_tiny_model(dir.path());
  const std::vector<std::byte> none;
  rewrite(dir.path(), [&](std::vector<NewTensor>& tensors) {
    named(tensors, "model.norm.weight").name = "model.norm.wait";
    named(tensors, "model.layers.0.mlp.up_proj.weight").shape = {32, 64};
    named(tensors, "model.layers.1.self_attn.q_proj.weight").dtype = "I32";
    tensors.push_back({"extra.bias", "F32", {0}, none});
  });

  const std::string report = fixture::error_of(Fault::data, [&] { check_model(dir.path()); });

  EXPECT_THAT(report, HasSubstr("tensor model.norm.weight [32] is missing"));
  EXPECT_THAT(report, HasSubstr("\"model.norm.wait\" does not belong"));
  EXPECT_THAT(report, HasSubstr("up_proj.weight is [32, 64], but config.json makes it [64, 32]"));
  EXPECT_THAT(report, HasSubstr("q_proj.weight has dtype I32"));
  EXPECT_THAT(report, HasSubstr("\"extra.bias\" does not belong"));
}

TEST(ModelFolder, CheckShowsTenProblemsAndCountsTheRest) {
  const fixture::TemporaryDirectory dir;
  fixture::write_tiny_model(dir.path());
  rewrite(dir.path(), [](std::vector<NewTensor>& tensors) { tensors.clear(); });

  const std::string report = fixture::error_of(Fault::data, [&] { check_model(dir.path()); });

  EXPECT_EQ(std::count(report.begin(), report.end(), '\n'), 1 + 10 + 1);  // ten problems, "and n more", the remedy
  EXPECT_THAT(report, HasSubstr("and 10 more"));
}

TEST(ModelFolder, LeftoversOfConvertersAreAccepted) {
  const fixture::TemporaryDirectory dir;
  fixture::write_tiny_model(dir.path());
  rewrite(dir.path(), [](std::vector<NewTensor>& tensors) {
    NewTensor head = named(tensors, "model.embed_tokens.weight"), frequencies = named(tensors, "model.norm.weight");
    head.name = "lm_head.weight";
    frequencies.name = "model.layers.0.self_attn.rotary_emb.inv_freq";
    tensors.push_back(head);
    tensors.push_back(frequencies);
  });

  EXPECT_NO_THROW(check_model(dir.path()));
}

TEST(ModelFolder, ATiedHeadOfItsOwnIsRefused) {
  const fixture::TemporaryDirectory dir;
  fixture::write_tiny_model(dir.path());
  std::vector<std::byte> other;
  rewrite(dir.path(), [&](std::vector<NewTensor>& tensors) {
    NewTensor head = named(tensors, "model.embed_tokens.weight");
    other.assign(head.bytes.begin(), head.bytes.end());
    other.back() ^= std::byte{1};
    head.name = "lm_head.weight";
    head.bytes = other;
    tensors.push_back(head);
  });

  EXPECT_THAT(
      fixture::error_of(Fault::data, [&] { check_model(dir.path()); }),
      testing::AllOf(HasSubstr("the file has another lm_head.weight"), HasSubstr("\"tie_word_embeddings\": false")));
}

TEST(ModelFolder, WeightsThatAreNoNumbersAreRefused) {
  for (const char* const dtype : {"F32", "BF16", "F16"}) {
    const fixture::TemporaryDirectory dir;
    fixture::write_tiny_model(dir.path(), {.dtype = dtype});
    std::vector<std::byte> bad;
    rewrite(dir.path(), [&](std::vector<NewTensor>& tensors) {
      NewTensor& matrix = named(tensors, "model.layers.1.mlp.down_proj.weight");
      bad.assign(matrix.bytes.begin(), matrix.bytes.end());
      const std::size_t size = bad.size() / (32 * 64);
      std::fill_n(bad.begin() + static_cast<std::ptrdiff_t>(5 * size), size, std::byte{0xff});
      matrix.bytes = bad;
    });
    EXPECT_THAT(fixture::error_of(Fault::data, [&] { check_model(dir.path()); }),
                HasSubstr("value 5 of tensor model.layers.1.mlp.down_proj.weight is not a finite number"));
  }
}

/// Three ways of saving that put another prefix before every name.
TEST(ModelFolder, NamesWithAnotherPrefixAreOneProblem) {
  for (const auto& [prefix, remedy] :
       std::vector<std::pair<std::string, std::string>>{{"", "AutoModelForCausalLM"},
                                                        {"base_model.model.model.", "merge_and_unload"},
                                                        {"language_model.", "alone"}}) {
    const fixture::TemporaryDirectory dir;
    fixture::write_tiny_model(dir.path());
    rewrite(dir.path(), [&prefix = prefix](std::vector<NewTensor>& tensors) {
      for (NewTensor& tensor : tensors) tensor.name = prefix + tensor.name.substr(std::string("model.").size());
    });

    const std::string report = fixture::error_of(Fault::data, [&] { check_model(dir.path()); });

    EXPECT_THAT(report,
                testing::AllOf(HasSubstr("its tensors' names begin with"), HasSubstr("\"model.\""), HasSubstr(remedy)));
    EXPECT_EQ(report.find("is missing"), report.npos) << report;
  }
}

TEST(ModelFolder, TruncatedWeightsAndMissingFilesAreDataErrors) {
  const fixture::TemporaryDirectory dir;
  EXPECT_THAT(fixture::error_of(Fault::data, [&] { check_model(dir.path()); }), HasSubstr("no config.json in"));
  fixture::write_tiny_model(dir.path());
  fs::resize_file(dir / "model.safetensors", fs::file_size(dir / "model.safetensors") - 1);
  EXPECT_THAT(fixture::error_of(Fault::data, [&] { check_model(dir.path()); }), HasSubstr("cut off"));
}

TEST(ModelDigest, ChangesWithEveryFileThatMattersAndNoOther) {
  const fixture::TemporaryDirectory a, b;
  fixture::write_tiny_model(a.path());
  fixture::write_tiny_model(b.path());
  const std::string digest = model_digest(a.path());
  EXPECT_EQ(model_digest(b.path()), digest);  // deterministic, and the folder's name does not count

  write_durably(b / "README.md", "hello");
  EXPECT_EQ(model_digest(b.path()), digest);
  for (const char* name : {"config.json", "tokenizer.json"}) {
    const std::string content = read_file(b / name);
    write_durably(b / name, content + " ");
    EXPECT_NE(model_digest(b.path()), digest) << name;
    write_durably(b / name, content);
  }
  EXPECT_EQ(model_digest(b.path()), digest);
  fixture::write_tiny_model(b.path(), {.seed = 2});
  EXPECT_NE(model_digest(b.path()), digest);
}

TEST(Inspect, TellsSizesCountsAndTokenizer) {
  const fixture::TemporaryDirectory dir;
  fixture::write_tiny_model(dir.path(), {.tied = false, .llama3_rope = true, .dtype = "BF16"});

  const ModelSummary summary = inspect(dir.path());

  const std::int64_t embedding = 320 * 32, layer = 32 * 32 * 2 + 16 * 32 * 2 + 3 * 64 * 32 + 2 * 32;
  EXPECT_EQ(summary.embedding_parameters, embedding);
  EXPECT_EQ(summary.parameters_per_layer, layer);
  EXPECT_EQ(summary.parameters, 2 * embedding + 2 * layer + 32);
  EXPECT_EQ(summary.values_by_dtype.at("BF16"), summary.parameters);
  EXPECT_EQ(summary.bytes_on_disk, fs::file_size(dir / "model.safetensors"));
  ASSERT_TRUE(summary.tokenizer);
  EXPECT_EQ(summary.tokenizer->entries, fixture::kTinyTokens);
  EXPECT_EQ(summary.tokenizer->special, 3);
  EXPECT_EQ(summary.chat_template, "chat_template.jinja");
  const std::string text = to_text(summary);
  for (const char* part :
       {"LlamaForCausalLM (llama), 2 layers", "own weights", "BF16", "llama3 scaling by 8", "3 special"})
    EXPECT_THAT(text, HasSubstr(part));
  EXPECT_THAT(text, HasSubstr(summary.digest));
}

TEST(ModelDigest, GoesByWhateverDecidesTheIds) {
  const fixture::TemporaryDirectory dir;
  fixture::write_tiny_model(dir.path());
  const auto put = [&](const char* name, const char* content) { write_durably(dir / name, content); };
  put("vocab.txt", "[UNK]");
  const std::string with_json = model_digest(dir.path());
  put("vocab.txt", "[PAD]");
  EXPECT_EQ(model_digest(dir.path()), with_json);  // tokenizer.json alone counts
  fs::remove(dir / "tokenizer.json");

  std::string before = model_digest(dir.path());
  EXPECT_NE(before, with_json);
  // From the one that counts last to the one that counts first, and what is read beside them.
  const std::pair<const char*, const char*> changes[] = {
      {"vocab.txt", "[CLS]"},        {"merges.txt", "a b"},
      {"vocab.json", "{}"},          {"b.tiktoken", "QQ== 0"},
      {"a.tiktoken", "QQ== 0"},      {"tokenizer_config.json", "{}"},
      {"added_tokens.json", "{}"},   {"special_tokens_map.json", "{}"},
      {"tokenizer.model", "QQ== 0"}, {"tokenizer.model", "QQ= 0"},
      {"tekken.json", "{}"},         {"tekken.json", "[]"}};
  for (const auto& [name, content] : changes) {
    put(name, content);
    const std::string now = model_digest(dir.path());
    EXPECT_EQ(now == before, std::string_view(name) == "merges.txt") << name;  // alone it is no tokenizer
    before = now;
  }
  put("tokenizer.model", "Qg== 0");
  EXPECT_EQ(model_digest(dir.path()), before);  // tekken.json comes before it
  EXPECT_THAT(to_text(inspect(dir.path())), HasSubstr("from tekken.json"));
}

TEST(Inspect, SaysWhatIsMissing) {
  const fixture::TemporaryDirectory dir;
  fixture::write_tiny_model(dir.path());
  for (const char* name : {"tokenizer.json", "tokenizer_config.json", "chat_template.jinja"}) fs::remove(dir / name);

  const std::string text = to_text(inspect(dir.path()));

  EXPECT_THAT(text, HasSubstr("no file of one is there"));
  EXPECT_THAT(text, HasSubstr("chat template   none"));
}

}  // namespace
}  // namespace pst::families
