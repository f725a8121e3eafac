// SPDX-License-Identifier: Apache-2.0
#include "core/text_search.hpp"

#include <cstring>
#include <string>

namespace pst {
namespace {

// Up to here the plain search is quick enough: it compares at most so many bytes at each place.
constexpr std::size_t kShort = 16;

}  // namespace

std::size_t find_text(std::string_view text, std::string_view part, std::size_t from) {
  if (part.size() <= kShort || from >= text.size()) return text.find(part, from);
  // The two-way algorithm, in glibc and in musl.
  const void* const found = ::memmem(text.data() + from, text.size() - from, part.data(), part.size());
  return found == nullptr ? text.npos : static_cast<std::size_t>(static_cast<const char*>(found) - text.data());
}

std::size_t rfind_text(std::string_view text, std::string_view part) {
  if (part.size() <= kShort) return text.rfind(part);
  const std::string backwards(text.rbegin(), text.rend()), wanted(part.rbegin(), part.rend());
  const auto found = find_text(backwards, wanted);
  return found == text.npos ? text.npos : text.size() - found - part.size();
}

}  // namespace pst
