// SPDX-License-Identifier: Apache-2.0
#pragma once
#include <cstddef>

namespace pst::ops {

/// Gives all tensors from here on memory of an arena of their own (ops/arena.hpp). Call it once, before the first
/// tensor. libtorch's allocator asks posix_memalign for each tensor, and what is freed there seldom fits the next one:
/// glibc before 2.38 takes a block larger than the request by the alignment, and what oneDNN keeps divides the holes.
/// A step of a small model then holds up to twice the memory that it uses, and more with every size of micro batch.
void use_tensor_arena();

/// Bytes of that arena that were ever in use.
std::size_t arena_extent();

}  // namespace pst::ops
