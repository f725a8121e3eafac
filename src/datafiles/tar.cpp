// SPDX-License-Identifier: Apache-2.0
#include "datafiles/tar.hpp"

#include <algorithm>
#include <cstdint>

#include "core/error.hpp"
#include "core/strings.hpp"

namespace pst::datafiles {
namespace {

constexpr std::size_t kBlock = 512, kLargest = std::size_t{64} << 20;

std::string_view text_of(std::string_view header, std::size_t at, std::size_t size) {
  const auto field = header.substr(at, size);
  return field.substr(0, field.find('\0'));
}

/// Octal digits, or GNU's big-endian number behind a set bit.
std::optional<std::uint64_t> number_of(std::string_view field) {
  std::uint64_t value = 0;
  if ((static_cast<unsigned char>(field[0]) & 0x80) != 0) {
    for (std::size_t i = field.size() - 8; i < field.size(); ++i)
      value = value << 8 | static_cast<unsigned char>(field[i]);
    return value;
  }
  bool any = false;
  for (const char c : field) {
    if (c == ' ' || c == '\0') {
      if (any) break;
      continue;
    }
    if (c < '0' || c > '7') return std::nullopt;
    value = value * 8 + static_cast<std::uint64_t>(c - '0');
    any = true;
  }
  return any ? std::optional(value) : std::nullopt;
}

bool checksum_holds(std::string_view header) {
  std::uint64_t sum = 0;
  for (std::size_t i = 0; i < kBlock; ++i) sum += i >= 148 && i < 156 ? ' ' : static_cast<unsigned char>(header[i]);
  const auto stored = number_of(header.substr(148, 8));
  return stored && *stored == sum;
}

/// The path in a pax header's lines: "27 path=a/long/name\n".
std::optional<std::string> pax_path(std::string_view lines) {
  std::optional<std::string> path;
  while (!lines.empty()) {
    const auto space = lines.find(' ');
    const auto size = space == lines.npos ? std::nullopt : to_int(lines.substr(0, space));
    if (!size || *size <= static_cast<std::int64_t>(space) || static_cast<std::size_t>(*size) > lines.size())
      return path;
    auto line = lines.substr(space + 1, static_cast<std::size_t>(*size) - space - 1);
    if (line.ends_with('\n')) line.remove_suffix(1);
    if (line.starts_with("path=")) path = line.substr(5);
    lines.remove_prefix(static_cast<std::size_t>(*size));
  }
  return path;
}

}  // namespace

bool is_tar(std::string_view front) {
  return front.size() >= kBlock && front.substr(257, 5) == "ustar" && checksum_holds(front);
}

void TarMembers::fail(const std::string& what) {
  is_over_ = true;
  throw Error(Fault::data, what);
}

std::string TarMembers::take(std::size_t bytes) {
  const std::size_t padded = (bytes + kBlock - 1) / kBlock * kBlock;
  while (window_.front().size() < padded && window_.grow()) {
  }
  if (window_.front().size() < padded) fail("the archive ends within a member: it is torn");
  std::string content(window_.front().substr(0, bytes));
  window_.drop(padded);
  return content;
}

std::optional<TarMember> TarMembers::next() {
  std::optional<std::string> long_name;
  while (!is_over_) {
    while (window_.front().empty() && window_.grow()) {
    }
    if (window_.front().empty()) {  // tar writes two blocks of zeros; others leave them out
      is_over_ = true;
      break;
    }
    const std::string header = take(kBlock);
    if (header.find_first_not_of('\0') == header.npos) {
      is_over_ = true;
      break;
    }
    if (!checksum_holds(header)) fail("the header of a member is damaged: its checksum is wrong");
    const auto size = number_of(std::string_view(header).substr(124, 12));
    if (!size) fail("the header of a member has no size");
    std::string name(text_of(header, 0, 100));
    if (const auto prefix = text_of(header, 345, 155);
        header.substr(257, 6) == std::string_view("ustar\0", 6) && !prefix.empty())
      name = cat(prefix, "/", name);
    if (long_name) name = *long_name;
    const char type = header[156];
    if (*size > kLargest) fail(cat("the member ", quoted(name, 80), " is larger than 64 MiB"));
    std::string content = take(static_cast<std::size_t>(*size));
    if (type == 'L') {
      long_name = content.substr(0, content.find('\0'));
    } else if (type == 'x') {
      if (auto path = pax_path(content)) long_name = std::move(path);
    } else if (type == '0' || type == '\0' || type == '7') {
      return TarMember{std::move(name), std::move(content)};
    } else if (type != 'g' && type != 'K') {
      long_name.reset();
    }
  }
  return std::nullopt;
}

}  // namespace pst::datafiles
