// SPDX-License-Identifier: Apache-2.0
// A tokenizer.json that we cannot follow exactly is refused, with the place in the file.
#include <gmock/gmock.h>

#include "core/error.hpp"
#include "small_tokenizer.hpp"

namespace pst::tokenizer {
namespace {

using fixture::Json;
using fixture::small;

std::string refusal(const Json& json) {
  try {
    fixture::parsed(json);
    return "accepted";
  } catch (const Error& error) {
    EXPECT_EQ(error.fault(), Fault::data) << error.what();
    return error.message();
  }
}

/// `small()` with one place changed.
Json with(const char* pointer, Json value) {
  Json json = small({{"a", "b"}});
  json[Json::json_pointer(pointer)] = std::move(value);
  return json;
}

TEST(Refusal, NamesThePlaceAndThePart) {
  const std::vector<std::pair<Json, std::string>> cases = {
      {with("/model/type", "Bigram"), "'model.type' has model 'Bigram', which is not supported"},
      {with("/model/type", "Unigram"), "'model.vocab' must be a list"},
      {with("/model", Json::parse(R"({"type": "Unigram", "vocab": [["a", "x"]]})")), "is not [\"token\", score]"},
      {with("/model", Json::parse(R"({"type": "Unigram", "vocab": [["a", -1]], "unk_id": 1})")),
       "not in the vocabulary"},
      {with("/model", Json{{"type", "WordPiece"}, {"vocab", {{std::string(5000, 'a'), 0}}}}), "a token of 5000 bytes"},
      {with("/model/dropout", 0.1), "model.dropout"},
      {with("/model/continuing_subword_prefix", "##"), "goes on without \"##\""},
      {with("/model/unk_token", "<nosuch>"), "not in the vocabulary"},
      {with("/model/vocab", Json::object()), "'model.vocab' is empty"},
      {with("/model/vocab", nullptr), "'model.vocab' is missing"},
      {with("/model/vocab/a", -1), "an id that is none"},
      {with("/model/vocab/a", 98), "gives the id 98 to both"},
      {with("/model/vocab/a", 9000000), "tokens but the id 9000000"},
      {with("/model/merges/0", "ab"), "'model.merges[0]' is not two tokens"},
      {with("/model/merges/0", Json::array({"a", "z\n"})), "'model.merges[0]' needs the token"},
      {with("/model/merges/0", 7), "'model.merges[0]' is neither"},
      {with("/model/byte_fallback", "yes"), "'model.byte_fallback' is \"yes\"; it must be true or false"},
      {with("/version", "2.0"), "version"},
      {with("/normalizer", Json::parse(R"({"type": "Shout"})")), "normalizer 'Shout', which is not supported"},
      {with("/normalizer", Json::parse(R"({"type": "Precompiled", "precompiled_charsmap": "a"})")), "is not base64"},
      {with("/normalizer", Json::parse(R"({"type": "Precompiled", "precompiled_charsmap": "/wAAAA=="})")),
       "gives its trie 255 bytes"},
      {with("/normalizer", Json::parse(R"({"type": "Sequence", "normalizers": [{"type": "NFC"}, {"type": "Up"}]})")),
       "normalizer.normalizers[1]"},
      {with("/pre_tokenizer", Json::parse(R"({"type": "Words"})")), "pre-tokenizer 'Words', which is not supported"},
      {with("/pre_tokenizer", Json::parse(R"({"type": "CharDelimiterSplit", "delimiter": "ab"})")),
       "is not one character"},
      {with("/pre_tokenizer", Json::parse(R"({"type": "Split", "pattern": {"Regex": "a("}, "behavior": "Isolated"})")),
       "pre_tokenizer.pattern.Regex"},
      {with("/pre_tokenizer",
            Json::parse(R"({"type": "Split", "pattern": {"Regex": "[a-z&&b]"}, "behavior": "Isolated"})")),
       "intersection"},
      {with("/pre_tokenizer", Json::parse(R"({"type": "Split", "pattern": {"String": ""}, "behavior": "Isolated"})")),
       "pattern.String' is empty"},
      {with("/pre_tokenizer", Json::parse(R"({"type": "Split", "pattern": {"String": "a"}, "behavior": "Sideways"})")),
       "behavior 'Sideways'"},
      {with("/decoder", Json::parse(R"({"type": "Poet"})")), "decoder 'Poet', which is not supported"},
      {with("/added_tokens", Json::parse(R"([{"id": 97, "content": "<x>"}])")), "added_tokens[0]"},
      {with("/added_tokens", Json::parse(R"([{"id": 400, "content": "a"}])")), "but 97 in the vocabulary"},
      {with("/added_tokens", Json::parse(R"([{"id": 400, "content": "<x>"}, {"id": 401, "content": "<x>"}])")),
       "repeats"},
      {with("/added_tokens", Json::parse(R"([{"id": 14000000, "content": "<x>"}])")), "far beyond"},
      {with("/post_processor", Json::parse(R"(7)")), "'post_processor' is 7; it must be an object"},
      {with("/post_processor", Json::parse(R"({"type": "TemplateProcessing", "special_tokens": {}, "single":
                                              [{"SpecialToken": {"id": "<s>"}}, {"Sequence": {"id": "A"}}]})")),
       "needs \"<s>\", which special_tokens lacks"},
      {with("/added_tokens", Json::array({{{"id", 400}, {"content", std::string(5000, 'x')}}})), "5000 bytes"},
      {Json::array(), "does not hold a JSON object"},
  };
  for (const auto& [json, expected] : cases) {
    EXPECT_THAT(refusal(json), testing::StartsWith("tokenizer.json:"));
    EXPECT_THAT(refusal(json), testing::HasSubstr(expected));
  }
}

TEST(Refusal, AMissingFileSaysWhatIsWanted) {
  try {
    Tokenizer::load("/nonexistent");
    FAIL() << "nothing was thrown";
  } catch (const Error& error) {
    EXPECT_THAT(error.what(), testing::HasSubstr("/nonexistent/tokenizer.json does not exist"));
    EXPECT_FALSE(error.remedy().empty());
  }
}

}  // namespace
}  // namespace pst::tokenizer
