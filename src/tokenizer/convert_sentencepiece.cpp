// SPDX-License-Identifier: Apache-2.0
#include <algorithm>

#include "core/error.hpp"
#include "core/strings.hpp"
#include "tokenizer/base64.hpp"
#include "tokenizer/convert.hpp"

namespace pst::tokenizer {
namespace {

using Type = SentencePieceModel::Type;
using Kind = SentencePieceModel::Kind;

constexpr std::string_view kSign = "\xe2\x96\x81";

std::string charsmap(const SentencePieceModel& model) {
  return cat(R"({"type": "Precompiled", "precompiled_charsmap": ")", to_base64(model.charsmap), "\"}");
}

std::string normalizer_of(const SentencePieceModel& model, const std::string& signs) {
  std::string steps = model.charsmap.empty() ? "" : charsmap(model);
  const auto add = [&](const std::string& step) { steps += cat(steps.empty() ? "" : ", ", step); };
  if (model.remove_extra_whitespaces) {
    add(R"({"type": "Replace", "pattern": {"Regex": " {2,}"}, "content": " "})");
    add(R"({"type": "Replace", "pattern": {"Regex": "\\A | \\z"}, "content": ""})");
  }
  if (!signs.empty()) add(signs);
  return steps.empty() ? "null" : cat(R"({"type": "Sequence", "normalizers": [)", steps, "]}");
}

std::string_view prepend_scheme(const SentencePieceModel& model, const FolderSettings& settings) {
  if (!settings.add_prefix_space.value_or(model.add_dummy_prefix)) return "never";
  return model.kind == Kind::bpe && !settings.legacy.value_or(true) ? "first" : "always";
}

/// SentencePiece's own way, which Metaspace is not where a text begins with a blank: the sign comes before it all the
/// same.
std::string plain_signs(std::string_view scheme) {
  return cat(scheme == "never" ? "" : cat(R"({"type": "Prepend", "prepend": ")", kSign, "\"}, "),
             R"({"type": "Replace", "pattern": {"String": " "}, "content": ")", kSign, "\"}");
}

std::string decoder_of(const SentencePieceModel& model, std::string_view scheme) {
  if (model.kind == Kind::unigram)
    return cat(R"({"type": "Sequence", "decoders": [{"type": "ByteFallback"}, {"type": "Metaspace", "replacement": ")",
               kSign, R"(", "prepend_scheme": ")", scheme, "\"}]}");
  return cat(R"({"type": "Sequence", "decoders": [{"type": "Replace", "pattern": {"String": ")", kSign,
             R"("}, "content": " "}, {"type": "ByteFallback"}, {"type": "Fuse"})",
             scheme == "never" ? "" : R"(, {"type": "Strip", "content": " ", "start": 1, "stop": 0})", "]}");
}

void put_special_around(const SentencePieceModel& model, const FolderSettings& settings, TokenizerText& text) {
  const bool is_bpe = model.kind == Kind::bpe;
  if (settings.add_bos.value_or(is_bpe) && model.bos_id >= 0) text.before.push_back(model.bos_id);
  if (settings.add_eos.value_or(!is_bpe) && model.eos_id >= 0) text.after.push_back(model.eos_id);
}

}  // namespace

std::string convert_sentencepiece(const SentencePieceModel& model, const FolderSettings& settings,
                                  const std::string& name) {
  const auto refuse = [&](const std::string& what) {
    throw Error(Fault::data, cat(name, ": ", what, " is not supported"),
                "take tokenizer.json from the model's publisher");
  };
  if (model.kind != Kind::bpe && model.kind != Kind::unigram) refuse("a SentencePiece model of words or characters");
  if (model.whitespace_as_suffix) refuse("white space behind words (treat_whitespace_as_suffix)");
  if (!model.escape_whitespaces) refuse("escape_whitespaces: false");
  TokenizerText text;
  std::vector<double> scores;
  std::vector<bool> usable;
  for (std::size_t id = 0; id < model.pieces.size(); ++id) {
    const auto& piece = model.pieces[id];
    text.tokens.emplace_back(piece.text);
    scores.push_back(piece.score);
    usable.push_back(piece.type == Type::normal);
    if (piece.type == Type::control || piece.type == Type::unknown || piece.type == Type::user_defined)
      text.added.push_back({static_cast<std::int64_t>(id), piece.text, piece.type != Type::user_defined});
  }
  const auto scheme = prepend_scheme(model, settings);
  const bool is_bpe = model.kind == Kind::bpe;
  const bool is_plain = scheme != "first";
  text.normalizer = normalizer_of(model, is_plain ? plain_signs(scheme) : "");
  if (!is_plain)
    text.pre_tokenizer = cat(R"({"type": "Metaspace", "replacement": ")", kSign, R"(", "prepend_scheme": ")", scheme,
                             R"(", "split": false})");
  text.decoder = decoder_of(model, scheme);
  const std::string_view fallback = model.byte_fallback ? "true" : "false";
  if (is_bpe) {
    text.merges = merges_by_score(text.tokens, scores, usable);
    const std::string unknown =
        model.unk_id < 0 ? "null" : json_quoted(model.pieces[static_cast<std::size_t>(model.unk_id)].text);
    text.model = cat(R"("type": "BPE", "fuse_unk": true, "byte_fallback": )", fallback, R"(, "unk_token": )", unknown);
  } else {
    text.scores = std::move(scores);
    text.model = cat(R"("type": "Unigram", "byte_fallback": )", fallback,
                     settings.exact_scores ? R"(, "exact_scores": true)" : "", R"(, "unk_id": )",
                     model.unk_id < 0 ? "null" : cat(model.unk_id));
  }
  put_special_around(model, settings, text);
  add_settings(text, settings);
  return text.to_json();
}

}  // namespace pst::tokenizer
