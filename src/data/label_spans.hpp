// SPDX-License-Identifier: Apache-2.0
#pragma once
#include <cstddef>
#include <span>
#include <string>
#include <vector>

#include "data/chat_format.hpp"
#include "data/example.hpp"
#include "recipe/data.hpp"
#include "tokenizer/tokenizer.hpp"

namespace pst::data {

/// Bytes [begin, end) of a rendered text.
struct ByteSpan {
  std::size_t begin = 0, end = 0;
};

/// A conversation as text and as tokens.
struct Rendered {
  const std::string& text;
  std::span<const tokenizer::Piece> pieces;
  std::size_t visible_end = 0;  ///< bytes behind this are cut off: turns that begin there are not looked at
};

/// The parts of a conversation that are learned: of each chosen assistant turn the text that the model itself would
/// write, through the first special token after the message (its end-of-turn).
///
/// Where the template has `{% generation %}`, what that marks is learned, and nothing else of a turn.
///
/// Otherwise a turn is found by rendering the conversation up to it: what the template writes for the messages before,
/// with the prompt for an answer, must be how the whole text begins; the turn follows. Only turns that are not cut off
/// are rendered, so that the cost stays within (turns in max_length tokens) renderings.
/// @throws Error(data) when the template does not write a conversation as its beginning plus more
std::vector<ByteSpan> learned_spans(const Example& example, const Rendered& rendered, const ChatFormat& format,
                                    const tokenizer::Tokenizer& tokenizer, recipe::TrainOn train_on);

/// labels[i] = 1 where piece i shares a byte with a span; the first token never has a label. Spans are in order.
std::vector<std::uint8_t> labels_of(std::span<const tokenizer::Piece> pieces, std::span<const ByteSpan> spans);

}  // namespace pst::data
