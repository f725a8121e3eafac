// SPDX-License-Identifier: Apache-2.0
#pragma once
#include <cstdint>
#include <filesystem>
#include <functional>
#include <nlohmann/json.hpp>
#include <vector>

namespace pst::telemetry {

/// Reads a file of JSON lines while somebody else appends to it. A last line without its newline is left for the next
/// call; a line that is no JSON object (torn by a crash or a full disk) or longer than 1 MiB is skipped and counted.
class LineTail {
 public:
  explicit LineTail(std::filesystem::path file) : file_(std::move(file)) {}

  /// The records completed since the last call, at most about 2 MiB of them: call again while there are any. Nothing
  /// when the file does not exist (yet). @throws Error(io)
  std::vector<nlohmann::ordered_json> read();
  std::int64_t skipped() const { return skipped_; }

 private:
  std::vector<nlohmann::ordered_json> read_once();
  std::filesystem::path file_;
  std::uint64_t offset_ = 0;  ///< of the first line not returned yet
  bool discarding_ = false;   ///< inside a line that is too long
  std::int64_t skipped_ = 0;
};

/// Gives all records of a file to `take`, as LineTail reads them, a few at a time in memory.
void for_each_record(const std::filesystem::path& file, const std::function<void(const nlohmann::ordered_json&)>& take);
std::vector<nlohmann::ordered_json> read_lines(const std::filesystem::path& file);  ///< all at once, for tests

}  // namespace pst::telemetry
