// SPDX-License-Identifier: Apache-2.0
#pragma once
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "checkpoint/hdf5_image.hpp"

namespace pst::checkpoint {

/// Where in rank-<r>.h5 everything is: JSON behind the end of the HDF5 file, which HDF5 ignores.
///
/// It is what *we* read. A file that is untrusted input never meets libhdf5 (whose parser has crashed on damaged files
/// time and again); h5py users get the HDF5 in front of it.
struct RankIndex {
  int rank = 0, ranks = 1;
  std::vector<StoredShare> shares;
};

/// The last bytes of a file: the index's length (u64, little endian) and kIndexMagic.
inline constexpr std::string_view kIndexMagic = "PSTCHECKPOINT-1\n";
inline constexpr std::uint64_t kIndexTail = 8 + 16;
inline constexpr std::uint64_t kMostIndexBytes = 8 << 20;

/// The index and its tail, to be put behind the HDF5 image. @throws Error(unfit) when it would be larger than allowed
std::string write_index(const RankIndex& index);

/// Reads and checks untrusted text. Everything in a share lies before `end`, the place where the index begins.
/// @param name of the file, for messages. @throws Error(data)
RankIndex parse_index(std::string_view json, std::uint64_t end, const std::string& name);

}  // namespace pst::checkpoint
