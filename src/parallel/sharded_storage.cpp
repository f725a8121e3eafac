// SPDX-License-Identifier: Apache-2.0
#include "parallel/sharded_storage.hpp"

#include <ATen/core/Tensor.h>
#include <ATen/ops/empty.h>
#include <ATen/ops/zeros.h>

#include <algorithm>
#include <array>
#include <exception>
#include <utility>
#include <vector>

#include "core/clock.hpp"
#include "core/error.hpp"
#include "core/strings.hpp"
#include "nn/read_ahead.hpp"
#include "ops/torch_exec.hpp"
#include "parallel/block_plan.hpp"

namespace pst::parallel {
namespace {

using nn::FrozenBlock;
using nn::FrozenLayout;
using nn::FrozenMatrix;

std::byte* bytes_of(const at::Tensor& tensor) { return static_cast<std::byte*>(tensor.data_ptr()); }

/// Every rank computes a stretch of a matrix's statistics; all get them all.
std::vector<float> gather_statistics(const FrozenMatrix& matrix, comm::Communicator& group) {
  const std::int64_t count = matrix.format->statistics(matrix.source);
  if (count == 0) return {};
  const std::int64_t share = (count + group.size() - 1) / group.size();
  const std::int64_t begin = std::min(count, share * group.rank()), end = std::min(count, begin + share);
  std::vector<float> mine(static_cast<std::size_t>(share)), all(static_cast<std::size_t>(share * group.size()));
  comm::together(group, cat("measuring ", matrix.source.name),
                 [&] { matrix.format->collect(matrix.source, begin, end, mine.data()); });
  group.all_gather(const_view_of(std::span<const float>(mine)), view_of(std::span(all)));
  all.resize(static_cast<std::size_t>(count));
  return all;
}

/// Packs what lies in bytes [begin, begin + share) of a block.
void pack_share(const FrozenBlock& block, const BlockPlan& plan, const std::vector<std::vector<float>>& statistics,
                std::size_t begin, std::byte* into) {
  for (const auto& place : plan.places) {
    const std::size_t from = std::max(begin, place.offset),
                      to = std::min(begin + plan.share, place.offset + place.bytes);
    if (from >= to) continue;
    nn::pack_in_parallel(block.matrices[place.matrix], statistics[place.matrix], place.part, from - place.offset,
                         to - place.offset, into + (from - begin));
  }
}

/// Asks for what pack_share will read of the files; which stretch of a matrix's codes a rank has says which stretch of
/// its values it reads. @return bytes
std::size_t read_share_ahead(const FrozenBlock& block, const comm::Communicator& group) {
  const BlockPlan plan = BlockPlan::of(block, group.size());
  const std::size_t begin = plan.share * static_cast<std::size_t>(group.rank());
  std::size_t bytes = 0;
  for (const auto& place : plan.places) {
    const std::size_t from = std::max(begin, place.offset),
                      to = std::min(begin + plan.share, place.offset + place.bytes);
    if (place.part != 0 || from >= to) continue;  // the scales' values are among the codes'
    const auto share = [&](std::size_t at) {
      return static_cast<double>(at - place.offset) / static_cast<double>(place.bytes);
    };
    bytes += nn::read_ahead(block.matrices[place.matrix], share(from), share(to));
  }
  return bytes;
}

class ShardedStorage final : public nn::FrozenStorage {
 public:
  ShardedStorage(const FrozenLayout& layout, comm::Communicator& group, comm::Communicator& links)
      : group_(group), links_(links), bytes_(at::TensorOptions(at::kByte).device(device_of(links))) {
    std::array<std::size_t, kSlots> sizes{};
    nn::ReadAhead ahead(layout, [&](const FrozenBlock& block) { return read_share_ahead(block, group); });
    for (std::size_t i = 0; i < layout.size(); ++i) {
      ahead.before(i);
      const BlockPlan plan = BlockPlan::of(layout[i], group.size());
      blocks_.push_back({layout[i].name, slot_of(layout[i], i), load(layout[i], plan), {}});
      auto& size = sizes[blocks_.back().slot];
      size = std::max(size, plan.share * static_cast<std::size_t>(group.size()));
      nn::let_go(layout[i]);
    }
    for (std::size_t slot = 0; slot < kSlots; ++slot)
      slots_[slot].bytes = at::empty({static_cast<std::int64_t>(sizes[slot])}, bytes_);
    for (std::size_t i = 0; i < layout.size(); ++i) make_windows(layout[i], blocks_[i]);
  }

  /// A block may have been fetched that was never entered (no adapter below some layer): its buffer is the exchange's
  /// until that is over. On the way out of an error the peers may be dead, and nobody waits.
  ~ShardedStorage() override {
    if (std::uncaught_exceptions() != 0) return;
    for (Slot& slot : slots_) try {
        slot.arriving.wait();
      } catch (const Error&) {  // the group has failed, and whoever uses it next hears of it
      }
  }

  const std::vector<at::Tensor>& parts(std::size_t block, std::size_t matrix) const override {
    return blocks_.at(block).parts.at(matrix);
  }
  bool always_there() const override { return false; }

  void enter(std::size_t block, std::optional<std::size_t> next) override {
    if (current_ == block) return;
    current_ = block;
    fetch(block);
    const double began = monotonic_seconds();
    slots_[blocks_[block].slot].arriving.wait();
    waited_s_ += monotonic_seconds() - began;
    // Its buffer is not this block's: neighbouring layers take turns, and the ends have one of their own.
    if (next && blocks_[*next].slot != blocks_[block].slot) fetch(*next);
  }
  std::optional<double> waited_s() const override {
    return links_.device().kind == DeviceKind::cpu ? std::optional(waited_s_) : std::nullopt;
  }

 private:
  static constexpr std::size_t kSlots = 3;
  struct Block {
    std::string name;
    std::size_t slot;
    at::Tensor share;                            // u8
    std::vector<std::vector<at::Tensor>> parts;  // of each matrix: windows into the slot
  };
  struct Slot {
    at::Tensor bytes;  // u8
    std::optional<std::size_t> holds;
    comm::Pending arriving;
  };

  static std::size_t slot_of(const FrozenBlock& block, std::size_t index) {
    return block.role == FrozenBlock::Role::layer ? index % 2 : 2;
  }

  at::Tensor load(const FrozenBlock& block, const BlockPlan& plan) {
    std::vector<std::vector<float>> statistics;
    for (const FrozenMatrix& matrix : block.matrices) statistics.push_back(gather_statistics(matrix, group_));
    at::Tensor share;
    comm::together(group_, cat("packing ", block.name), [&] {
      share = at::zeros({static_cast<std::int64_t>(plan.share)}, at::kByte);
      pack_share(block, plan, statistics, plan.share * static_cast<std::size_t>(group_.rank()), bytes_of(share));
    });
    return share.to(bytes_.device());
  }

  void make_windows(const FrozenBlock& layout, Block& block) {
    const BlockPlan plan = BlockPlan::of(layout, group_.size());
    block.parts.resize(layout.matrices.size());
    for (const auto& place : plan.places) {
      const nn::Part& part = layout.matrices[place.matrix].parts[place.part];
      block.parts[place.matrix].push_back(
          slots_[block.slot]
              .bytes.narrow(0, static_cast<std::int64_t>(place.offset), static_cast<std::int64_t>(place.bytes))
              .view(ops::scalar_type(part.dtype))
              .view(part.shape));
    }
  }

  /// Starts to gather a block unless it is there or on its way.
  void fetch(std::size_t index) {
    Block& block = blocks_[index];
    Slot& slot = slots_[block.slot];
    if (slot.holds == index) return;
    slot.arriving.wait();  // one that was fetched for nothing
    slot.holds = index;
    const std::int64_t count = block.share.numel() * group_.size();
    slot.arriving = links_.all_gather_begin(ops::view_of(block.share), ops::view_of(slot.bytes).part(0, count));
  }

  static at::Device device_of(const comm::Communicator& links) {
    if (links.device().kind == DeviceKind::cpu) return at::kCPU;
    return {at::kCUDA, static_cast<at::DeviceIndex>(links.device().index)};
  }

  comm::Communicator& group_;
  comm::Communicator& links_;
  const at::TensorOptions bytes_;
  std::vector<Block> blocks_;
  std::array<Slot, kSlots> slots_;
  std::optional<std::size_t> current_;
  double waited_s_ = 0;
};

}  // namespace

std::unique_ptr<nn::FrozenStorage> sharded_storage(const FrozenLayout& layout, comm::Communicator& group,
                                                   comm::Communicator* links) {
  return std::make_unique<ShardedStorage>(layout, group, links != nullptr ? *links : group);
}

}  // namespace pst::parallel
