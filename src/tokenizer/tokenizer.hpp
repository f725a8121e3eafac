// SPDX-License-Identifier: Apache-2.0
#pragma once
#include <cstdint>
#include <filesystem>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace pst::tokenizer {

/// A token and the bytes of the input that it stands for.
/// Where a normaliser changed the text, the range is that of the whole run of characters that it changed together, so a
/// range never claims less than what the token stands for; text that a normaliser or pre-tokeniser put in stands for
/// nothing, and a token made of it alone has an empty range.
struct Piece {
  std::int32_t id = 0;
  std::size_t begin = 0, end = 0;  ///< byte range in the text given to encode
};

/// Names from tokenizer_config.json, absent where the file or the entry is.
struct SpecialNames {
  std::optional<std::string> bos, eos, pad, unk;
};

/// What the tokenizer itself puts around a text (its post_processor): nothing, or the tokens that it publishes.
enum class Around { nothing, special_tokens };

/// BPE, Unigram, WordPiece or WordLevel as tokenizer.json describes it: added tokens, normaliser, the model's own
/// pre-tokeniser, the model. Anything in the file that this class does not do exactly is refused, never approximated.
/// Const members may be called from several threads at once.
class Tokenizer {
 public:
  /// Reads `<model_dir>/tokenizer.json`, or what older_files.hpp lists, and the names in tokenizer_config.json.
  /// @throws Error(data) naming the file and the part that is wrong or not supported
  static Tokenizer load(const std::filesystem::path& model_dir);
  /// With the text of tokenizer.json that rebuild.hpp made of the folder. @param name  used in messages
  static Tokenizer load_rebuilt(const std::filesystem::path& model_dir, std::string_view tokenizer_json,
                                const std::string& name);
  /// @param name used in messages
  static Tokenizer parse(std::string_view tokenizer_json, const std::string& name);

  Tokenizer(Tokenizer&&) noexcept;
  Tokenizer& operator=(Tokenizer&&) noexcept;
  ~Tokenizer();

  /// The text's tokens; added tokens written in the text are recognised. What is put around it has an empty range.
  /// n log n in any text, given a pattern that is linear itself, as those that models publish are. Bytes that the
  /// vocabulary lacks become its unknown token, or nothing where it has none (as in HF tokenizers). @throws Error(data)
  /// when the text is not UTF-8
  std::vector<Piece> encode_pieces(std::string_view text, Around around = Around::nothing) const;
  std::vector<std::int32_t> encode(std::string_view text) const;
  /// @param keep_special  false leaves special added tokens out. Invalid byte sequences become U+FFFD.
  /// @throws Error(data) on an id that the vocabulary does not have
  std::string decode(std::span<const std::int32_t> ids, bool keep_special = true) const;
  /// The token as the vocabulary spells it. @throws Error(data) on an id that it does not have
  std::string token_of(std::int32_t id) const;
  /// The raw bytes of one token, for streaming output.
  std::string bytes_of(std::int32_t id) const;

  std::optional<std::int32_t> id_of(std::string_view token) const;
  bool is_special(std::int32_t id) const;
  /// Models may predict more ids than their tokenizer has: rows that only fill their matrices up.
  bool has(std::int32_t id) const;
  /// The first special token that is spelled in `text`: encode() makes that token of it, whoever wrote the text.
  std::optional<std::string> special_in(std::string_view text) const;
  std::int32_t vocabulary_size() const;  ///< largest id + 1
  /// Changes whenever encode() could: digest of the file's content.
  const std::string& digest() const;
  const SpecialNames& special_names() const;  ///< all absent after parse()

 private:
  struct Impl;
  explicit Tokenizer(std::unique_ptr<Impl> impl);
  std::unique_ptr<Impl> impl_;
};

}  // namespace pst::tokenizer
