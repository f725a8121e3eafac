// SPDX-License-Identifier: Apache-2.0
// What is told where transformers would make other ids of the data than tokenizer.json.
#include "data/other_ids.hpp"

#include <gmock/gmock.h>

#include "data/prepare.hpp"
#include "model_folder.hpp"

namespace pst::data {
namespace {

using families::TokenizerPipeline;
using ::testing::HasSubstr;
using ::testing::Not;

/// The fixture's folder, with a class whose pipeline composes characters: é is one there, however it is written.
class TokensOfOthers : public ::testing::Test {
 protected:
  TokensOfOthers() {
    nlohmann::json tokenizer = nlohmann::json::parse(fixture::tokenizer_json());
    tokenizer["model"]["vocab"]["<|im_start|>"] = fixture::kImStart;
    tokenizer["model"]["vocab"]["<|im_end|>"] = fixture::kImEnd;
    write_durably(model_.path() / "tokenizer.json", tokenizer.dump());
    name_class("GPTNeoXTokenizer");
    recipe_.name = "x";
    recipe_.model.path = model_.path().string();
    recipe_.output_dir = (folder_ / "runs").string();
    recipe_.data.train = {{(folder_ / "train.jsonl").string()}};
    write_durably(folder_ / "train.jsonl", "{\"text\": \"plain\"}\n{\"text\": \"aé e\u0301 b\"}\n{\"text\": \"é\"}\n");
  }
  void name_class(const std::string& name) {
    const nlohmann::json config = {{"eos_token", "<|im_end|>"},
                                   {"bos_token", "<|im_start|>"},
                                   {"unk_token", "<|im_end|>"},
                                   {"pad_token", "<|im_end|>"},
                                   {"tokenizer_class", name}};
    write_durably(model_.path() / "tokenizer_config.json", config.dump());
  }
  OtherTokens told() { return prepare(recipe_).report.other_tokens.value(); }

  fixture::ModelFolder model_;
  pst::fixture::TemporaryDirectory folder_;
  recipe::Recipe recipe_;
};

TEST_F(TokensOfOthers, AreCountedByRecordAndToken) {
  const OtherTokens counts = told();

  EXPECT_EQ(counts.class_name, "GPTNeoXTokenizer");
  EXPECT_TRUE(counts.compared);
  EXPECT_EQ(counts.records, 3);
  EXPECT_EQ(counts.differing_records, 1);
  EXPECT_EQ(counts.differing_tokens, 3);  // e, and the two bytes of the accent
  EXPECT_EQ(counts.tokens, (5 + 1) + (9 + 1) + (2 + 1));
  const std::string text = prepare(recipe_).report.to_text();  // of the store that is there
  EXPECT_THAT(text, HasSubstr("note: 1 of 3 records (3 of 19 tokens) have other ids in transformers 5"));
  EXPECT_THAT(text, HasSubstr("model.tokenizer: file counts"));
}

TEST_F(TokensOfOthers, AreThoseOfTheFileWhereTransformersCounts) {
  const PreparedStore file = prepare(recipe_);
  recipe_.model.tokenizer = TokenizerPipeline::transformers;
  const PreparedStore theirs = prepare(recipe_);

  EXPECT_NE(theirs.digest, file.digest);
  EXPECT_EQ(theirs.report.other_tokens->differing_records, 1);
  EXPECT_EQ(theirs.report.other_tokens->differing_tokens, 3);  // now é is two tokens, and three by the file
  EXPECT_THAT(theirs.report.to_text(), HasSubstr("model.tokenizer: transformers counts"));
  EXPECT_EQ(theirs.report.total.tokens, file.report.total.tokens - 1);
}

TEST_F(TokensOfOthers, NothingIsToldWhereNoneDiffers) {
  write_durably(folder_ / "train.jsonl", "{\"text\": \"plain\"}\n");
  EXPECT_EQ(told().differing_records, 0);
  EXPECT_THAT(prepare(recipe_).report.to_text(), Not(HasSubstr("other ids")));

  name_class("GPT2Tokenizer");  // does what the file says: nothing to compare
  EXPECT_FALSE(prepare(recipe_).report.other_tokens);
  const std::string digest = prepare(recipe_).digest;
  recipe_.model.tokenizer = TokenizerPipeline::transformers;
  EXPECT_EQ(prepare(recipe_).digest, digest);
}

TEST_F(TokensOfOthers, AClassThatIsNotFollowedIsTold) {
  name_class("RobertaTokenizer");
  EXPECT_FALSE(told().compared);
  EXPECT_THAT(prepare(recipe_).report.to_text(), HasSubstr("RobertaTokenizer, which is not followed here"));
}

TEST_F(TokensOfOthers, ARecordThatIsCutIsComparedUpToThere) {
  recipe_.data.max_length = 3;
  const OtherTokens counts = told();
  EXPECT_EQ(counts.differing_records, 0);
  EXPECT_EQ(counts.tokens, 9);
}

}  // namespace
}  // namespace pst::data
