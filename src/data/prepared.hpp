// SPDX-License-Identifier: Apache-2.0
#pragma once
#include <cstdint>
#include <filesystem>
#include <memory>
#include <span>
#include <string>

namespace pst::data {

/// One tokenised example. A token with labelled[i] != 0 is a target: predicted from the tokens before it. labelled[0]
/// is 0.
struct Document {
  std::span<const std::int32_t> ids;
  std::span<const std::uint8_t> labelled;
};

/// A tokenised dataset, memory-mapped: one split ("train" or "validation") of a prepared store.
class PreparedSet {
 public:
  /// Reads the whole set once to compare digests (some GB/s from the page cache).
  /// @param store folder written by prepare(). @throws Error(data) when it is missing, torn, changed or of another
  /// version
  static PreparedSet open(const std::filesystem::path& store, const std::string& split);

  PreparedSet(PreparedSet&&) noexcept;
  PreparedSet& operator=(PreparedSet&&) noexcept;
  ~PreparedSet();

  std::size_t size() const;  ///< documents
  Document document(std::size_t index) const;
  std::int64_t labelled_tokens(std::size_t index) const;
  std::int64_t tokens() const;      ///< of all documents
  std::int32_t largest_id() const;  ///< a model must have more rows in its embedding than this; -1 when empty

 private:
  struct Impl;
  explicit PreparedSet(std::unique_ptr<Impl> impl);
  std::unique_ptr<Impl> impl_;
};

}  // namespace pst::data
