// SPDX-License-Identifier: Apache-2.0
#pragma once
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "json/object.hpp"
#include "tokenizer/text_pattern.hpp"

namespace pst::tokenizer {

/// A token on its way back to text.
struct Spelling {
  std::string_view token;
  bool added = false;  ///< an added token is not written in the byte alphabet
};

/// The `decoder` of tokenizer.json: ByteLevel, Replace, ByteFallback, Fuse, Strip, Metaspace, WordPiece, BPEDecoder,
/// CTC, and Sequence of these. Without one there is a blank between all tokens, as in HF tokenizers.
class Decoder {
 public:
  Decoder() = default;
  /// @throws Error(data) on one that is not known
  explicit Decoder(const json::Object& node);

  /// Text with malformed bytes replaced by U+FFFD.
  std::string decode(std::span<const Spelling> tokens) const;
  /// The bytes of one token in the middle of a text.
  std::string bytes_of(Spelling token) const;

 private:
  enum class Kind { byte_level, replace, byte_fallback, fuse, strip, metaspace, word_piece, bpe, ctc };
  struct Step {
    Kind kind;
    std::vector<Pattern> what = {};        // replace
    std::string text = {};                 // replace: with; strip, metaspace: the character; others: the mark
    std::size_t at_start = 0, at_end = 0;  // strip: how many at most
    bool drop_first = false;               // metaspace: the sign before the first token was put there
    bool cleans = false;                   // word_piece, ctc: blanks before signs go
    std::string delimiter = {};            // ctc: between words
  };
  void read(const json::Object& node, int depth);
  static void apply(const Step& step, std::vector<std::string>& texts, Effort& effort);

  std::vector<Step> steps_;
  bool is_there_ = false;
};

}  // namespace pst::tokenizer
