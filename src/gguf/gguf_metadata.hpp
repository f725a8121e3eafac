// SPDX-License-Identifier: Apache-2.0
#pragma once
#include <cstdint>
#include <optional>
#include <set>
#include <string>
#include <string_view>
#include <vector>

#include "gguf/gguf_file.hpp"

namespace pst::gguf {

/// A float32 as the decimal number that its writer meant: 1e-05 and not 9.999999747378752e-06.
double decimal(double value);

/// The metadata of one architecture, whose keys begin with its name. Knows what was asked for.
class Metadata {
 public:
  Metadata(const File& file, std::string_view architecture) : file_(file), architecture_(architecture) {}

  const File& file() const { return file_; }
  std::string key(std::string_view name) const;
  bool has(std::string_view name) const;  ///< does not count as asking
  /// @throws Error(data) where it is missing or not in 1..most
  std::int64_t size(std::string_view name, std::int64_t most = std::int64_t{1} << 31) const;
  std::optional<std::int64_t> integer(std::string_view name) const;
  std::optional<double> positive(std::string_view name) const;  ///< @throws Error(data) where it is not above 0
  std::optional<bool> flag(std::string_view name) const;
  std::optional<std::string> text(std::string_view name) const;
  /// Nothing for a value that is no list. @throws Error(data) for a list of anything but numbers
  std::optional<std::vector<std::int64_t>> integers(std::string_view name) const;
  void ignore(std::string_view name) const;  ///< it says nothing that counts

  /// @throws Error(data) naming a key that nobody asked for, and that is not known to say nothing of the computation
  void refuse_unasked() const;
  [[noreturn]] void refuse(const std::string& reason, const std::string& remedy = {}) const;

 private:
  std::string asked(std::string_view name) const;

  const File& file_;
  std::string architecture_;
  mutable std::set<std::string, std::less<>> asked_;
};

}  // namespace pst::gguf
