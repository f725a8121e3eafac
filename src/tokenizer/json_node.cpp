// SPDX-License-Identifier: Apache-2.0
#include "tokenizer/json_node.hpp"

#include "core/error.hpp"
#include "core/strings.hpp"

namespace pst::tokenizer {
namespace {
const nlohmann::json kNull;
constexpr std::int64_t kLargestId = 1 << 24;  // ten times the largest vocabulary in use; bounds tables indexed by id
}  // namespace

JsonNode JsonNode::member(const std::string& key) const {
  if (!value_->is_object()) fail("is no object");
  const auto found = value_->find(key);
  return {found == value_->end() ? kNull : *found, file_, path_.empty() ? key : path_ + "." + key};
}

JsonNode JsonNode::element(std::size_t index) const { return {(*value_)[index], file_, cat(path_, "[", index, "]")}; }

std::size_t JsonNode::array_size() const {
  if (!value_->is_array()) fail("is no list");
  return value_->size();
}

std::string JsonNode::as_string() const {
  if (!value_->is_string()) fail(is_null() ? "is missing" : "is no string");
  return value_->get<std::string>();
}

std::int32_t JsonNode::as_id() const {
  if (!value_->is_number_integer()) fail(is_null() ? "is missing" : "is no integer");
  if (value_->is_number_unsigned() && value_->get<std::uint64_t>() > kLargestId) fail("is too large for a token id");
  const auto id = value_->get<std::int64_t>();
  if (id < 0) fail("is negative");
  return static_cast<std::int32_t>(id);
}

bool JsonNode::flag(const std::string& key, bool otherwise) const {
  const JsonNode node = member(key);
  if (node.is_null()) return otherwise;
  if (!node.value().is_boolean()) node.fail("is neither true nor false");
  return node.value().get<bool>();
}

void JsonNode::fail(const std::string& what, const std::string& remedy) const {
  throw Error(Fault::data, cat(file_, ": ", path_.empty() ? "the whole" : path_, " ", what), remedy);
}

void JsonNode::unsupported(const std::string& what) const {
  fail(cat(what, " is not supported"), "use a model whose tokenizer is BPE of the GPT-2, Llama, Qwen or SmolLM kind");
}

}  // namespace pst::tokenizer
