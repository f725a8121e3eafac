// SPDX-License-Identifier: Apache-2.0
#pragma once
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

namespace pst::tokenizer {

/// A SentencePiece model file, as far as it says how text becomes ids. @see sentencepiece_model.proto
struct SentencePieceModel {
  enum class Type { normal = 1, unknown = 2, control = 3, user_defined = 4, unused = 5, byte = 6 };
  struct Piece {
    std::string text;
    double score = 0;
    Type type = Type::normal;
  };
  enum class Kind { unigram = 1, bpe = 2, word = 3, character = 4 };

  std::vector<Piece> pieces;  ///< by id
  Kind kind = Kind::unigram;
  std::int64_t unk_id = 0, bos_id = 1, eos_id = 2;  ///< -1: none
  bool byte_fallback = false;
  bool add_dummy_prefix = true, remove_extra_whitespaces = true, escape_whitespaces = true;
  bool whitespace_as_suffix = false;
  std::string charsmap;  ///< precompiled, in bytes

  /// @param name used in messages. @throws Error(data) on bytes that are no such file
  static SentencePieceModel parse(std::string_view bytes, const std::string& name);
};

}  // namespace pst::tokenizer
