// SPDX-License-Identifier: Apache-2.0
#pragma once
#include <cstddef>
#include <string>

/// Mapped files that somebody may cut: the kernel answers a read beyond the new end with SIGBUS. MappedFile uses it.
namespace pst::cut_maps {

/// From now on such a read of these bytes ends the program with a message that names `file`, or (`read_zeros`) gives
/// zeros and is remembered. @return what the other functions ask for; -1 when too many are watched
int watch(const std::byte* data, std::size_t size, const std::string& file, bool read_zeros);
bool was_cut(int watched);
void forget(int watched);  ///< before it is unmapped

}  // namespace pst::cut_maps
