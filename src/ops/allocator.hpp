#pragma once

namespace pst::ops {

/// Gives all tensors from here on memory of an allocator whose freed blocks serve the next request of the same size.
/// Call it once, before the first tensor. libtorch's own asks posix_memalign for each tensor, and glibc before 2.38
/// takes a block that is larger than the request by the alignment, so that the hole which a tensor leaves never fits
/// its equal of the next layer: a step of a small model then keeps up to twice the memory that it uses.
void use_exact_fit_allocator();

}  // namespace pst::ops
