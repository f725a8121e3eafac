// SPDX-License-Identifier: Apache-2.0
#pragma once
#include <cstdint>
#include <optional>
#include <vector>

#include "json/object.hpp"

namespace pst::tokenizer {

/// The `post_processor` of tokenizer.json, as far as it concerns one text: the tokens that stand around it.
/// TemplateProcessing, BertProcessing, RobertaProcessing, ByteLevel (which puts none), and Sequence of these.
class PostProcessor {
 public:
  PostProcessor() = default;
  /// @throws Error(data) on one that is not known, or puts the text in twice
  explicit PostProcessor(const json::Object& node);

  const std::vector<std::int32_t>& before() const { return before_; }
  const std::vector<std::int32_t>& after() const { return after_; }

 private:
  void read(const json::Object& node, int depth);
  void read_template(const json::Object& node);
  void read_pair(const json::Object& node);

  std::vector<std::int32_t> before_, after_;
};

}  // namespace pst::tokenizer
