// SPDX-License-Identifier: Apache-2.0
#pragma once
#include <cstdint>
#include <nlohmann/json.hpp>
#include <optional>
#include <string>
#include <string_view>

namespace pst::weights {

/// The values of one JSON object, read strictly: a wrong type is an error that names the line, never a default. A key
/// that is absent and one that is null are alike, as they are in config.json.
class JsonObject {
 public:
  static constexpr std::int64_t kMaxSize = std::int64_t{1}
                                           << 31;  ///< of any one dimension: products of two stay far from overflow

  /// What is given outlives the object. @param text  the file's, for the line of a key  @param prefix  "rope_scaling."
  JsonObject(const nlohmann::json& value, std::string_view text, const std::string& file, std::string prefix = {})
      : value_(value), text_(text), file_(file), prefix_(std::move(prefix)) {}

  /// @throws Error(data) "config.json:12: 'head_dim' <reason>"
  [[noreturn]] void refuse(std::string_view key, const std::string& reason, const std::string& remedy = {}) const;
  const nlohmann::json* find(std::string_view key) const;  ///< null when the key is absent or null
  std::optional<std::int64_t> size(std::string_view key, std::int64_t most = kMaxSize) const;  ///< 1 to `most`
  std::int64_t needed_size(std::string_view key, std::int64_t most = kMaxSize) const;
  std::optional<double> positive(std::string_view key) const;
  double needed_positive(std::string_view key) const;
  bool flag(std::string_view key) const;  ///< false when it is absent
  std::optional<std::string> text(std::string_view key) const;
  JsonObject inner(std::string_view key) const;  ///< of a key that find() has found

  static std::string shown(const nlohmann::json& value);  ///< short, in ASCII, for messages

 private:
  const nlohmann::json& value_;
  std::string_view text_;
  const std::string& file_;
  std::string prefix_;
};

/// Parses an untrusted text that is to hold an object. @throws Error(data)
nlohmann::json parse_json_object(std::string_view text, const std::string& name);

}  // namespace pst::weights
