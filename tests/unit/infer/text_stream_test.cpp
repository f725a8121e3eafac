// SPDX-License-Identifier: Apache-2.0
#include "infer/text_stream.hpp"

#include <gtest/gtest.h>

#include "support/temporary_directory.hpp"
#include "support/tiny_model.hpp"

namespace pst::infer {
namespace {

/// The tiny tokenizer has a token for every byte.
class TextStreams : public testing::Test {
 protected:
  TextStreams() : tokenizer_(load()) {}
  static tokenizer::Tokenizer load() {
    const fixture::TemporaryDirectory dir;
    fixture::write_tiny_model(dir.path());
    return tokenizer::Tokenizer::load(dir.path());
  }
  /// What comes of each byte, one piece a token, and of the end.
  std::vector<std::string> pieces(const std::string& bytes, std::vector<std::string> stops, bool keep_stop = false) {
    TextStream stream(tokenizer_, std::move(stops), keep_stop);
    std::vector<std::string> pieces;
    for (const char byte : bytes) pieces.push_back(stream.add(token_of(byte)));
    pieces.push_back(stream.end());
    stopped_by_ = stream.stopped_by();
    return pieces;
  }
  std::int32_t token_of(char byte) const {
    for (std::int32_t id = 0; id < 256; ++id)
      if (tokenizer_.bytes_of(id) == std::string(1, byte)) return id;
    ADD_FAILURE() << "no token for a byte";
    return 0;
  }
  static std::string joined(const std::vector<std::string>& pieces) {
    std::string all;
    for (const std::string& piece : pieces) all += piece;
    return all;
  }
  tokenizer::Tokenizer tokenizer_;
  std::optional<std::string> stopped_by_;
};
using Pieces = std::vector<std::string>;

TEST_F(TextStreams, GivesWholeCharacters) {
  EXPECT_EQ(pieces("a\xC3\xA9z", {}), (Pieces{"a", "", "\xC3\xA9", "z", ""}));
  EXPECT_EQ(pieces("\xF0\x9F\x98\x80!", {}), (Pieces{"", "", "", "\xF0\x9F\x98\x80", "!", ""}));
}

TEST_F(TextStreams, BytesThatAreNoCharacterAreMarked) {
  EXPECT_EQ(joined(pieces("a\xC3z", {})), "a\xEF\xBF\xBDz");
  EXPECT_EQ(joined(pieces("a\xE2\x82", {})), "a\xEF\xBF\xBD");
}

TEST_F(TextStreams, HoldsBackWhatMayBecomeAStopString) {
  EXPECT_EQ(pieces("xENx", {"END"}), (Pieces{"x", "", "", "ENx", ""}));
  EXPECT_FALSE(stopped_by_.has_value());
  EXPECT_EQ(joined(pieces("xEN", {"END"})), "xEN") << "nothing more came";
}

TEST_F(TextStreams, EndsBeforeTheFirstStopString) {
  EXPECT_EQ(joined(pieces("one END two", {"two", "END"})), "one ");
  EXPECT_EQ(stopped_by_, "END");
  EXPECT_EQ(joined(pieces("one END two", {"END"}, true)), "one END");
  EXPECT_EQ(joined(pieces("aab", {"ab"})), "a") << "what looked like a beginning was not one";
}

TEST_F(TextStreams, SpecialTokensAndThoseThatTheTokenizerLacksAreNoText) {
  TextStream stream(tokenizer_, {});
  EXPECT_EQ(stream.add(fixture::kTinyTokens + 5), "");
  EXPECT_EQ(stream.add(fixture::kTinyImEnd), "");
  EXPECT_EQ(stream.end(), "");
}

}  // namespace
}  // namespace pst::infer
