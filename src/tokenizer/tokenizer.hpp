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
struct Piece {
  std::int32_t id = 0;
  std::size_t begin = 0, end = 0;  ///< byte range in the text given to encode
};

/// Byte-level BPE as tokenizer.json describes it: added tokens, the model's own pre-tokeniser, merges.
/// Anything in the file that this class does not do exactly is refused, never approximated.
class Tokenizer {
 public:
  /// Reads `<model_dir>/tokenizer.json` (and eos/bos names from tokenizer_config.json when there is one).
  /// @throws Error(data) naming the file and the part that is wrong or not supported
  static Tokenizer load(const std::filesystem::path& model_dir);
  /// @param name used in messages
  static Tokenizer parse(std::string_view tokenizer_json, const std::string& name);

  Tokenizer(Tokenizer&&) noexcept;
  Tokenizer& operator=(Tokenizer&&) noexcept;
  ~Tokenizer();

  /// The text's tokens; added tokens written in the text are recognised; nothing is put before or after.
  /// Linear in the text for any input. @throws Error(data) when the text is not UTF-8
  std::vector<Piece> encode_pieces(std::string_view text) const;
  std::vector<std::int32_t> encode(std::string_view text) const;
  /// @param keep_special  false leaves special added tokens out. Invalid byte sequences become U+FFFD.
  /// @throws Error(data) on an id that the vocabulary does not have
  std::string decode(std::span<const std::int32_t> ids, bool keep_special = true) const;
  /// The raw bytes of one token, for streaming output.
  std::string bytes_of(std::int32_t id) const;

  std::optional<std::int32_t> id_of(std::string_view token) const;
  bool is_special(std::int32_t id) const;
  std::int32_t vocabulary_size() const;  ///< largest id + 1
  /// Changes whenever encode() could: digest of the file's content.
  const std::string& digest() const;

 private:
  struct Impl;
  explicit Tokenizer(std::unique_ptr<Impl> impl);
  std::unique_ptr<Impl> impl_;
};

}  // namespace pst::tokenizer
