// SPDX-License-Identifier: Apache-2.0
#include "data/encoder.hpp"

#include <algorithm>

#include "core/error.hpp"
#include "core/strings.hpp"
#include "data/turn_checks.hpp"

namespace pst::data {

EncodeResult Encoder::encode(const Example& example) {
  if (example.is_bad) return {Outcome::skipped_bad, {}};
  switch (example.kind) {
    case Example::Kind::chat:
      if (!format_.has_template())
        throw Error(Fault::data, "the model has no chat template to write a conversation with",
                    "give a Jinja file as data.chat_template");
      return encode_chat(example);
    case Example::Kind::pair: {
      if (!format_.has_template()) {
        EncodeResult result = encode_text(example.prompt + example.completion + end_of_text(),
                                          settings_.train_on == recipe::TrainOn::all ? 0 : example.prompt.size());
        if (trim(example.completion).empty()) result.notes.push_back({"a completion is empty: its end is learned", {}});
        return result;
      }
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

EncodeResult Encoder::encode_chat(const Example& example) {
  if (auto messages = check_.with_objects(example)) {
    Example other = example;
    other.messages = std::move(*messages);
    return encode_chat(other);
  }
  if (settings_.train_on == recipe::TrainOn::all && !example.not_learned.empty())
    throw Error(Fault::data,
                cat("message ", example.not_learned.front() + 1, " is kept from being learned, and train_on is all"),
                "set data.train_on: assistant, or take weight, train, training and loss out of the messages");
  std::vector<Note> notes;
  check_roles(example, format_, settings_.train_on, notes);
  const std::string text =
      format_.render(example.messages, example.tools, /*add_generation_prompt=*/false, example.values);
  look_at_turns(example, notes);
  check_.look_at(example, text, notes);
  look_for_control_tokens(example, notes);
  EncodeResult result = encode_checked_chat(example, text);
  if (result.outcome == Outcome::skipped_no_label)
    notes.push_back({cat("left out: ", why_nothing_is_learned(example)), {}});
  result.notes = std::move(notes);
  return result;
}

/// A text may spell a control token, and then it is one: a user's turn can end itself, and go on as the assistant's.
void Encoder::look_for_control_tokens(const Example& example, std::vector<Note>& notes) const {
  for (const Json& message : example.messages)
    if (const auto token = tokenizer_.special_in(message["content"].get_ref<const std::string&>()))
      notes.push_back(
          {cat("read as control tokens, which begin and end turns, though they stand in the text of a turn (",
               quoted(message["role"].get_ref<const std::string&>(), 40), ")"),
           quoted(*token, 40)});
}

EncodeResult Encoder::encode_checked_chat(const Example& example, const std::string& text) const {
  const auto pieces = tokenizer_.encode_pieces(text);
  const bool is_long = pieces.size() > most();
  if (is_long && settings_.too_long == recipe::TooLong::skip) return {Outcome::skipped_too_long, {}};
  const std::size_t visible_end = is_long ? pieces[most() - 1].end : text.size();
  const auto spans = learned_spans(example, {text, pieces, visible_end}, format_, tokenizer_, settings_.train_on);
  return finish(text, pieces, spans);
}

EncodeResult Encoder::encode_text(const std::string& text, std::size_t learn_from) const {
  const auto pieces = tokenizer_.encode_pieces(text);
  const ByteSpan learned{learn_from, text.size()};
  return finish(text, pieces, {&learned, 1});
}

EncodeResult Encoder::finish(const std::string& text, std::span<const tokenizer::Piece> pieces,
                             std::span<const ByteSpan> spans) const {
  EncodeResult result;
  if (pieces.size() > most()) {
    if (settings_.too_long == recipe::TooLong::skip) return {Outcome::skipped_too_long, {}};
    result.outcome = Outcome::truncated;
    pieces = pieces.first(most());
  }
  result.document.labelled = labels_of(pieces, spans);
  const auto& labels = result.document.labelled;
  if (keep_text_ == KeepText::yes) result.shown = Shown{text, {pieces.begin(), pieces.end()}, labels};
  if (std::find(labels.begin(), labels.end(), 1) == labels.end())
    return {Outcome::skipped_no_label, {}, {}, std::move(result.shown)};
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
