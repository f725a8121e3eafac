// SPDX-License-Identifier: Apache-2.0
#pragma once
#include <cstdint>
#include <filesystem>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

#include "gguf/blocks.hpp"

namespace pst::gguf {

/// One metadata value. Whole numbers of every width, and true/false, are kept in 64 bits; f32 as the double of same
/// value.
using Value = std::variant<bool, std::int64_t, double, std::string, std::vector<std::int64_t>, std::vector<double>,
                           std::vector<std::string>>;

struct TensorInfo {
  std::string name;
  BlockType type = BlockType::f32;
  std::vector<std::int64_t> shape;  ///< row-major: the file's order, which lists the fastest dimension first, reversed
  std::span<const std::byte> bytes;

  std::int64_t count() const;
};

/// A GGUF file, version 2 or 3, checked as untrusted input and mapped: every count is compared with the bytes that are
/// left before anything is allocated for it, tensors lie inside the file, aligned, and do not overlap. Of a model in
/// several files (`NAME-00001-of-00003.gguf`) the first is given; it has the tensors of all.
/// @see ggml/docs/gguf.md
class File {
 public:
  /// @throws Error(data) naming file and reason
  explicit File(const std::filesystem::path& path);
  /// Before what was made of it is kept. @throws Error(data) when the file was cut since: what is missing reads as
  /// zeros
  void check_whole() const;
  ~File();
  File(File&&) noexcept;
  File& operator=(File&&) noexcept;

  const std::filesystem::path& path() const;
  const std::vector<TensorInfo>& tensors() const;  ///< in the file's order
  const TensorInfo* find_tensor(std::string_view name) const;
  const Value* find(std::string_view key) const;
  std::vector<std::string> keys() const;  ///< sorted

  // One value by its key; nothing when absent. @throws Error(data) when it has another type.
  std::optional<std::int64_t> integer(std::string_view key) const;
  std::optional<double> real(std::string_view key) const;
  std::optional<bool> flag(std::string_view key) const;
  std::optional<std::string> text(std::string_view key) const;  ///< also when it is not UTF-8
  const std::vector<std::string>* texts(std::string_view key) const;
  const std::vector<std::int64_t>* integers(std::string_view key) const;
  const std::vector<double>* reals(std::string_view key) const;
  // The same for keys without which nothing works. @throws Error(data) when absent
  std::int64_t needed_integer(std::string_view key) const;
  std::string needed_text(std::string_view key) const;

 private:
  File(const std::filesystem::path& path, std::int64_t number);  ///< of several; from 0
  void add_others();

  struct Impl;
  std::unique_ptr<Impl> impl_;
};

}  // namespace pst::gguf
