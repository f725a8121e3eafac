// SPDX-License-Identifier: Apache-2.0
#pragma once
#include <cstdint>
#include <vector>

#include "checkpoint/snapshot_memory.hpp"
#include "checkpoint/tensors.hpp"

namespace pst::checkpoint {

/// A stored share of one tensor: the rows [first_row, first_row + rows), in chunks of chunk_rows, the last one padded.
struct StoredShare {
  TensorSpec tensor;
  std::int64_t first_row = 0, rows = 0, chunk_rows = 0;
  std::vector<std::uint64_t> chunks;  ///< offset of each in the file; four bytes of fletcher32 follow its values

  std::uint64_t row_bytes() const {
    return size_of(tensor.dtype) * static_cast<std::uint64_t>(row_values(tensor.shape));
  }
  std::uint64_t chunk_bytes() const { return static_cast<std::uint64_t>(chunk_rows) * row_bytes(); }
};

/// An HDF5 file in memory, complete but for its values, which are zero.
///
/// libhdf5 is asked once, when a run starts, for the bytes of a file with the right groups, types and chunks, and for
/// the places of the chunks. From then on the image *is* the snapshot: saving copies values into their places and
/// writes the whole with write(2). So a checkpoint costs no second copy, no disk error ever happens inside of libhdf5
/// (which keeps a file open that it failed to close, and the blocks of that file with it), and every failure has an
/// errno.
struct Hdf5Image {
  Memory memory;
  std::vector<StoredShare> shares;
};

/// rank-<r>.h5: a dataset for every tensor of which `rank` has rows.
Hdf5Image rank_image(const std::vector<TensorSpec>& tensors, const Division& division, int rank);
/// state.h5: every tensor whole, as a virtual dataset over rank-0.h5 ... of the same folder.
Hdf5Image state_image(const std::vector<TensorSpec>& tensors, const Division& division);

}  // namespace pst::checkpoint
