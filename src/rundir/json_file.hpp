// SPDX-License-Identifier: Apache-2.0
#pragma once
#include <cstdint>
#include <filesystem>
#include <nlohmann/json.hpp>
#include <optional>
#include <string>

namespace pst::rundir {

/// A small JSON object of ours, read as untrusted input: every complaint names the file and the key.
class JsonFile {
 public:
  explicit JsonFile(const std::filesystem::path& path);  ///< @throws Error(data) when missing, over 1 MiB or no object

  std::string text(const char* key) const;
  std::string optional_text(const char* key) const;  ///< empty when absent
  std::int64_t integer(const char* key) const;
  double real(const char* key) const;                          ///< null is NaN: JSON has no other way to write it
  std::optional<double> optional_real(const char* key) const;  ///< nothing when absent or null

 private:
  [[noreturn]] void refuse(const char* key, const char* expected) const;
  const nlohmann::ordered_json& at(const char* key, const char* expected) const;
  std::filesystem::path path_;
  nlohmann::ordered_json object_;
};

/// Writes it durably, indented, with a newline at the end. Invalid UTF-8 is replaced.
void write_json(const std::filesystem::path& path, const nlohmann::ordered_json& object);

}  // namespace pst::rundir
