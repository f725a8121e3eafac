// SPDX-License-Identifier: Apache-2.0
#pragma once
#include <cstdint>
#include <limits>
#include <nlohmann/json.hpp>
#include <optional>
#include <string>
#include <utility>
#include <vector>

namespace pst::checkpoint {

inline constexpr std::int64_t kMostRanks = 1 << 20;

/// The keys of an untrusted JSON object; every complaint is an Error(data) with the file and the key.
class JsonReader {
 public:
  /// @param object outlives the reader. @throws Error(data) when it is no object
  JsonReader(const nlohmann::json& object, std::string name);

  const nlohmann::json& at(const char* key) const;
  std::string text(const char* key) const;
  bool boolean(const char* key) const;
  std::int64_t integer(const char* key, std::int64_t least = 0,
                       std::int64_t most = std::numeric_limits<std::int64_t>::max()) const;
  std::optional<double> optional_real(const char* key) const;  ///< nothing when absent or null
  const nlohmann::json& list(const char* key) const;
  const nlohmann::json& object(const char* key) const;
  std::vector<std::int64_t> shape(const char* key) const;

 private:
  [[noreturn]] void refuse(const char* key, const std::string& expected) const;
  const nlohmann::json& object_;
  std::string name_;
};

}  // namespace pst::checkpoint
