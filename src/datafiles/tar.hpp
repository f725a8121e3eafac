// SPDX-License-Identifier: Apache-2.0
#pragma once
#include <optional>
#include <string>
#include <string_view>

#include "datafiles/byte_stream.hpp"

namespace pst::datafiles {

struct TarMember {
  std::string name;
  std::string content;
};

/// The regular files of a tar archive, one after the other: ustar, with the long names of GNU tar and of pax; folders
/// and links are passed over. @see POSIX.1-2001, pax, "ustar Interchange Format"
class TarMembers {
 public:
  explicit TarMembers(Window& window) : window_(window) {}

  /// @throws Error(data) when the archive is damaged or torn: it ends there
  std::optional<TarMember> next();

 private:
  std::string take(std::size_t bytes);  // with what fills its last block
  [[noreturn]] void fail(const std::string& what);

  Window& window_;
  bool is_over_ = false;
};

/// Whether a file that begins so is a tar archive.
bool is_tar(std::string_view front);

}  // namespace pst::datafiles
