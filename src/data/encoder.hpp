// SPDX-License-Identifier: Apache-2.0
#pragma once
#include <optional>

#include "data/chat_format.hpp"
#include "data/example.hpp"
#include "data/label_spans.hpp"
#include "data/store_writer.hpp"
#include "data/template_check.hpp"
#include "recipe/data.hpp"
#include "tokenizer/tokenizer.hpp"

namespace pst::data {

enum class Outcome { kept, truncated, skipped_no_label, skipped_too_long, skipped_bad };

/// An example as it was written and cut, for people.
struct Shown {
  std::string text;
  std::vector<tokenizer::Piece> pieces;  ///< those within max_length
  std::vector<std::uint8_t> labelled;    ///< 1 for each piece that is learned
};

struct EncodeResult {
  Outcome outcome = Outcome::kept;
  Encoded document;  ///< empty when skipped
  std::vector<Note> notes = {};
  std::optional<Shown> shown = {};  ///< where the encoder keeps it
};

enum class KeepText { no, yes };

/// From an example to token ids and labels: template, tokens, mask, length.
/// An example is tokenised as one text; nothing is put before or after what the template wrote. Plain text and a pair
/// without a template get the model's end-of-text token.
class Encoder {
 public:
  Encoder(const tokenizer::Tokenizer& tokenizer, const ChatFormat& format, const recipe::Data& settings,
          KeepText keep_text = KeepText::no)
      : tokenizer_(tokenizer), format_(format), settings_(settings), keep_text_(keep_text), check_(format) {}

  /// @throws Error(data) when the template or tokenizer does not take the example
  EncodeResult encode(const Example& example);

 private:
  EncodeResult encode_chat(const Example& example);
  EncodeResult encode_checked_chat(const Example& example, const std::string& text) const;
  void look_for_control_tokens(const Example& example, std::vector<Note>& notes) const;
  EncodeResult encode_text(const std::string& text, std::size_t learn_from) const;
  EncodeResult finish(const std::string& text, std::span<const tokenizer::Piece> pieces,
                      std::span<const ByteSpan> spans) const;
  const std::string& end_of_text() const;
  std::size_t most() const { return static_cast<std::size_t>(settings_.max_length); }

  const tokenizer::Tokenizer& tokenizer_;
  const ChatFormat& format_;
  const recipe::Data& settings_;
  KeepText keep_text_;
  TemplateCheck check_;
};

}  // namespace pst::data
