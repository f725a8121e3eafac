// SPDX-License-Identifier: Apache-2.0
#include "tokenizer/unigram.hpp"

#include <algorithm>

#include "core/error.hpp"
#include "tokenizer/byte_token.hpp"
#include "tokenizer/library_number.hpp"
#include "tokenizer/token_length.hpp"
#include "tokenizer/unicode.hpp"

namespace pst::tokenizer {
namespace {

constexpr double kUnknownPenalty = 10;  // below the least likely token: SentencePiece's constant

}  // namespace

Unigram::Unigram(const json::Object& model) : Unigram(model, {}) {}

Unigram::Unigram(const json::Object& model, std::vector<double> scores)
    : WordModel(Vocabulary::of_scores(model.at("vocab"), scores)), scores_(std::move(scores)) {
  if (!model.flag("exact_scores"))
    for (double& score : scores_) score = as_library_reads(score);
  const auto& tokens = vocabulary().tokens();
  std::vector<std::pair<std::string_view, std::int32_t>> words;
  for (std::size_t id = 0; id < tokens.size(); ++id) {
    check_token_length(*tokens[id], model.at("vocab"));
    words.emplace_back(*tokens[id], *vocabulary().id_of(*tokens[id]));
  }
  trie_ = std::make_unique<Trie>(std::move(words));
  unknown_score_ = *std::min_element(scores_.begin(), scores_.end()) - kUnknownPenalty;
  if (const auto unknown = model.get("unk_id")) {
    unknown_ = unknown->small_whole(0, 1 << 30);
    if (static_cast<std::size_t>(unknown_) >= tokens.size()) unknown->refuse("is not in the vocabulary");
  }
  byte_fallback_ = model.flag("byte_fallback");
  byte_ids_ = byte_token_ids(vocabulary());
}

void Unigram::encode(std::string_view word, std::vector<Part>& out) const {
  constexpr std::uint32_t kNone = ~0u;
  struct Best {
    double score = 0;
    std::uint32_t begin = kNone;
    std::int32_t id = -1;
  };
  thread_local std::vector<Best> ends;  // by the place where a path ends
  ends.assign(word.size() + 1, {});
  const auto offer = [&](std::size_t begin, std::size_t end, double score, std::int32_t id) {
    Best& best = ends[end];
    if (best.begin == kNone || score > best.score) best = {score, static_cast<std::uint32_t>(begin), id};
  };
  for (std::size_t at = 0; at < word.size();) {
    const std::size_t length = char_length(word[at]);
    const double so_far = ends[at].score;
    bool has_single = false;
    trie_->each_prefix(word.substr(at), [&](std::size_t size, std::int32_t id) {
      offer(at, at + size, scores_[static_cast<std::size_t>(id)] + so_far, id);
      has_single |= size == length;
    });
    if (!has_single) {
      if (unknown_ < 0)
        throw Error(Fault::data, cat("the vocabulary has no token for ", pst::quoted(word.substr(at, length))),
                    "tokenizer.json names no unknown token (model.unk_id): take another text or another model");
      offer(at, at + length, unknown_score_ + so_far, unknown_);
    }
    at += length;
  }
  thread_local std::vector<Part> path;
  path.clear();
  for (std::size_t end = word.size(); end > 0; end = ends[end].begin)
    path.push_back({ends[end].id, static_cast<std::uint32_t>(end - ends[end].begin)});
  std::size_t at = 0;
  for (auto part = path.rbegin(); part != path.rend(); ++part) {
    std::size_t length = part->length;
    if (part->id != unknown_) {
      out.push_back(*part);
    } else {
      while (std::next(part) != path.rend() && std::next(part)->id == unknown_) length += (++part)->length;
      put_unknown(word.substr(at, length), out);
    }
    at += length;
  }
}

/// Neighbouring unknowns are one; together they may spell a token after all.
void Unigram::put_unknown(std::string_view text, std::vector<Part>& out) const {
  const auto size = static_cast<std::uint32_t>(text.size());
  const auto token_of = [&](char c) { return byte_ids_[static_cast<unsigned char>(c)]; };
  if (const auto id = vocabulary().id_of(text)) {
    out.push_back({*id, size});
  } else if (byte_fallback_ && std::all_of(text.begin(), text.end(), [&](char c) { return token_of(c) >= 0; })) {
    for (std::size_t i = 0; i < text.size(); ++i) out.push_back({token_of(text[i]), i == 0 ? size : 0});
  } else {
    out.push_back({unknown_, size});
  }
}

}  // namespace pst::tokenizer
