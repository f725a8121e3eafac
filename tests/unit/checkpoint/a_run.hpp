// SPDX-License-Identifier: Apache-2.0
#pragma once
#include <cstdint>
#include <cstring>
#include <memory>
#include <string>
#include <vector>

#include "checkpoint/store.hpp"
#include "checkpoint/writer.hpp"
#include "core/rng.hpp"
#include "support/temporary_directory.hpp"

namespace pst::fixture {

namespace fs = std::filesystem;
using namespace checkpoint;

/// Tensors with values made from a seed, as a run has them.
struct RunState {
  std::vector<TensorSpec> specs;
  std::vector<std::vector<float>> values;  ///< of u8: its bytes, and zeros up to the next float

  explicit RunState(std::vector<TensorSpec> tensors, unsigned seed = 1) : specs(std::move(tensors)) {
    std::uint32_t x = 2463534242u + seed;
    for (const auto& spec : specs) {
      values.emplace_back((bytes_of(spec) + 3) / 4);
      for (float& value : values.back()) {
        x ^= x << 13, x ^= x >> 17, x ^= x << 5;
        value = static_cast<float>(static_cast<std::int32_t>(x)) * 0x1p-31f;
      }
    }
    clear_rests();
  }
  static std::size_t bytes_of(const TensorSpec& spec) {
    return size_of(spec.dtype) * static_cast<std::size_t>(rows_of(spec.shape) * row_values(spec.shape));
  }
  void clear_rests() {
    for (std::size_t i = 0; i < specs.size(); ++i)
      if (const std::size_t rest = bytes_of(specs[i]) % 4; rest != 0)
        std::memset(reinterpret_cast<std::byte*>(&values[i].back()) + rest, 0, 4 - rest);
  }
  std::vector<TensorRef> refs() const {
    std::vector<TensorRef> all;
    for (std::size_t i = 0; i < specs.size(); ++i)
      all.push_back(
          {specs[i].name, specs[i].shape,
           ConstView(values[i].data(), rows_of(specs[i].shape) * row_values(specs[i].shape), specs[i].dtype)});
    return all;
  }
  std::vector<Target> targets() {
    std::vector<Target> all;
    for (std::size_t i = 0; i < specs.size(); ++i)
      all.push_back({specs[i].name, specs[i].shape,
                     View{values[i].data(), rows_of(specs[i].shape) * row_values(specs[i].shape), specs[i].dtype, {}}});
    return all;
  }
  RunState blank() const {
    RunState other(specs);
    for (auto& tensor : other.values) std::fill(tensor.begin(), tensor.end(), -1.f);
    other.clear_rests();
    return other;
  }
};

/// Shapes that are awkward to share: fewer rows than ranks, one value, none at all, several chunks.
inline RunState awkward_state(unsigned seed = 1) {
  return RunState({{"adapter/model.layers.0.q_proj.lora_A.weight", {3, 5}},
                   {"adapter/model.layers.0.q_proj.lora_B.weight", {7, 3}},
                   {"optimizer/exp_avg/a", {1}},
                   {"optimizer/exp_avg/none", {0, 4}},
                   {"optimizer/exp_avg/scalar", {}},
                   {"optimizer/codes/a", {7}, Dtype::u8},
                   {"optimizer/codes/b", {9, 5}, Dtype::u8},
                   {"optimizer/exp_avg/large", {1031, 4099}}},
                  seed);
}

/// A small one, for tests that read every byte many times.
inline RunState small_state(unsigned seed = 1) {
  return RunState({{"adapter/a", {4, 6}}, {"optimizer/exp_avg/a", {4, 6}}, {"optimizer/exp_avg_sq/a", {4, 6}}}, seed);
}

/// The writers of a run, one per rank, in one process.
class Ranks {
 public:
  Ranks(const fs::path& checkpoints, int ranks, const RunState& state, Writer::Options options = {},
        int generation = 1) {
    for (int rank = 0; rank < ranks; ++rank)
      writers_.push_back(std::make_unique<Writer>(checkpoints, rank, ranks, generation, state.refs(), options));
  }
  Writer& operator[](int rank) { return *writers_[static_cast<std::size_t>(rank)]; }

  /// What the trainer does, waiting at each point. @return how it ended on rank 0
  Writer::Progress save(std::int64_t step, Manifest manifest = {}) {
    for (auto& writer : writers_) writer->begin(step, {.manifest = manifest});
    bool any_failed = false;
    std::vector<Receipt> receipts;
    for (auto& writer : writers_) {
      const auto progress = writer->wait();
      any_failed = any_failed || progress.phase == Writer::Phase::failed;
      receipts.push_back({progress.file, {}});
    }
    if (!any_failed) writers_[0]->receive(std::move(receipts));
    const auto result = writers_[0]->wait();
    for (auto& writer : writers_) {
      if (result.phase == Writer::Phase::committed) {
        writer->finish();
      } else {
        writer->drop();
        writer->wait();
      }
    }
    return result;
  }

 private:
  std::vector<std::unique_ptr<Writer>> writers_;
};

}  // namespace pst::fixture
