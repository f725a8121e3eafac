// SPDX-License-Identifier: Apache-2.0
#pragma once
#include <array>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "core/keyed_hash.hpp"
#include "tokenizer/word_model.hpp"

namespace pst::tokenizer {

/// A vocabulary and its merges: turns one word into tokens. Immutable after construction.
/// @see Sennrich et al. 2016, "Neural machine translation of rare words with subword units", arXiv:1508.07909
class Bpe final : public WordModel {
 public:
  /// @param node the `model` of tokenizer.json. @throws Error(data) naming the place
  Bpe(const json::Object& model, Symbols symbols);

  /// The merge of lowest rank first, of those the leftmost, until none applies. n log n in the word.
  void encode(std::string_view word, std::vector<Part>& out) const override;
  void encode_all(std::string_view text, std::span<const Range> words, std::vector<Placed>& out) const override;

 private:
  struct Merge {
    std::int32_t rank = -1;  // -1: the two do not merge
    std::int32_t id = -1;
  };

  // Places in both tables depend on secret words: a vocabulary cannot be made to collide.

  /// Open addressing on (left, right): one probe, nearly always. Most pairs do not merge: a few bits for each merge say
  /// so of nearly all of them, and stay in the cache where the table does not.
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
    std::uint64_t hash(std::uint64_t key) const { return folded_product(key ^ secret_[0], secret_[1] | 1); }
    std::array<std::uint64_t, 2> secret_ = process_secret();
    std::vector<Slot> slots_;
    std::vector<std::uint64_t> bits_;
    int shift_ = 63;
  };

  /// A word of at most 16 bytes, padded with zeros.
  struct ShortWord {
    static constexpr std::size_t kLongest = 16;
    std::uint64_t low = 0, high = 0;
    std::uint32_t length = 0;
    friend bool operator==(const ShortWord&, const ShortWord&) = default;
    static ShortWord of(std::string_view word);
    /// The same of a word of `text`, in fewer steps where more text follows.
    static ShortWord of(std::string_view text, Range word);
  };

  /// Words that are one token, so that most words need no merging. Short ones are compared in registers.
  class WordTable {
   public:
    void reserve(std::size_t count);
    void set(std::string_view word, std::int32_t id);
    std::int32_t find(std::string_view word) const;  ///< -1: not there
    std::uint64_t hash(const ShortWord& word) const {
      return folded_product(word.low ^ secret_[0], word.high ^ (secret_[1] + word.length));
    }
    std::size_t place(std::uint64_t hash) const { return hash >> shift_; }
    void prefetch(std::size_t place) const { __builtin_prefetch(slots_.data() + place); }
    std::int32_t find(const ShortWord& word, std::size_t place) const;

   private:
    struct Slot {
      ShortWord word;  // of length 0: free
      std::int32_t id = -1;
    };
    std::array<std::uint64_t, 2> secret_ = process_secret();
    std::vector<Slot> slots_;
    int shift_ = 63;
    IdByText long_words_;
  };

  struct FrequentWords;

  /// Pairs of neighbouring characters that some merge joins. Between two others a word may be cut: nothing crosses.
  class JointTable {
   public:
    /// @param ids  of characters, by code point
    void number(const std::vector<std::int32_t>& ids);
    void reserve(std::size_t count) { joints_.reserve(count); }
    void add(std::int32_t left, std::int32_t right) { joints_.set(left, right, {0, 0}); }
    void fill();  ///< once all are added
    bool has(std::int32_t left, std::int32_t right) const { return joints_.find(left, right).rank >= 0; }

    /// A number of the characters that come most; 0 for others.
    std::uint32_t number_of(char32_t c) const { return c < numbers_.size() ? numbers_[c] : 0; }
    bool joins(std::uint32_t left, std::uint32_t right) const {
      const std::size_t bit = left * kNumbers + right;
      return (bits_[bit / 64] >> (bit % 64) & 1) != 0;
    }

   private:
    static constexpr std::size_t kNumbers = 512;
    MergeTable joints_;
    std::vector<std::uint16_t> numbers_;
    std::vector<std::int32_t> ids_;    // by number
    std::vector<std::uint64_t> bits_;  // of pairs of numbers
  };

  void read_merges(const json::Node& node);
  void find_joints(const std::vector<std::pair<std::int32_t, std::int32_t>>& merges);
  std::int32_t id_of_character(std::string_view character) const;
  void cut_word(std::string_view text, Range word, std::vector<Range>& out) const;
  bool may_cut(std::string_view text, std::size_t begin, std::size_t at) const;
  void encode_stretch(std::string_view stretch, std::vector<Part>& out) const;
  void encode_several(std::string_view stretch, std::vector<Part>& out) const;
  void spell_and_merge(std::string_view word, std::vector<Part>& out) const;
  void find_byte_pairs();
  void read_bytes(const json::Object& model);
  void remember_whole_words();

  void spell(std::string_view word, std::vector<Part>& out) const;
  std::int32_t id_of_symbol(std::string_view symbol, bool is_first, bool is_last) const;
  void merge(std::vector<Part>& parts, std::size_t first) const;
  std::size_t merge_short(Part* symbols, Merge* pairs, std::size_t count) const;
  void merge_long(std::vector<Part>& parts, std::size_t first) const;

  static constexpr std::size_t kShort = 40;  // symbols; below it a scan for the best pair beats a heap

  Symbols symbols_;
  std::string mark_;    // before symbols that go on with a word ("##")
  std::string ending_;  // behind the last symbol of a word ("</w>")
  MergeTable merges_;
  WordTable words_;
  JointTable joints_;
  std::vector<Merge> byte_pairs_;                 // of bytes: [left][right]; empty where symbols are no bytes
  std::vector<std::int32_t> short_characters_;    // ids by code point, of those below 0x10000
  std::uint32_t serial_;                          // of this object, for what threads remember about it
  std::array<std::int32_t, 256> byte_ids_{};      // of one-byte symbols, -1 where the vocabulary lacks it
  std::array<std::int32_t, 256> fallback_ids_{};  // of <0xNN>
  bool cuts_words_ = false;
  bool drops_symbols_ = false;  // those that the vocabulary lacks
  bool marks_ = false;          // one of the two is there
  bool byte_fallback_ = false, fuse_unknown_ = false, ignore_merges_ = false;
  std::int32_t unknown_ = -1;
};

}  // namespace pst::tokenizer
