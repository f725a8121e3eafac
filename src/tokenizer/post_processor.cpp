// SPDX-License-Identifier: Apache-2.0
#include "tokenizer/post_processor.hpp"

#include <nlohmann/json.hpp>

#include "core/strings.hpp"
#include "tokenizer/token_id.hpp"
#include "tokenizer/unsupported.hpp"

namespace pst::tokenizer {
namespace {

constexpr std::size_t kMost = 1024;  // tokens around a text

}  // namespace

PostProcessor::PostProcessor(const json::Object& node) { read(node, 0); }

void PostProcessor::read(const json::Object& node, int depth) {
  const std::string type = node.at("type").text();
  if (type == "Sequence") {
    if (depth > 8) node.node().refuse("is nested too deeply");
    for (const auto& part : node.at("processors").list()) read(part.object(), depth + 1);
  } else if (type == "TemplateProcessing") {
    read_template(node);
  } else if (type == "BertProcessing" || type == "RobertaProcessing") {
    read_pair(node);
  } else if (type != "ByteLevel") {  // that one moves borders only
    unsupported(node.node(), "post-processor '" + type + "'");
  }
  if (before_.size() + after_.size() > kMost)
    node.node().refuse(cat("puts more than ", kMost, " tokens around a text"));
}

/// {"single": [{"SpecialToken": {"id": "<s>"}}, {"Sequence": {"id": "A"}}], "special_tokens": {"<s>": {"ids": [1]}}}
void PostProcessor::read_template(const json::Object& node) {
  const json::Object special = node.inner("special_tokens");
  std::vector<std::int32_t> first, second;
  bool after_text = false;
  for (const auto& part : node.at("single").list(kMost)) {
    const json::Object piece = part.object();
    if (const auto sequence = piece.get("Sequence")) {
      if (after_text) part.refuse("puts the text in a second time, which is not supported");
      after_text = true;
      continue;
    }
    const std::string name = piece.at("SpecialToken").object().at("id").text();
    const auto token = special.get(name);
    if (!token) part.refuse(cat("needs ", pst::quoted(name), ", which special_tokens lacks"));
    for (const auto id : token->object().at("ids").wholes(0, kLargestId))
      (after_text ? second : first).push_back(static_cast<std::int32_t>(id));
  }
  if (!after_text) node.refuse("single", "leaves the text out");
  before_.insert(before_.begin(), first.begin(), first.end());
  after_.insert(after_.end(), second.begin(), second.end());
}

/// {"cls": ["[CLS]", 101], "sep": ["[SEP]", 102]}
void PostProcessor::read_pair(const json::Object& node) {
  const auto id_in = [&](const char* key) {
    const auto entry = node.at(key).list();
    if (entry.size() != 2) node.refuse(key, "is not [\"token\", id]");
    return entry[1].small_whole(0, kLargestId);
  };
  before_.insert(before_.begin(), id_in("cls"));
  after_.push_back(id_in("sep"));
}

}  // namespace pst::tokenizer
