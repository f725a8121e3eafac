// SPDX-License-Identifier: Apache-2.0
#include "data/encoder.hpp"

#include <algorithm>

#include "core/error.hpp"
#include "core/strings.hpp"

namespace pst::data {

EncodeResult Encoder::encode(const Example& example) const {
  switch (example.kind) {
    case Example::Kind::chat:
      if (!format_.has_template())
        throw Error(Fault::data, "the model has no chat template to write a conversation with",
                    "give a Jinja file as data.chat_template");
      return encode_chat(example);
    case Example::Kind::pair: {
      if (!format_.has_template())
        return encode_text(example.prompt + example.completion + end_of_text(),
                           settings_.train_on == recipe::TrainOn::all ? 0 : example.prompt.size());
      Example chat;
      chat.messages.push_back({{"role", "user"}, {"content", example.prompt}});
      chat.messages.push_back({{"role", "assistant"}, {"content", example.completion}});
      return encode_chat(chat);
    }
    case Example::Kind::text: {
      const bool is_closed = example.completion.ends_with(end_of_text());
      return encode_text(is_closed ? example.completion : example.completion + end_of_text(), 0);
    }
  }
  return {};
}

EncodeResult Encoder::encode_chat(const Example& example) const {
  const std::string text = format_.render(example.messages, example.tools, /*add_generation_prompt=*/false);
  const auto pieces = tokenizer_.encode_pieces(text);
  const bool is_long = pieces.size() > most();
  if (is_long && settings_.too_long == recipe::TooLong::skip) return {Outcome::skipped_too_long, {}};
  const std::size_t visible_end = is_long ? pieces[most() - 1].end : text.size();
  const auto spans = learned_spans(example, {text, pieces, visible_end}, format_, tokenizer_, settings_.train_on);
  return finish(pieces, spans);
}

EncodeResult Encoder::encode_text(const std::string& text, std::size_t learn_from) const {
  const auto pieces = tokenizer_.encode_pieces(text);
  const ByteSpan learned{learn_from, text.size()};
  return finish(pieces, {&learned, 1});
}

EncodeResult Encoder::finish(std::span<const tokenizer::Piece> pieces, std::span<const ByteSpan> spans) const {
  EncodeResult result;
  if (pieces.size() > most()) {
    if (settings_.too_long == recipe::TooLong::skip) return {Outcome::skipped_too_long, {}};
    result.outcome = Outcome::truncated;
    pieces = pieces.first(most());
  }
  result.document.labelled = labels_of(pieces, spans);
  const auto& labels = result.document.labelled;
  if (std::find(labels.begin(), labels.end(), 1) == labels.end()) return {Outcome::skipped_no_label, {}};
  result.document.ids.reserve(pieces.size());
  for (const auto& piece : pieces) result.document.ids.push_back(piece.id);
  return result;
}

const std::string& Encoder::end_of_text() const {
  if (format_.eos_token().empty())
    throw Error(Fault::data, "the model names no eos_token to end a text with",
                "add eos_token to its tokenizer_config.json");
  return format_.eos_token();
}

}  // namespace pst::data
