// SPDX-License-Identifier: Apache-2.0
#pragma once
#include <array>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

#include "core/keyed_hash.hpp"
#include "json/object.hpp"

namespace pst::tokenizer {

using IdByText = std::unordered_map<std::string, std::int32_t, KeyedHash, std::equal_to<>>;

/// How a word is spelled before merging: one symbol per byte, or one per character.
enum class Symbols { bytes, characters };

/// A vocabulary and its merges: turns one word into tokens. Immutable after construction.
/// @see Sennrich et al. 2016, "Neural machine translation of rare words with subword units", arXiv:1508.07909
class Bpe {
 public:
  /// A token and how many bytes of the word it stands for.
  struct Part {
    std::int32_t id;
    std::uint32_t length;
  };

  /// @param node the `model` of tokenizer.json. @throws Error(data) naming the place
  Bpe(const json::Object& model, Symbols symbols);

  /// Appends the tokens of `word`: the merge of lowest rank first, of those the leftmost, until none applies.
  /// n log n in the word.
  void encode(std::string_view word, std::vector<Part>& out) const;

  std::optional<std::int32_t> id_of(std::string_view token) const;
  /// By id; ids that the vocabulary skips have no token.
  const std::vector<std::optional<std::string>>& tokens() const { return tokens_; }
  std::size_t size() const { return ids_.size(); }

 private:
  struct Merge {
    std::int32_t rank = -1;  // -1: the two do not merge
    std::int32_t id = -1;
  };

  // Places in both tables depend on secret words: a vocabulary cannot be made to collide.

  /// Open addressing on (left, right): one probe, nearly always.
  class MergeTable {
   public:
    void reserve(std::size_t count);
    void set(std::int32_t left, std::int32_t right, Merge merge);
    Merge find(std::int32_t left, std::int32_t right) const;

   private:
    struct Slot {
      std::uint64_t key = kFree;
      Merge merge;
    };
    static constexpr std::uint64_t kFree = ~0ull;
    std::size_t place(std::uint64_t key) const { return folded_product(key ^ secret_[0], secret_[1]) >> shift_; }
    std::array<std::uint64_t, 2> secret_ = process_secret();
    std::vector<Slot> slots_;
    int shift_ = 63;
  };

  /// Words that are one token, so that most words need no merging. Keys of up to 16 bytes are compared in registers.
  class WordTable {
   public:
    void reserve(std::size_t count);
    void set(std::string_view word, std::int32_t id);
    std::int32_t find(std::string_view word) const;  ///< -1: not there

   private:
    struct Slot {
      std::uint64_t low = 0, high = 0;
      std::uint32_t length = 0;  // 0: free
      std::int32_t id = -1;
    };
    static Slot key_of(std::string_view word);
    std::size_t place(const Slot& key) const {
      return folded_product(key.low ^ secret_[0], key.high ^ (secret_[1] + key.length)) >> shift_;
    }
    std::array<std::uint64_t, 2> secret_ = process_secret();
    std::vector<Slot> slots_;
    int shift_ = 63;
    IdByText long_words_;
  };

  void read_vocabulary(const json::Node& node);
  void read_merges(const json::Node& node);
  void read_bytes(const json::Object& model);
  void remember_whole_words();

  void spell(std::string_view word, std::vector<Part>& out) const;
  void merge(std::vector<Part>& parts, std::size_t first) const;
  void merge_long(std::vector<Part>& parts, std::size_t first) const;

  Symbols symbols_;
  std::vector<std::optional<std::string>> tokens_;
  IdByText ids_;
  MergeTable merges_;
  WordTable words_;
  std::array<std::int32_t, 256> byte_ids_{};      // of one-byte symbols, -1 where the vocabulary lacks it
  std::array<std::int32_t, 256> fallback_ids_{};  // of <0xNN>
  bool byte_fallback_ = false, fuse_unknown_ = false, ignore_merges_ = false;
  std::int32_t unknown_ = -1;
};

}  // namespace pst::tokenizer
