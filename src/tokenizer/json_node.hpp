// SPDX-License-Identifier: Apache-2.0
#pragma once
#include <cstdint>
#include <nlohmann/json.hpp>
#include <string>

namespace pst::tokenizer {

/// A value inside tokenizer.json together with the way to it, so that every complaint names the place.
class JsonNode {
 public:
  JsonNode(const nlohmann::json& value, std::string file, std::string path = {})
      : value_(&value), file_(std::move(file)), path_(std::move(path)) {}

  const nlohmann::json& value() const { return *value_; }
  bool is_null() const { return value_->is_null(); }

  /// Member `key`; a null node when it is absent. @throws Error(data) when this is no object
  JsonNode member(const std::string& key) const;
  JsonNode element(std::size_t index) const;
  std::size_t array_size() const;  ///< @throws Error(data) when this is no array

  std::string as_string() const;  ///< @throws Error(data)
  std::int32_t as_id() const;     ///< a token id: 0 .. 16 million. @throws Error(data)
  bool flag(const std::string& key, bool otherwise) const;
  std::string text(const std::string& key) const { return member(key).as_string(); }

  /// Throws Error(data): "<file>: <path> <what>".
  [[noreturn]] void fail(const std::string& what, const std::string& remedy = {}) const;
  [[noreturn]] void unsupported(const std::string& what) const;

 private:
  const nlohmann::json* value_;
  std::string file_, path_;
};

}  // namespace pst::tokenizer
