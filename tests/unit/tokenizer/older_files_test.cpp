// SPDX-License-Identifier: Apache-2.0
// Folders without tokenizer.json: each format in the small.
#include "tokenizer/older_files.hpp"

#include <gmock/gmock.h>

#include <bit>
#include <fstream>

#include "core/error.hpp"
#include "core/file.hpp"
#include "support/temporary_directory.hpp"
#include "tokenizer/base64.hpp"
#include "tokenizer/tokenizer.hpp"

namespace pst::tokenizer {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;

class OlderFiles : public testing::Test {
 protected:
  void put(const char* name, const std::string& content) { std::ofstream(dir_ / name, std::ios::binary) << content; }
  Tokenizer load() const { return Tokenizer::load(dir_.path()); }
  std::string refusal() const {
    try {
      load();
      return "accepted";
    } catch (const Error& error) {
      EXPECT_EQ(error.fault(), Fault::data);
      EXPECT_FALSE(error.remedy().empty());
      return error.message();
    }
  }
  pst::fixture::TemporaryDirectory dir_;
};

TEST_F(OlderFiles, FlagsOfTheConfigCountBesideTokenizerJson) {
  put("tokenizer.json", R"({"added_tokens": [{"id": 2, "content": "<x>", "special": false, "lstrip": false,
    "rstrip": false, "single_word": false, "normalized": false}], "model": {"type": "BPE",
    "vocab": {"a": 0, " ": 1}, "merges": []}})");
  const auto plain = load();
  EXPECT_THAT(plain.encode("a <x> a"), ElementsAre(0, 1, 2, 1, 0));
  EXPECT_FALSE(plain.is_special(2));

  const auto with = [&](const char* rstrip, const char* special) {
    put("tokenizer_config.json", std::string(R"({"added_tokens_decoder": {"2": {"content": "<x>", "lstrip": false,
      "rstrip": )") + rstrip + R"(, "single_word": false, "normalized": false, "special": )" +
                                     special + "}}}");
    return load();
  };
  EXPECT_THAT(with("true", "true").encode("a <x> a"), ElementsAre(0, 1, 2, 0));
  EXPECT_TRUE(with("true", "true").is_special(2));
  EXPECT_NE(with("true", "true").digest(), plain.digest());
  EXPECT_EQ(with("false", "false").digest(), plain.digest());  // the same as the file says
}

std::vector<std::int32_t> ids_with_special(const Tokenizer& tokenizer, const std::string& text) {
  std::vector<std::int32_t> ids;
  for (const auto& piece : tokenizer.encode_pieces(text, Around::special_tokens)) ids.push_back(piece.id);
  return ids;
}

// ---- a protobuf, written by hand

std::string varint(std::uint64_t value) {
  std::string bytes;
  for (; value >= 0x80; value >>= 7) bytes += static_cast<char>(value | 0x80);
  return bytes + static_cast<char>(value);
}
std::string number(int field, std::uint64_t value) {
  return varint(static_cast<std::uint64_t>(field) << 3) + varint(value);
}
std::string text(int field, const std::string& value) {
  return varint(static_cast<std::uint64_t>(field) << 3 | 2) + varint(value.size()) + value;
}
std::string piece(const std::string& token, float score, int type = 1) {
  const auto bits = std::bit_cast<std::uint32_t>(score);
  std::string bytes = text(1, token) + varint(2 << 3 | 5);
  for (int i = 0; i < 4; ++i) bytes += static_cast<char>(bits >> (8 * i) & 0xff);
  return text(1, bytes + number(3, static_cast<std::uint64_t>(type)));
}

/// Ids: <unk> 0, <s> 1, </s> 2, "▁" 3, a 4, b 5, ab 6, "▁ab" 7, <mark> 8.
std::string sentencepiece(int kind) {
  const std::string sign = "\xe2\x96\x81";
  return piece("<unk>", 0, 2) + piece("<s>", 0, 3) + piece("</s>", 0, 3) + piece(sign, -4) + piece("a", -5) +
         piece("b", -6) + piece("ab", -1) + piece(sign + "ab", -2) + piece("<mark>", 0, 4) +
         text(2, number(3, static_cast<std::uint64_t>(kind)) + number(40, 0) + number(41, 1) + number(42, 2)) +
         text(3, number(3, 1) + number(4, 0));
}

TEST_F(OlderFiles, SentencePieceBpe) {
  put("tokenizer.model", sentencepiece(/*kind=*/2));
  const Tokenizer tokenizer = load();

  EXPECT_THAT(tokenizer.encode("ab aab"), ElementsAre(7, 3, 4, 6));
  EXPECT_THAT(tokenizer.encode("ab<mark>ab"), ElementsAre(7, 8, 7));
  EXPECT_THAT(tokenizer.encode("axx"), ElementsAre(3, 4, 0));  // unknown ones are one
  EXPECT_THAT(ids_with_special(tokenizer, "ab"), ElementsAre(1, 7));
  EXPECT_EQ(tokenizer.decode(tokenizer.encode("ab aab")), "ab aab");

  put("tokenizer_config.json", R"({"add_bos_token": false, "add_eos_token": true, "legacy": false})");
  EXPECT_THAT(ids_with_special(load(), "ab<mark>ab"), ElementsAre(7, 8, 6, 2));  // the sign comes at the start only
}

TEST_F(OlderFiles, SentencePieceUnigram) {
  put("tokenizer.model", sentencepiece(/*kind=*/1));
  const Tokenizer tokenizer = load();

  EXPECT_THAT(tokenizer.encode("ab ba"), ElementsAre(7, 3, 5, 4));
  EXPECT_THAT(ids_with_special(tokenizer, "ab"), ElementsAre(7, 2));
}

TEST_F(OlderFiles, ASentencePieceModelThatIsNone) {
  const std::string whole = sentencepiece(2);
  put("tokenizer.model", whole.substr(0, whole.size() - 3));
  EXPECT_THAT(refusal(), HasSubstr("no SentencePiece model: a field of"));
  put("tokenizer.model", "");
  EXPECT_THAT(refusal(), HasSubstr("it has no pieces"));
  put("tokenizer.model", sentencepiece(/*kind=*/4));
  EXPECT_THAT(refusal(), HasSubstr("words or characters"));
}

std::string ranks(int count) {
  std::string lines;
  for (int byte = 0; byte < 256; ++byte)
    lines += to_base64(std::string(1, static_cast<char>(byte))) + " " + std::to_string(byte) + "\n";
  lines += to_base64("ab") + " 256\n" + to_base64("abc") + " 257\n";
  for (int i = 258; i < count; ++i)
    lines += to_base64(i == 300 ? "hello" : "#" + std::to_string(i)) + " " + std::to_string(i) + "\n";
  return lines;
}

TEST_F(OlderFiles, TiktokenKnowsItsPatternByTheNumberOfRanks) {
  put("tokenizer.model", ranks(128000));
  const Tokenizer tokenizer = load();

  EXPECT_THAT(tokenizer.encode("abcab1234<|eot_id|>"), ElementsAre(257, 256, '1', '2', '3', '4', 128009));
  EXPECT_THAT(tokenizer.encode("hello"), ElementsAre(300));  // a token that no merges make

  put("tokenizer.model", ranks(300));
  EXPECT_THAT(refusal(), HasSubstr("has no pattern, and its 300 ranks are those of no model known here"));
  put("tokenizer.model", "YQ== 0\nYg== 2\n");
  EXPECT_THAT(refusal(), HasSubstr("tokenizer.model:2: expected a token in base64 and the rank 1"));
}

TEST_F(OlderFiles, TiktokenOfQwenComposesCharacters) {
  put("qwen.tiktoken", ranks(151643));
  EXPECT_THAT(load().encode("e\u0301"), ElementsAre(0xc3, 0xa9));  // as its publisher's code does before it looks
}

TEST_F(OlderFiles, Tekken) {
  std::string vocab;
  for (int byte = 0; byte < 256; ++byte)
    vocab += "{\"rank\": " + std::to_string(byte) + ", \"token_bytes\": \"" +
             to_base64(std::string(1, static_cast<char>(byte))) + "\"},";
  vocab += R"({"rank": 256, "token_bytes": "YWI="}, {"rank": 257, "token_bytes": "YWJj"})";
  put("tekken.json",
      R"({"config": {"pattern": "\\p{L}+|\\P{L}", "default_vocab_size": 267, "default_num_special_tokens": 10},
                         "vocab": [)" +
          vocab + "]}");
  const Tokenizer tokenizer = load();

  EXPECT_THAT(tokenizer.encode("abc[INST]ab"),
              ElementsAre(266, 'c' + 10, 3, 266));  // 257 is beyond the vocabulary's size
  EXPECT_THAT(ids_with_special(tokenizer, "a"), ElementsAre(1, 'a' + 10));
}

TEST_F(OlderFiles, VocabAndMergesNeedTheirClass) {
  put("vocab.json", R"({"a": 0, "b": 1, "ab": 2, "Ġ": 3, "Ġab": 4, "<x>": 5})");
  put("merges.txt", "#version: 0.2\na b\nĠ ab\n");
  EXPECT_THAT(refusal(), HasSubstr("do not say how text is split"));

  put("tokenizer_config.json", R"({"tokenizer_class": "GPT2Tokenizer", "eos_token": "<x>"})");
  put("added_tokens.json", R"({"<new>": 6})");
  EXPECT_THAT(load().encode("ab ab<x><new>"), ElementsAre(2, 4, 5, 6));
  EXPECT_TRUE(load().is_special(5));
  EXPECT_FALSE(load().is_special(6));
}

TEST_F(OlderFiles, VocabTxtIsBerts) {
  put("vocab.txt", "[PAD]\n[UNK]\n[CLS]\n[SEP]\nab\n##c\n,\n");
  EXPECT_THAT(ids_with_special(load(), "ABC, x"), ElementsAre(2, 4, 5, 6, 1, 3));
  put("tokenizer_config.json", R"({"do_lower_case": false})");
  EXPECT_THAT(load().encode("ABC"), ElementsAre(1));
}

TEST_F(OlderFiles, TokenizerJsonComesFirst) {
  put("vocab.txt", "[UNK]\n[CLS]\n[SEP]\n");
  put("tokenizer.json", "{");
  EXPECT_THAT(refusal(), HasSubstr("tokenizer.json:1:"));
}

}  // namespace
}  // namespace pst::tokenizer
