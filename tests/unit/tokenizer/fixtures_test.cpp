// SPDX-License-Identifier: Apache-2.0
// What Hugging Face tokenizers gave; recorded by tools/parity/record_tokenizers.py.
#include <gmock/gmock.h>

#include <algorithm>
#include <nlohmann/json.hpp>

#include "core/file.hpp"
#include "source_tree.hpp"
#include "tokenizer/tokenizer.hpp"

namespace pst::tokenizer {
namespace {

using Json = nlohmann::json;

std::vector<std::int32_t> ids_of(const std::vector<Piece>& pieces) {
  std::vector<std::int32_t> ids;
  for (const auto& piece : pieces) ids.push_back(piece.id);
  return ids;
}

/// How many characters begin before byte `end`.
std::size_t characters_before(const std::string& text, std::size_t end) {
  return static_cast<std::size_t>(std::count_if(text.begin(), text.begin() + static_cast<std::ptrdiff_t>(end),
                                                [](char c) { return (static_cast<unsigned char>(c) & 0xc0) != 0x80; }));
}

class Recorded : public testing::TestWithParam<fs::path> {};

TEST_P(Recorded, GivesTheSameIds) {
  const Json file = Json::parse(read_file(GetParam()));
  const Tokenizer tokenizer = Tokenizer::parse(file.at("tokenizer").dump(), "recorded");

  for (const Json& one : file.at("cases")) {
    const std::string text = one.at("text");
    SCOPED_TRACE(text);
    EXPECT_EQ(tokenizer.encode(text), one.at("ids").get<std::vector<std::int32_t>>());
    if (one.contains("special_ids")) {
      EXPECT_EQ(ids_of(tokenizer.encode_pieces(text, Around::special_tokens)),
                one.at("special_ids").get<std::vector<std::int32_t>>());
    }
  }
}

/// Offsets of characters, as HF counts. A token made of inserted text alone has none of ours; where a normaliser
/// changed several characters together, ours are of all of them.
TEST_P(Recorded, OffsetsCoverHfs) {
  const Json file = Json::parse(read_file(GetParam()));
  const Tokenizer tokenizer = Tokenizer::parse(file.at("tokenizer").dump(), "recorded");
  const std::string normalizer = file.at("tokenizer").at("normalizer").dump();
  const auto has = [&](const char* name) { return normalizer.find(name) != std::string::npos; };
  const bool forms = has("NF") || has("Bert") || has("Precompiled");

  for (const Json& one : file.at("cases")) {
    if (!one.contains("offsets")) continue;
    const std::string text = one.at("text");
    SCOPED_TRACE(text);
    const auto pieces = tokenizer.encode_pieces(text);
    ASSERT_EQ(pieces.size(), one.at("offsets").size());
    for (std::size_t i = 0; i < pieces.size(); ++i) {
      if (pieces[i].begin == pieces[i].end) continue;
      const auto begin = characters_before(text, pieces[i].begin + 1) - 1, end = characters_before(text, pieces[i].end);
      const auto theirs = one.at("offsets")[i].get<std::pair<std::size_t, std::size_t>>();
      if (forms) {
        EXPECT_LE(begin, theirs.first) << i;
        EXPECT_GE(end, theirs.second) << i;
      } else {
        EXPECT_EQ(std::pair(begin, end), theirs) << i;
      }
    }
  }
}

TEST_P(Recorded, DecodesToTheSameText) {
  const Json file = Json::parse(read_file(GetParam()));
  const Tokenizer tokenizer = Tokenizer::parse(file.at("tokenizer").dump(), "recorded");
  // HF reads an added token with a letter of the byte alphabet ("Élan") as bytes; ours stays what it says.
  const auto differs = tokenizer.id_of("Élan");
  ASSERT_TRUE(differs);

  for (const Json& one : file.at("cases")) {
    const auto ids = one.at("ids").get<std::vector<std::int32_t>>();
    if (std::count(ids.begin(), ids.end(), *differs) > 0) continue;
    SCOPED_TRACE(one.at("text").get<std::string>());
    EXPECT_EQ(tokenizer.decode(ids), one.at("decoded").get<std::string>());
    EXPECT_EQ(tokenizer.decode(ids, /*keep_special=*/false), one.at("decoded_plain").get<std::string>());
  }
}

TEST_P(Recorded, PiecesLieInTheTextInOrder) {
  const Json file = Json::parse(read_file(GetParam()));
  const Tokenizer tokenizer = Tokenizer::parse(file.at("tokenizer").dump(), "recorded");

  for (const Json& one : file.at("cases")) {
    const std::string text = one.at("text");
    SCOPED_TRACE(text);
    std::size_t begin = 0;
    for (const Piece& piece : tokenizer.encode_pieces(text)) {
      EXPECT_LE(piece.begin, piece.end);
      EXPECT_LE(piece.end, text.size());
      EXPECT_GE(piece.begin, begin);
      begin = piece.begin;
    }
  }
}

std::vector<fs::path> files() {
  std::vector<fs::path> found;
  for (const auto& entry : fs::directory_iterator(fs::path(PST_SOURCE_DIR) / "tests/fixtures/tokenizer"))
    if (entry.path().extension() == ".json") found.push_back(entry.path());
  std::sort(found.begin(), found.end());
  return found;
}

INSTANTIATE_TEST_SUITE_P(Files, Recorded, testing::ValuesIn(files()),
                         [](const auto& given) { return given.param.stem().string(); });

TEST(Recorded, AllFilesAreThere) { EXPECT_GE(files().size(), 29u); }

}  // namespace
}  // namespace pst::tokenizer
