// SPDX-License-Identifier: Apache-2.0
#include "tokenizer/bpe.hpp"

#include <algorithm>
#include <atomic>
#include <cstring>
#include <nlohmann/json.hpp>

#include "core/strings.hpp"
#include "tokenizer/byte_alphabet.hpp"
#include "tokenizer/byte_token.hpp"
#include "tokenizer/unicode.hpp"
#include "tokenizer/unsupported.hpp"

namespace pst::tokenizer {
namespace {

std::atomic<std::uint32_t> made = 0;        // objects
constexpr std::size_t kLongestWhole = 128;  // bytes of a token that is tried as a whole word

}  // namespace

// ---- reading

Bpe::Bpe(const json::Object& model, Symbols symbols)
    : WordModel(Vocabulary::of_ids(model.at("vocab"))), symbols_(symbols), serial_(++made) {
  if (const auto dropout = model.get("dropout"); dropout && dropout->real() != 0)
    unsupported(*dropout, "dropout (it makes the same text different tokens every time)");
  mark_ = model.text("continuing_subword_prefix").value_or("");
  ending_ = model.text("end_of_word_suffix").value_or("");
  marks_ = !mark_.empty() || !ending_.empty();
  fuse_unknown_ = model.flag("fuse_unk");
  byte_fallback_ = model.flag("byte_fallback");
  ignore_merges_ = model.flag("ignore_merges");
  if (const auto unknown = model.get("unk_token")) {
    const auto id = vocabulary().id_of(unknown->text());
    if (!id) unknown->refuse(cat("is ", pst::quoted(unknown->text()), ", which is not in the vocabulary"));
    unknown_ = *id;
  }
  if (symbols_ == Symbols::characters && !marks_) {
    short_characters_.assign(0x10000, -1);
    for (const auto& [token, id] : vocabulary().ids()) {
      std::size_t at = 0;
      if (token.empty() || char_length(token[0]) != token.size()) continue;
      if (const char32_t c = next_char(token, at); c < 0x10000) short_characters_[c] = id;
    }
  }
  read_merges(model.at("merges"));
  read_bytes(model);
  find_byte_pairs();
  drops_symbols_ = unknown_ < 0 && !byte_fallback_ &&
                   (symbols_ == Symbols::characters || std::count(byte_ids_.begin(), byte_ids_.end(), -1) > 0);
  remember_whole_words();
}

void Bpe::read_merges(const json::Node& node) {
  const json::Value& entries = node.value();
  if (!entries.is_array()) node.refuse("must be a list");
  const std::size_t count = entries.size();
  merges_.reserve(count);
  const bool cuts_words = symbols_ == Symbols::characters && !marks_ && !ignore_merges_;
  std::vector<std::pair<std::int32_t, std::int32_t>> joints;  // characters on both sides of a merge; -1 for unknown
  std::int32_t rank = 0;
  for (std::size_t i = 0; i < count; ++i) {
    const json::Value& entry = entries[i];
    std::string left, right;
    if (entry.is_string()) {
      const auto& line = entry.get_ref<const std::string&>();
      if (line.starts_with("#version")) continue;
      const auto parts = split(line, ' ');
      if (parts.size() != 2) node.element(i).refuse("is not two tokens with one blank between them");
      left = parts[0], right = parts[1];
    } else if (entry.is_array() && entry.size() == 2 && entry[0].is_string() && entry[1].is_string()) {
      left = entry[0].get<std::string>(), right = entry[1].get<std::string>();
    } else {
      node.element(i).refuse("is neither \"a b\" nor [\"a\", \"b\"]");
    }
    const auto id_in = [&](const std::string& token) {
      const auto id = vocabulary().id_of(token);
      if (!id) node.element(i).refuse(cat("needs the token ", pst::quoted(token), ", which the vocabulary lacks"));
      return *id;
    };
    const auto left_id = id_in(left), right_id = id_in(right);
    if (cuts_words && !left.empty() && !right.empty()) {
      std::size_t last = left.size() - 1;
      while ((static_cast<unsigned char>(left[last]) & 0xc0) == 0x80) --last;
      joints.emplace_back(id_of_character(std::string_view(left).substr(last)),
                          id_of_character(std::string_view(right).substr(0, char_length(right[0]))));
    }
    if (!mark_.empty()) {
      if (right.size() < mark_.size()) node.element(i).refuse(cat("goes on without ", pst::quoted(mark_)));
      right.erase(0, mark_.size());
    }
    merges_.set(left_id, right_id, {rank++, id_in(left + right)});
  }
  if (cuts_words) find_joints(joints);
}

void Bpe::find_joints(const std::vector<std::pair<std::int32_t, std::int32_t>>& merges) {
  joints_.reserve(merges.size());
  for (const auto& [left, right] : merges)
    if (left >= 0 && right >= 0) joints_.add(left, right);
  joints_.number(short_characters_);
  joints_.fill();
  cuts_words_ = true;
}

std::int32_t Bpe::id_of_character(std::string_view character) const {
  if (character.size() < 4) {
    std::size_t at = 0;
    return short_characters_[next_char(character, at)];
  }
  return vocabulary().id_of(character).value_or(-1);
}

void Bpe::read_bytes(const json::Object& model) {
  for (unsigned byte = 0; byte < 256; ++byte) {
    const auto letter = symbols_ == Symbols::bytes ? letter_of(static_cast<unsigned char>(byte))
                                                   : std::string(1, static_cast<char>(byte));
    byte_ids_[byte] = symbols_ == Symbols::characters && byte >= 0x80 ? -1 : vocabulary().id_of(letter).value_or(-1);
  }
  fallback_ids_ = byte_token_ids(vocabulary());
  if (!byte_fallback_) return;
  if (marks_) unsupported(model.node(), "byte_fallback beside a mark on parts of words");
  if (symbols_ == Symbols::characters) return;
  if (std::count(byte_ids_.begin(), byte_ids_.end(), -1) > 0)
    unsupported(model.node(), "byte_fallback for a byte-level vocabulary that lacks bytes");
  byte_fallback_ = false;
}

/// Where every byte is a symbol, the first look at a word needs no search.
void Bpe::find_byte_pairs() {
  if (symbols_ != Symbols::bytes || marks_ || std::count(byte_ids_.begin(), byte_ids_.end(), -1) > 0) return;
  byte_pairs_.reserve(256 * 256);
  for (const auto left : byte_ids_)
    for (const auto right : byte_ids_) byte_pairs_.push_back(merges_.find(left, right));
}

void Bpe::remember_whole_words() {
  words_.reserve(vocabulary().size());
  std::vector<Part> parts;
  for (const auto& [token, id] : vocabulary().ids()) {
    std::string_view spelled = token;
    if (!ignore_merges_ && !ending_.empty() && spelled.ends_with(ending_)) spelled.remove_suffix(ending_.size());
    const auto word = symbols_ == Symbols::bytes ? bytes_spelled_by(spelled) : std::string(spelled);
    if (!word || word->empty()) continue;
    if (!ignore_merges_) {  // with it, a word that is a token stays whole whatever the merges say
      if (word->size() > kLongestWhole) continue;
      parts.clear();
      spell(*word, parts);
      merge(parts, 0);
      if (parts.size() != 1 || parts[0].id != id) continue;
    }
    words_.set(*word, id);
  }
}

// ---- encoding

namespace {

/// What words became, on this thread, by whichever object: those that are several tokens come again as well.
template <std::size_t kBytes, std::size_t kParts, std::size_t kSlots>
class Remembered {
 public:
  static constexpr std::size_t kLongest = kBytes;

  struct Slot {
    std::array<std::uint64_t, kBytes / 8> word{};
    std::uint32_t serial = 0;  // of the object; 0: free
    std::uint8_t length = 0, count = 0;
    std::array<std::uint8_t, kParts> lengths{};
    std::array<std::int32_t, kParts> ids{};
  };

  /// Puts what `word` became behind `out`. @return whether it was known; if not, `slot` is where to keep it
  bool find(std::string_view word, std::uint32_t serial, std::vector<Part>& out) {
    key_ = {};
    std::memcpy(key_.data(), word.data(), word.size());
    std::uint64_t hash = word.size() + serial;
    for (std::size_t i = 0; i * 8 < word.size(); ++i)
      hash = folded_product(hash ^ key_[i] ^ secret_[0], secret_[1] | 1);
    slot_ = &slots_[hash % kSlots];
    if (slot_->serial != serial || slot_->length != word.size() || slot_->word != key_) return false;
    for (std::size_t i = 0; i < slot_->count; ++i) out.push_back({slot_->ids[i], slot_->lengths[i]});
    return true;
  }

  /// Keeps what the word became that was not found.
  void keep(std::string_view word, std::uint32_t serial, std::span<const Part> parts) {
    if (parts.size() > kParts) return;
    slot_->word = key_;
    slot_->serial = serial;
    slot_->length = static_cast<std::uint8_t>(word.size());
    slot_->count = static_cast<std::uint8_t>(parts.size());
    for (std::size_t i = 0; i < parts.size(); ++i) {
      slot_->ids[i] = parts[i].id;
      slot_->lengths[i] = static_cast<std::uint8_t>(parts[i].length);
    }
  }

 private:
  std::vector<Slot> slots_ = std::vector<Slot>(kSlots);
  std::array<std::uint64_t, 2> secret_ = process_secret();
  std::array<std::uint64_t, kBytes / 8> key_{};
  Slot* slot_ = nullptr;
};

using RememberedShort = Remembered<24, 6, 1 << 13>;
using RememberedLong = Remembered<128, 24, 1 << 10>;  // rows of signs, addresses, names

}  // namespace

void Bpe::encode(std::string_view word, std::vector<Part>& out) const {
  if (!cuts_words_) return encode_stretch(word, out);
  std::vector<Range> stretches;
  cut_word(word, {0, word.size()}, stretches);
  for (const Range stretch : stretches) encode_stretch(word.substr(stretch.begin, stretch.size()), out);
}

/// Adds the stretches of a word, which end between two characters that no merge joins. Beside one that the vocabulary
/// lacks nothing is cut, as unknown ones may be told together.
void Bpe::cut_word(std::string_view text, Range word, std::vector<Range>& out) const {
  constexpr std::size_t kSome = 64;
  std::array<Range, kSome + 1> some;
  std::size_t count = 0;  // of those that have ended
  some[0].begin = word.begin;
  std::size_t before = word.begin;
  std::uint32_t left = 0;
  for (std::size_t at = word.begin; at < word.end;) {
    const std::size_t begin = at;
    const auto byte = static_cast<unsigned char>(text[at]);
    const std::uint32_t right = joints_.number_of(byte < 0x80 ? (++at, byte) : next_char(text, at));
    const bool is_first = begin == word.begin;
    const bool cuts = left > 0 && right > 0 ? !joints_.joins(left, right) : !is_first && may_cut(text, before, begin);
    // No branch: where a word ends is not guessed.
    some[count].end = begin;
    count += cuts ? 1 : 0;
    some[count].begin = cuts ? begin : some[count].begin;
    before = begin;
    left = right;
    if (count < kSome) continue;
    out.insert(out.end(), some.begin(), some.end() - 1);
    some[0] = some[kSome];
    count = 0;
  }
  some[count].end = word.end;
  out.insert(out.end(), some.begin(), some.begin() + static_cast<std::ptrdiff_t>(count) + 1);
}

void Bpe::encode_stretch(std::string_view word, std::vector<Part>& out) const {
  if (const auto whole = words_.find(word); whole >= 0)
    out.push_back({whole, static_cast<std::uint32_t>(word.size())});
  else
    encode_several(word, out);
}

/// Of a word that is no token.
void Bpe::encode_several(std::string_view word, std::vector<Part>& out) const {
  const std::size_t first = out.size();
  const auto with = [&](auto& remembered) {
    if (remembered.find(word, serial_, out)) return;
    spell_and_merge(word, out);
    remembered.keep(word, serial_, std::span(out).subspan(first));
  };
  if (word.size() <= RememberedShort::kLongest) {
    thread_local RememberedShort remembered;
    with(remembered);
  } else if (word.size() <= RememberedLong::kLongest) {
    thread_local RememberedLong remembered;
    with(remembered);
  } else {
    spell_and_merge(word, out);
  }
}

void Bpe::spell_and_merge(std::string_view word, std::vector<Part>& out) const {
  const std::size_t first = out.size();
  if (byte_pairs_.empty() || word.size() > kShort) {
    spell(word, out);
    return merge(out, first);
  }
  const auto byte = [&](std::size_t i) { return static_cast<std::size_t>(static_cast<unsigned char>(word[i])); };
  for (std::size_t i = 0; i < word.size(); ++i) out.push_back({byte_ids_[byte(i)], 1});
  std::array<Merge, kShort> pairs;
  for (std::size_t i = 0; i + 1 < word.size(); ++i) pairs[i] = byte_pairs_[byte(i) << 8 | byte(i + 1)];
  out.resize(first + merge_short(out.data() + first, pairs.data(), word.size()));
}

/// Words that are one token and came lately, on this thread.
struct Bpe::FrequentWords {
  static constexpr std::size_t kSlots = 1 << 12;
  struct Slot {
    ShortWord word;
    std::uint32_t serial = 0;
    std::int32_t id = -1;
  };
  std::vector<Slot> slots = std::vector<Slot>(kSlots);
};

void Bpe::encode_all(std::string_view text, std::span<const Range> words, std::vector<Placed>& out) const {
  if (drops_symbols_) return WordModel::encode_all(text, words, out);  // places go by what is left of a word
  thread_local std::vector<Range> stretches;
  if (cuts_words_) {
    stretches.clear();
    for (const Range word : words) cut_word(text, word, stretches);
    words = stretches;
  }
  thread_local std::vector<Part> parts;
  thread_local FrequentWords frequent;
  // The table of all words is larger than the caches, that of the frequent ones is not. What it lacks is asked for a
  // few words ahead.
  constexpr std::size_t kAhead = 16;
  struct Asked {
    ShortWord word;
    FrequentWords::Slot* slot;
    std::size_t place;  // in words_
    std::int32_t id;
  };
  std::array<Asked, kAhead> asked;
  while (!words.empty()) {
    const auto some = words.first(std::min(kAhead, words.size()));
    words = words.subspan(some.size());
    for (std::size_t i = 0; i < some.size(); ++i) {
      Asked& one = asked[i];
      one.id = -1;
      if (some[i].size() > ShortWord::kLongest) continue;
      one.word = ShortWord::of(text, some[i]);
      const auto hashed = words_.hash(one.word);
      one.slot = &frequent.slots[hashed % FrequentWords::kSlots];
      if (one.slot->serial == serial_ && one.slot->word == one.word) {
        one.id = one.slot->id;
      } else {
        one.place = words_.place(hashed);
        words_.prefetch(one.place);
      }
    }
    for (std::size_t i = 0; i < some.size(); ++i) {
      const Range word = some[i];
      const auto begin = static_cast<std::uint32_t>(word.begin), end = static_cast<std::uint32_t>(word.end);
      Asked& one = asked[i];
      if (one.id < 0) {
        const bool is_short = word.size() <= ShortWord::kLongest;
        one.id = is_short ? words_.find(one.word, one.place) : words_.find(text.substr(word.begin, word.size()));
        if (is_short && one.id >= 0) *one.slot = {one.word, serial_, one.id};
      }
      if (one.id >= 0) {
        out.push_back({one.id, begin, end});
        continue;
      }
      parts.clear();
      encode_several(text.substr(word.begin, word.size()), parts);
      place(parts, word.begin, out);
    }
  }
}

std::int32_t Bpe::id_of_symbol(std::string_view symbol, bool is_first, bool is_last) const {
  if (!marks_) {
    if (symbol.size() == 1) return byte_ids_[static_cast<unsigned char>(symbol[0])];
    return id_of_character(symbol);
  }
  std::string text = is_first ? "" : mark_;
  text += symbols_ == Symbols::bytes ? letter_of(static_cast<unsigned char>(symbol[0])) : std::string(symbol);
  if (is_last) text += ending_;
  return vocabulary().id_of(text).value_or(-1);
}

void Bpe::spell(std::string_view word, std::vector<Part>& out) const {
  const auto byte_of = [&](char c) { return fallback_ids_[static_cast<unsigned char>(c)]; };
  std::uint32_t unknown =
      0;  // bytes; told when a known symbol follows, and behind bytes that stand for one: HF's order
  const auto tell_unknown = [&] {
    if (unknown > 0) out.push_back({unknown_, unknown});
    unknown = 0;
  };
  // A symbol that the vocabulary lacks is left out where there is no unknown token either: that is HF's rule.
  for (std::size_t at = 0; at < word.size();) {
    const std::size_t length = symbols_ == Symbols::bytes ? 1 : char_length(word[at]);
    const std::string_view symbol = word.substr(at, length);
    const std::int32_t id = id_of_symbol(symbol, at == 0, at + length == word.size());
    at += length;
    if (id >= 0) {
      tell_unknown();
      out.push_back({id, static_cast<std::uint32_t>(length)});
    } else if (byte_fallback_ && std::all_of(symbol.begin(), symbol.end(), [&](char c) { return byte_of(c) >= 0; })) {
      for (const char c : symbol) out.push_back({byte_of(c), 1});
    } else if (unknown_ >= 0) {
      if (!fuse_unknown_) tell_unknown();
      unknown += static_cast<std::uint32_t>(length);
    }
  }
  tell_unknown();
}

}  // namespace pst::tokenizer
