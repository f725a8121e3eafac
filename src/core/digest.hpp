// SPDX-License-Identifier: Apache-2.0
#pragma once
#include <cstddef>
#include <filesystem>
#include <memory>
#include <span>
#include <string>
#include <string_view>

namespace pst {

/// 128-bit XXH3 as 32 hexadecimal digits: tells apart and detects damage; no protection against an adversary.
std::string digest(std::span<const std::byte> bytes);
std::string digest(std::string_view text);
/// Digest of a file's content, little of it in memory at a time. @throws Error(data) when it is missing, Error(io)
std::string digest_of_file(const std::filesystem::path& path);

/// The same digest over pieces that arrive one after the other.
class Digester {
 public:
  Digester();
  ~Digester();
  Digester(const Digester&) = delete;
  Digester& operator=(const Digester&) = delete;
  void add(std::span<const std::byte> bytes);
  /// Adds the length first, so that ("ab", "c") and ("a", "bc") differ.
  void add_field(std::string_view text);
  std::string hex() const;

 private:
  struct State;
  std::unique_ptr<State> state_;
};

}  // namespace pst
