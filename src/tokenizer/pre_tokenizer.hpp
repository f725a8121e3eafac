// SPDX-License-Identifier: Apache-2.0
#pragma once
#include <memory>
#include <vector>

#include "json/object.hpp"
#include "tokenizer/aligned.hpp"
#include "tokenizer/effort.hpp"

namespace pst::tokenizer {

/// A text and the words it has been cut into so far.
struct Words {
  Aligned text;
  std::vector<Range> ranges;  // in text.text(), none empty
  bool newer = false;         // text.text() has_newer_characters()
};

/// The `pre_tokenizer` of tokenizer.json: a chain of the kinds in pre_tokenizer.cpp's table.
class PreTokenizer {
 public:
  struct Step;
  PreTokenizer();
  /// @param node null for none. @throws Error(data) on one that is not known or cannot be done exactly
  explicit PreTokenizer(const std::optional<json::Node>& node);
  PreTokenizer(PreTokenizer&&) noexcept;
  PreTokenizer& operator=(PreTokenizer&&) noexcept;
  ~PreTokenizer();

  /// Words are to be spelled in the byte alphabet (byte_alphabet.hpp); `run` leaves them as they are.
  bool byte_level() const { return byte_level_; }
  bool empty() const { return steps_.empty(); }
  /// Something is put at the start of the original text only.
  bool needs_origins() const { return needs_origins_; }
  void run(Words& words, Effort& effort) const;

 private:
  void read(const json::Object& node, int depth);
  std::vector<std::unique_ptr<Step>> steps_;
  bool byte_level_ = false, needs_origins_ = false;
};

}  // namespace pst::tokenizer
