// SPDX-License-Identifier: Apache-2.0
#pragma once
#include <ATen/core/Tensor.h>

#include <cstddef>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "nn/frozen_format.hpp"

namespace pst::nn {

/// A frozen matrix, how it is kept, and the parts that follow from both.
struct FrozenMatrix {
  MatrixSource source;
  std::shared_ptr<const FrozenFormat> format;
  std::vector<Part> parts;
};

/// What is needed at one moment: the matrices of a decoder layer, the embedding, the head.
struct FrozenBlock {
  enum class Role {
    layer,
    end
  };  ///< layers follow one another and are much alike; the embedding and the head are the ends
  std::string name;
  Role role = Role::layer;
  std::vector<FrozenMatrix> matrices;

  void add(MatrixSource source, std::shared_ptr<const FrozenFormat> format);
};
using FrozenLayout = std::vector<FrozenBlock>;

/// Where a model's frozen matrices are: all of them in this process, or in shares over the ranks. A block's tensors are
/// readable from its enter() to that of the next block but one of its role.
class FrozenStorage {
 public:
  virtual ~FrozenStorage() = default;
  /// The tensors of one matrix, one per part. They keep their addresses.
  virtual const std::vector<at::Tensor>& parts(std::size_t block, std::size_t matrix) const = 0;

  /// Whether enter() is free. Where it is not, it is collective: all ranks enter the same blocks in the same order.
  virtual bool always_there() const = 0;
  /// Makes a block readable, and starts to fetch `next`, which will be entered next. Nothing happens when the block is
  /// the one entered last.
  virtual void enter(std::size_t block, std::optional<std::size_t> next) = 0;
  /// Seconds that enter() has waited for other ranks' shares, since the start. Nothing on GPUs, where it is a queue of
  /// the GPU that waits while the host goes on.
  virtual std::optional<double> waited_s() const = 0;
};
using MakeStorage = std::function<std::unique_ptr<FrozenStorage>(const FrozenLayout&)>;

/// Everything in this process, on `device`. What goes to a GPU is packed in pinned memory, one part while the one
/// before is being copied.
std::unique_ptr<FrozenStorage> replicated_storage(const FrozenLayout& layout);
/// The same in the memory of a device.
MakeStorage replicated_storage_on(at::Device device);

/// Makes bytes [begin, end) of a part on all threads. @param begin, end  multiples of 64, or the part's end
void pack_in_parallel(const FrozenMatrix& matrix, std::span<const float> statistics, std::size_t part,
                      std::size_t begin, std::size_t end, std::byte* into);
std::size_t bytes_of(const Part& part);

}  // namespace pst::nn
