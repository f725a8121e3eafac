// SPDX-License-Identifier: Apache-2.0
#pragma once
#include <cstdio>
#include <string>
#include <utility>
#include <vector>

namespace pst::datafiles::fixture {

/// A member of a tar archive in the form of POSIX. @param type  '0' is a file, '5' a folder
inline std::string tar_member(const std::string& name, const std::string& content, char type = '0') {
  std::string header(512, '\0');
  const auto put = [&](std::size_t at, const std::string& text) { header.replace(at, text.size(), text); };
  char octal[16];
  put(0, name.substr(0, 100));
  put(100, "0000644");
  put(108, "0000000");
  put(116, "0000000");
  std::snprintf(octal, sizeof octal, "%011zo", content.size());
  put(124, octal);
  put(136, "00000000000");
  header[156] = type;
  put(257, std::string("ustar\0"
                       "00",
                       8));
  header.replace(148, 8, "        ");
  unsigned sum = 0;
  for (const char c : header) sum += static_cast<unsigned char>(c);
  std::snprintf(octal, sizeof octal, "%06o", sum);
  put(148, std::string(octal) + std::string("\0 ", 2));
  return header + content + std::string((512 - content.size() % 512) % 512, '\0');
}

inline std::string tar_archive(const std::vector<std::pair<std::string, std::string>>& members) {
  std::string all;
  for (const auto& [name, content] : members) all += tar_member(name, content);
  return all + std::string(1024, '\0');
}

}  // namespace pst::datafiles::fixture
