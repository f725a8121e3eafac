// SPDX-License-Identifier: Apache-2.0
#pragma once
#include <cstdint>
#include <filesystem>
#include <fstream>
#include <map>
#include <memory>
#include <span>
#include <string>
#include <vector>

#include "core/digest.hpp"
#include "data/store_format.hpp"

namespace pst::data {

/// A tokenised example on its way into a store.
struct Encoded {
  std::vector<std::int32_t> ids;
  std::vector<std::uint8_t> labelled;  ///< as many; the first is 0
};

/// Size and digest of a file, for meta.json.
struct FileRecord {
  std::uint64_t bytes = 0;
  std::string digest;
};

/// Writes one split. Tokens go to the disk as they come; what is kept in memory is 16 bytes a document.
class SplitWriter {
 public:
  SplitWriter(const std::filesystem::path& store, const std::string& split);  ///< @throws Error(io)
  ~SplitWriter();

  void add(std::span<const std::int32_t> ids, std::span<const std::uint8_t> labelled);  ///< @throws Error(io)
  /// Writes the index, flushes everything to the disk. @return the files' names and records. @throws Error(io)
  std::map<std::string, FileRecord> finish();

  std::uint64_t documents() const { return header_.documents; }
  std::uint64_t tokens() const { return header_.tokens; }

 private:
  class Output;
  std::unique_ptr<Output> index_, ids_, labels_;
  IndexHeader header_;
  std::vector<IndexEntry> entries_;
};

}  // namespace pst::data
