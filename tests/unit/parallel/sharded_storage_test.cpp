// SPDX-License-Identifier: Apache-2.0
#include "parallel/sharded_storage.hpp"

#include <cstring>
#include <limits>
#include <mutex>

#include "comm/local_communicator.hpp"
#include "core/error.hpp"
#include "core/strings.hpp"
#include "support/errors.hpp"
#include "support/slow_link.hpp"
#include "support/temporary_directory.hpp"
#include "support/tensors.hpp"
#include "support/tiny_model.hpp"

namespace pst::parallel {
namespace {

constexpr double kFast = std::numeric_limits<double>::infinity();

/// A made-up quantised format: a byte of each value, and one scale per row, which needs the largest value of the
/// matrix.
class Bytes final : public nn::FrozenFormat {
 public:
  std::vector<nn::Part> parts(const nn::MatrixSource& m) const override {
    return {{".codes", Dtype::u8, {m.out, m.in}}, {".scales", Dtype::f32, {m.out}}};
  }
  std::int64_t statistics(const nn::MatrixSource& m) const override { return m.out; }
  void collect(const nn::MatrixSource& m, std::int64_t begin, std::int64_t end, float* into) const override {
    for (std::int64_t row = begin; row < end; ++row) *into++ = value(m, row * m.in);
  }
  void pack(const nn::MatrixSource& m, std::span<const float> statistics, std::size_t part, std::size_t begin,
            std::size_t end, std::byte* into) const override {
    float largest = 0;
    for (const float s : statistics) largest = std::max(largest, std::abs(s));
    for (std::size_t i = begin; part == 0 && i < end; ++i)
      *into++ = static_cast<std::byte>(static_cast<int>(100 * value(m, static_cast<std::int64_t>(i)) / largest));
    for (std::size_t i = begin / 4; part == 1 && i < end / 4; ++i, into += 4) {
      const float scale = statistics[i] / largest;
      std::memcpy(into, &scale, 4);
    }
  }
  std::unique_ptr<nn::Linear> make(const nn::MatrixSource&, const std::vector<at::Tensor>&,
                                   std::optional<at::Tensor>) const override {
    return nullptr;
  }

 private:
  static float value(const nn::MatrixSource& m, std::int64_t i) {
    float value;
    std::memcpy(&value, m.store.get(m.name).bytes.data() + 4 * i, 4);
    return value;
  }
};

/// Four layers of a stored model, every other one quantised, and the embedding.
struct Model {
  fixture::TemporaryDirectory dir;
  std::optional<weights::TensorStore> store;
  nn::FrozenLayout layout;
  Model() {
    fixture::write_tiny_model(dir.path(), {.hidden = 20, .layers = 4, .heads = 2, .kv_heads = 1, .intermediate = 36});
    store = weights::TensorStore::open(dir.path());
    const std::shared_ptr<const nn::FrozenFormat> dense = nn::dense_format(Dtype::bf16),
                                                  bytes = std::make_shared<Bytes>();
    for (int i = 0; i < 4; ++i) {
      auto& block = layout.emplace_back(nn::FrozenBlock{cat("layer ", i), nn::FrozenBlock::Role::layer, {}});
      block.add({*store, cat("model.layers.", i, ".mlp.up_proj.weight"), 36, 20}, i % 2 == 0 ? dense : bytes);
      block.add({*store, cat("model.layers.", i, ".mlp.down_proj.weight"), 20, 36}, i % 2 == 0 ? dense : bytes);
    }
    layout.emplace_back(nn::FrozenBlock{"embedding", nn::FrozenBlock::Role::end, {}})
        .add({*store, "model.embed_tokens.weight", 320, 20}, dense);
  }
};

TEST(ShardedStorage, HoldsWhatTheReplicatedOneHoldsWhateverTheOrder) {
  const Model model;
  const auto whole = nn::replicated_storage(model.layout);
  for (const int ranks : {1, 2, 3, 4}) {
    SCOPED_TRACE(ranks);
    comm::run_ranks(ranks, [&](comm::Communicator& group) {
      const auto shares = sharded_storage(model.layout, group);
      for (const std::size_t block : {4, 0, 1, 2, 3, 4, 3, 2, 1, 0, 4, 2, 0, 3}) {
        shares->enter(block, block < 4 ? std::optional<std::size_t>((block + 1) % 5) : std::nullopt);
        for (std::size_t m = 0; m < model.layout[block].matrices.size(); ++m)
          for (std::size_t p = 0; p < model.layout[block].matrices[m].parts.size(); ++p)
            EXPECT_THAT(shares->parts(block, m)[p], fixture::bitwise_equal(whole->parts(block, m)[p]))
                << block << " " << m;
      }
    });
  }
}

TEST(ShardedStorage, TheNextBlockIsOnItsWayWhileOneIsUsed) {
  const Model model;
  comm::run_ranks(2, [&](comm::Communicator& group) {
    std::string events;
    fixture::SlowLink link(group, kFast, [&](auto) { events += 'f'; });
    const auto shares = sharded_storage(model.layout, link);
    const auto use = [&](std::size_t block, std::optional<std::size_t> next) {
      shares->enter(block, next);
      events += static_cast<char>('0' + block);
    };
    for (int pass = 0; pass < 2; ++pass) {
      for (const std::size_t block : {4, 0, 1, 2, 3}) use(block, (block + 1) % 5);
      use(4, std::nullopt);
      for (const std::size_t block : {3, 2, 1, 0}) use(block, block > 0 ? std::optional(block - 1) : std::nullopt);
      events += ' ';
    }
    // Every f stands before the block that is used meanwhile. What is still there is not fetched again.
    EXPECT_EQ(events,
              "ff4f0f1f234"
              "3f2f10 "
              "40f1f234"
              "3f2f10 ");
  });
}

TEST(ShardedStorage, WaitsForWhatWasFetchedForNothing) {
  const Model model;
  comm::run_ranks(2, [&](comm::Communicator& group) {
    fixture::SlowLink link(group, kFast);
    auto shares = sharded_storage(model.layout, link);
    shares->enter(3, 2);
    EXPECT_EQ(link.under_way(), 1);

    shares.reset();

    EXPECT_EQ(link.under_way(), 0);
  });
}

TEST(ShardedStorage, OneRankThatCannotPackStopsAll) {
  const Model model;
  std::mutex mutex;
  int told = 0;
  comm::run_ranks(3, [&](comm::Communicator& group) {
    class Broken final : public nn::FrozenFormat {
     public:
      explicit Broken(bool breaks) : breaks_(breaks) {}
      std::vector<nn::Part> parts(const nn::MatrixSource& m) const override {
        return {{"", Dtype::f32, {m.out, m.in}}};
      }
      void pack(const nn::MatrixSource&, std::span<const float>, std::size_t, std::size_t begin, std::size_t end,
                std::byte* into) const override {
        if (breaks_) throw Error(Fault::data, "a NaN in the file");
        std::memset(into, 0, end - begin);
      }
      std::unique_ptr<nn::Linear> make(const nn::MatrixSource&, const std::vector<at::Tensor>&,
                                       std::optional<at::Tensor>) const override {
        return nullptr;
      }
      bool breaks_;
    };
    nn::FrozenLayout mine = {{"layer 0", nn::FrozenBlock::Role::layer, {}}};
    mine[0].add({*model.store, "model.embed_tokens.weight", 320, 20}, std::make_shared<Broken>(group.rank() == 1));
    try {
      sharded_storage(mine, group);
    } catch (const Error& error) {
      EXPECT_THAT(error.what(), testing::HasSubstr("a NaN in the file"));
      const std::lock_guard lock(mutex);
      ++told;
    }
  });
  EXPECT_EQ(told, 3);
}

}  // namespace
}  // namespace pst::parallel
