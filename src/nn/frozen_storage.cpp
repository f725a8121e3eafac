// SPDX-License-Identifier: Apache-2.0
#include "nn/frozen_storage.hpp"

#include <ATen/ops/empty.h>

#include <utility>

#include "core/error.hpp"
#include "core/strings.hpp"
#include "nn/read_ahead.hpp"
#include "ops/torch_exec.hpp"

namespace pst::nn {
namespace {

constexpr std::size_t kChunk = 1 << 20;  // bytes that one thread packs at a time; a multiple of 64

std::vector<float> all_statistics(const FrozenMatrix& matrix) {
  std::vector<float> values(static_cast<std::size_t>(matrix.format->statistics(matrix.source)));
  ops::cpu_exec().parallel_for(static_cast<std::int64_t>(values.size()), 4096,
                               [&](std::int64_t begin, std::int64_t end) {
                                 matrix.format->collect(matrix.source, begin, end, values.data() + begin);
                               });
  return values;
}

class ReplicatedStorage final : public FrozenStorage {
 public:
  ReplicatedStorage(const FrozenLayout& layout, at::Device device) {
    ReadAhead ahead(layout, [](const FrozenBlock& block) { return read_ahead(block); });
    for (std::size_t i = 0; i < layout.size(); ++i) {
      ahead.before(i);
      auto& matrices = tensors_.emplace_back();
      for (const FrozenMatrix& matrix : layout[i].matrices)
        matrices.push_back(doing(cat("reading ", matrix.source.name), [&] { return load(matrix, device); }));
      let_go(layout[i]);
    }
  }
  const std::vector<at::Tensor>& parts(std::size_t block, std::size_t matrix) const override {
    return tensors_.at(block).at(matrix);
  }
  bool always_there() const override { return true; }
  void enter(std::size_t, std::optional<std::size_t>) override {}
  std::optional<double> waited_s() const override { return 0; }

 private:
  static std::vector<at::Tensor> load(const FrozenMatrix& matrix, at::Device device) {
    const std::vector<float> statistics = all_statistics(matrix);
    std::vector<at::Tensor> parts;
    for (std::size_t i = 0; i < matrix.parts.size(); ++i) {
      const Part& part = matrix.parts[i];
      const auto options = at::TensorOptions().dtype(ops::scalar_type(part.dtype));
      const at::Tensor packed = at::empty(part.shape, options.pinned_memory(device.is_cuda()));
      pack_in_parallel(matrix, statistics, i, 0, bytes_of(part), static_cast<std::byte*>(packed.mutable_data_ptr()));
      // libtorch gives pinned memory out again only when the copy from it is done.
      parts.push_back(device.is_cpu() ? packed : packed.to(device, /*non_blocking=*/true));
    }
    return parts;
  }

  std::vector<std::vector<std::vector<at::Tensor>>> tensors_;  // of block, matrix, part
};

}  // namespace

void FrozenBlock::add(MatrixSource source, std::shared_ptr<const FrozenFormat> format) {
  std::vector<Part> parts = format->parts(source);
  matrices.push_back({std::move(source), std::move(format), std::move(parts)});
}

std::size_t bytes_of(const Part& part) {
  std::size_t bytes = size_of(part.dtype);
  for (const auto size : part.shape) bytes *= static_cast<std::size_t>(size);
  return bytes;
}

void pack_in_parallel(const FrozenMatrix& matrix, std::span<const float> statistics, std::size_t part,
                      std::size_t begin, std::size_t end, std::byte* into) {
  const auto chunks = static_cast<std::int64_t>((end - begin + kChunk - 1) / kChunk);
  ops::cpu_exec().parallel_for(chunks, 1, [&](std::int64_t first, std::int64_t last) {
    const std::size_t from = begin + static_cast<std::size_t>(first) * kChunk;
    const std::size_t to = std::min(end, begin + static_cast<std::size_t>(last) * kChunk);
    matrix.format->pack(matrix.source, statistics, part, from, to, into + (from - begin));
  });
}

std::unique_ptr<FrozenStorage> replicated_storage(const FrozenLayout& layout) {
  return std::make_unique<ReplicatedStorage>(layout, at::kCPU);
}

MakeStorage replicated_storage_on(at::Device device) {
  return [device](const FrozenLayout& layout) { return std::make_unique<ReplicatedStorage>(layout, device); };
}

}  // namespace pst::nn
