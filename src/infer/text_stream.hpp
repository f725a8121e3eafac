// SPDX-License-Identifier: Apache-2.0
#pragma once
#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "tokenizer/tokenizer.hpp"

namespace pst::infer {

/// The text of an answer as its tokens come. Whole characters only, and nothing that may still become part of a stop
/// string; that is looked for in the text, so it may lie across tokens. Special tokens and those that the tokenizer
/// lacks are no text.
class TextStream {
 public:
  /// @param tokenizer  outlives the stream
  /// @param keep_stop  whether the stop string itself is part of the text
  TextStream(const tokenizer::Tokenizer& tokenizer, std::vector<std::string> stops, bool keep_stop = false);

  /// @return text that is certain now; empty mostly means that more has to come
  std::string add(std::int32_t token);
  /// What was held back, when no token comes any more. Bytes that are no character become U+FFFD.
  std::string end();
  /// The stop string that has come: tokens after it say nothing.
  const std::optional<std::string>& stopped_by() const { return stopped_by_; }

 private:
  std::string certain();

  const tokenizer::Tokenizer& tokenizer_;
  std::vector<std::string> stops_;
  bool keep_stop_;
  std::string held_;
  std::optional<std::string> stopped_by_;
};

}  // namespace pst::infer
