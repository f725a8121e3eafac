// SPDX-License-Identifier: Apache-2.0
#include "ops/arena.hpp"

#include <gtest/gtest.h>

#include <cstdint>
#include <cstring>
#include <random>
#include <thread>
#include <vector>

namespace pst::ops {
namespace {

constexpr std::size_t kMiB = 1 << 20;

TEST(Arena, GivesAlignedBlocksThatDoNotOverlap) {
  Arena arena(8 * kMiB);
  std::vector<std::pair<unsigned char*, std::size_t>> blocks;
  std::mt19937 chance(3);
  const auto whole = [](const auto& block) {
    for (std::size_t i = 0; i < block.second; ++i)
      if (block.first[i] != static_cast<unsigned char>(block.second)) return false;
    return true;
  };
  for (int i = 0; i < 3000; ++i) {
    if (blocks.size() > 40 || (!blocks.empty() && chance() % 2 == 0)) {
      const std::size_t at = chance() % blocks.size();
      ASSERT_TRUE(whole(blocks[at])) << i;
      arena.release(blocks[at].first);
      blocks.erase(blocks.begin() + static_cast<std::ptrdiff_t>(at));
      continue;
    }
    const std::size_t size = 1 + chance() % 20000;
    auto* const block = static_cast<unsigned char*>(arena.allocate(size));
    ASSERT_NE(block, nullptr);
    EXPECT_EQ(reinterpret_cast<std::uintptr_t>(block) % Arena::kAlignment, 0u);
    EXPECT_TRUE(arena.owns(block));
    std::memset(block, static_cast<unsigned char>(size), size);
    blocks.emplace_back(block, size);
  }
  for (const auto& block : blocks) {
    EXPECT_TRUE(whole(block));
    arena.release(block.first);
  }
  EXPECT_NE(arena.allocate(8 * kMiB), nullptr) << "all holes have joined";
}

/// What training does: every micro batch has another size, and keeps everything until its end.
TEST(Arena, MicroBatchesOfAllSizesNeedNoMoreThanTheLargest) {
  Arena arena(64 * kMiB);
  std::mt19937 chance(5);
  const auto micro_batch = [&](std::size_t rows) {
    std::vector<void*> kept;
    for (int layer = 0; layer < 8; ++layer)
      for (const std::size_t width : {192, 512, 64}) {
        void* const temporary = arena.allocate(4 * rows * width / 2);
        kept.push_back(arena.allocate(4 * rows * width));
        arena.release(temporary);
      }
    for (; !kept.empty(); kept.pop_back()) arena.release(kept.back());
  };
  micro_batch(1000);
  const std::size_t largest = arena.extent();
  for (int i = 0; i < 200; ++i) micro_batch(1 + chance() % 1000);
  EXPECT_EQ(arena.extent(), largest);
}

TEST(Arena, SaysSoWhenItIsFull) {
  Arena arena(kMiB);
  EXPECT_EQ(arena.allocate(kMiB + 1), nullptr);
  EXPECT_EQ(arena.allocate(SIZE_MAX), nullptr);
  void* const all = arena.allocate(kMiB);
  ASSERT_NE(all, nullptr);
  EXPECT_EQ(arena.allocate(1), nullptr);
  arena.release(all);
  EXPECT_NE(arena.allocate(1), nullptr);
  EXPECT_FALSE(arena.owns(&arena));
  EXPECT_EQ(Arena(0).allocate(1), nullptr);
}

TEST(Arena, ThreadsShareIt) {
  Arena arena(16 * kMiB);
  std::vector<std::thread> threads;
  for (int t = 0; t < 4; ++t)
    threads.emplace_back([&arena, t] {
      for (int i = 0; i < 2000; ++i) {
        auto* const block = static_cast<int*>(arena.allocate(4096));
        *block = t;
        EXPECT_EQ(*block, t);
        arena.release(block);
      }
    });
  for (auto& thread : threads) thread.join();
  EXPECT_NE(arena.allocate(16 * kMiB), nullptr);
}

}  // namespace
}  // namespace pst::ops
