// SPDX-License-Identifier: Apache-2.0
// What transformers gave for small tokenizers; recorded by tools/parity/tokenizer_pipeline_check.py --record.
#include "families/open_tokenizer.hpp"

#include <gmock/gmock.h>

#include <nlohmann/json.hpp>

#include "core/error.hpp"
#include "core/file.hpp"
#include "core/strings.hpp"
#include "source_tree.hpp"
#include "support/temporary_directory.hpp"

namespace pst::families {
namespace {

using Json = nlohmann::json;
using testing::HasSubstr;
using tokenizer::Tokenizer;
using Ids = std::vector<std::int32_t>;

namespace fs = std::filesystem;

Json read(const fs::path& path) { return Json::parse(read_file(path)); }

class OpenTokenizer : public testing::Test {
 protected:
  void put(const char* name, const Json& content) { write_durably(dir_ / name, content.dump()); }
  void lay_out(const Json& tokenizer, const Json& config, const Json& tokenizer_config) {
    put("tokenizer.json", tokenizer);
    put("config.json", config);
    put("tokenizer_config.json", tokenizer_config);
  }
  Tokenizer open(TokenizerPipeline pipeline = TokenizerPipeline::transformers) {
    return open_tokenizer(dir_.path(), pipeline);
  }
  pst::fixture::TemporaryDirectory dir_;
};

Ids ids_of(const Tokenizer& tokenizer, const std::string& text, tokenizer::Around around) {
  Ids ids;
  for (const auto& piece : tokenizer.encode_pieces(text, around)) ids.push_back(piece.id);
  return ids;
}

TEST_F(OpenTokenizer, GivesTheIdsOfTransformers) {
  for (const char* const kind : {"smollm", "llama2"}) {
    const fs::path fixtures = fs::path(PST_SOURCE_DIR) / "tests" / "fixtures";
    const Json recorded = read(fixtures / "tokenizer_classes" / cat(kind, ".json"));
    const Json tokenizer = read(fixtures / "tokenizer" / cat(kind, ".json"))["tokenizer"];
    ASSERT_FALSE(recorded["cases"].empty());
    for (const Json& one : recorded["cases"]) {
      SCOPED_TRACE(cat(kind, ": ", one["config"].dump(), one["tokenizer_config"].dump()));
      lay_out(tokenizer, one["config"], one["tokenizer_config"]);
      const std::string name = one["class"];
      if (name == "RobertaTokenizer" || name == "CodeLlamaTokenizer") {
        EXPECT_THROW(open(), Error);
        continue;
      }
      const Tokenizer opened = open();
      for (std::size_t i = 0; i < recorded["texts"].size(); ++i) {
        const std::string text = recorded["texts"][i];
        SCOPED_TRACE(text);
        EXPECT_EQ(ids_of(opened, text, tokenizer::Around::nothing), one["ids"][i].get<Ids>());
        EXPECT_EQ(ids_of(opened, text, tokenizer::Around::special_tokens), one["around"][i].get<Ids>());
      }
      // A class that keeps the file has the file's digest, and with it the file's prepared data.
      const bool keeps = name == "TokenizersBackend";
      EXPECT_EQ(opened.digest() == open(TokenizerPipeline::file).digest(), keeps) << name;
      EXPECT_EQ(other_tokenizer(dir_.path(), TokenizerPipeline::file).has_value(), !keeps) << name;
    }
  }
}

TEST_F(OpenTokenizer, AFileThatSaysTheSameIsKept) {
  const Json tokenizer = read(fs::path(PST_SOURCE_DIR) / "tests/fixtures/tokenizer/qwen2.json")["tokenizer"];
  lay_out(tokenizer, {{"model_type", "qwen2"}}, {{"tokenizer_class", "Qwen2Tokenizer"}});
  EXPECT_EQ(open().digest(), open(TokenizerPipeline::file).digest());
  EXPECT_FALSE(other_tokenizer(dir_.path(), TokenizerPipeline::file));

  Json digits = tokenizer;  // the same but for one part
  digits["pre_tokenizer"]["pretokenizers"][0]["behavior"] = "Removed";
  put("tokenizer.json", digits);
  EXPECT_NE(open().digest(), open(TokenizerPipeline::file).digest());
}

TEST_F(OpenTokenizer, RefusesAClassThatIsNotFollowedByName) {
  const Json tokenizer = read(fs::path(PST_SOURCE_DIR) / "tests/fixtures/tokenizer/smollm.json")["tokenizer"];
  lay_out(tokenizer, {{"model_type", "smollm3"}}, {{"tokenizer_class", "RobertaTokenizerFast"}});
  try {
    open();
    FAIL();
  } catch (const Error& error) {
    EXPECT_EQ(error.fault(), Fault::usage);
    EXPECT_THAT(error.message(), HasSubstr("RobertaTokenizer"));
    EXPECT_THAT(error.remedy(), HasSubstr("file"));
  }
  const auto other = other_tokenizer(dir_.path(), TokenizerPipeline::file);
  ASSERT_TRUE(other);
  EXPECT_EQ(other->class_name, "RobertaTokenizer");
  EXPECT_FALSE(other->tokenizer);
}

TEST(TokenizerPipelineOf, AnAdaptersMetadata) {
  for (const auto& [word, pipeline] : words_of(TokenizerPipeline::file))
    EXPECT_EQ(pipeline_in(pipeline_metadata(pipeline)), pipeline) << word;
  EXPECT_TRUE(pipeline_metadata(TokenizerPipeline::file).empty());  // files of runs before it stay as they are
  EXPECT_THROW(pipeline_in({{"model.tokenizer", "other"}}), Error);
}

}  // namespace
}  // namespace pst::families
