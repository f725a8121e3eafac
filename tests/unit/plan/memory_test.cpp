// SPDX-License-Identifier: Apache-2.0
#include "plan/memory.hpp"
#include "plan/choose_strategy.hpp"

#include <gtest/gtest.h>

#include "unit/plan/models.hpp"

namespace {

using namespace pst;

plan::Memory memory(int micro_batch, bool recompute, plan::Dtype dtype, int r = 16, std::uint32_t length = 512,
                    int ranks = 1) {
  const auto model = plan::shape_of(fixture::smollm2_135m(), fixture::lora({.r = r}), length);
  const plan::MicroBatch largest{std::vector<std::uint32_t>(static_cast<std::size_t>(micro_batch), length),
                                 std::int64_t{micro_batch} * length, std::int64_t{micro_batch} * (length - 1)};
  return plan::memory_of({.model = model, .largest = largest, .leaves = 16},
                         {.nodes = ranks, .micro_batch = micro_batch, .recompute = recompute, .dtype = dtype});
}

TEST(Memory, CountsWhatALayerKeeps) {
  const auto model = plan::shape_of(fixture::smollm2_135m(), fixture::lora({.r = 16}), 512);

  const double kept = plan::kept_bytes(model.layers[0], 1, plan::Dtype::bf16);

  // By hand: sums and norms of the stream, q, k, v and the mixed heads, gate, up, their product, seven low-rank
  // products; in f32 nine heads' log-sum-exp and two norms' factors.
  EXPECT_DOUBLE_EQ(kept, 2 * (4 * 576 + 2 * 576 + 2 * 192 + 3 * 1536 + 7 * 16) + 4 * (9 + 2));
}

TEST(Memory, KeepsLessWhereThereIsNoAdapter) {
  const methods::Adapter adapter = fixture::lora({.r = 16}, fixture::named({"q_proj", "v_proj"}));
  const auto model = plan::shape_of(fixture::smollm2_135m(), adapter, 512);

  EXPECT_DOUBLE_EQ(plan::kept_bytes(model.layers[0], 1, plan::Dtype::f32),
                   4 * (3 * 576 + 2 * 576 + 2 * 192 + 2 * 1536 + 2 * 16) + 4 * (9 + 2));
}

TEST(Memory, GrowsWithWhatIsLarger) {
  const double base = memory(4, false, plan::Dtype::bf16).peak();

  EXPECT_GT(memory(8, false, plan::Dtype::bf16).peak(), base);
  EXPECT_GT(memory(4, false, plan::Dtype::f32).peak(), base);
  EXPECT_GT(memory(4, false, plan::Dtype::bf16, 64).peak(), base);
  EXPECT_GT(memory(4, false, plan::Dtype::bf16, 16, 1024).peak(), base);
  EXPECT_LT(memory(4, true, plan::Dtype::bf16).peak(), base);
}

TEST(Memory, ReplicasHoldWholeModelsAndShareTheSnapshot) {
  const auto one = memory(4, false, plan::Dtype::f32), four = memory(4, false, plan::Dtype::f32, 16, 512, 4);

  EXPECT_EQ(one.weights, four.weights);
  EXPECT_EQ(one.communication, 0);
  EXPECT_GT(four.communication, 0);
  EXPECT_EQ(one.checkpoint, 4 * four.checkpoint);
  EXPECT_LT(four.gradients, one.gradients);  // fewer leaves of the tree on a rank
}

TEST(Memory, SharesHoldAPartOfEachBlockAndThreeBuffers) {
  const auto model = plan::shape_of(fixture::smollm2_135m(), fixture::lora({.r = 16}), 512);
  const auto weights = [&](plan::Placement placement) {
    return plan::memory_of({.model = model},
                           {.nodes = 2, .ranks_per_node = 4, .dtype = plan::Dtype::bf16, .placement = placement})
        .weights;
  };
  const double whole = weights(plan::Placement::replicate), all = model.frozen_bytes(plan::Dtype::bf16);

  // By hand: q, o of 576 x 576, k, v of 192, three of 1536; 49,152 rows of 576.
  const double buffers = 2 * (2 * (2 * 576 * 576 + 2 * 192 * 576 + 3 * 1536 * 576) + 49152.0 * 576);
  EXPECT_DOUBLE_EQ(weights(plan::Placement::shard), whole - all + all / 8 + buffers);
  EXPECT_DOUBLE_EQ(weights(plan::Placement::hybrid), whole - all + all / 4 + buffers);
}

TEST(Memory, AQuantisedBaseTakesItsCodesAndOneMatrixToComputeWith) {
  const auto weights = [&](recipe::Quantization quantization) {
    const auto model = plan::shape_of(fixture::smollm2_135m(), fixture::lora({.r = 16}), 512, quantization);
    return plan::memory_of({.model = model}, {.dtype = plan::Dtype::f32}).weights;
  };
  const double dense = weights({});

  // Per layer 2 matrices of 331,776 values, 2 of 110,592 and 3 of 884,736; 30 layers. The largest is computed with in
  // f32.
  const double values = 30.0 * (2 * 331'776 + 2 * 110'592 + 3 * 884'736);
  const double blocks = values / 64;
  const double nested = 30.0 * 4 * (2 * 21 + 2 * 7 + 3 * 54 + 7 * 257);  // scales of scales, their map and mean
  EXPECT_DOUBLE_EQ(dense - weights({.format = weights::NumberFormat::nf4}),
                   4 * values - (values / 2 + blocks + nested) - 4 * (884'736 + 884'736.0 / 64));
  EXPECT_DOUBLE_EQ(dense - weights({.format = weights::NumberFormat::nf4, .double_quantization = false}),
                   4 * values - (values / 2 + 4 * blocks) - 4 * 884'736);
  EXPECT_DOUBLE_EQ(dense - weights({.format = weights::NumberFormat::int8}),
                   4 * values - values - 30 * 4 * (576 + 192 + 192 + 576 + 1536 + 1536 + 576) - 4 * 884'736);
  EXPECT_DOUBLE_EQ(weights({.format = weights::NumberFormat::fp8}), weights({.format = weights::NumberFormat::int8}));
  EXPECT_LT(weights({.format = weights::NumberFormat::nf4}),
            weights({.format = weights::NumberFormat::nf4, .skip = {"down_proj"}}));
}

TEST(Placement, IsTheFirstThatFits) {
  const double gib = 1 << 30;
  const auto placed = [&](double base, double memory, int ranks, int here, DeviceKind device = DeviceKind::cpu) {
    return plan::place_base(base * gib, 0, memory * gib, ranks, here, device).placement;
  };
  EXPECT_EQ(placed(10, 20, 8, 4), plan::Placement::replicate);
  EXPECT_EQ(placed(13, 20, 8, 4), plan::Placement::hybrid);
  EXPECT_EQ(placed(50, 20, 8, 4), plan::Placement::shard);
  EXPECT_EQ(placed(13, 20, 4, 4), plan::Placement::shard);      // one node
  EXPECT_EQ(placed(13, 20, 8, 1), plan::Placement::shard);      // one rank a node
  EXPECT_EQ(placed(13, 20, 1, 1), plan::Placement::replicate);  // nobody to share with
  EXPECT_EQ(placed(13, 0, 8, 4), plan::Placement::replicate);
  EXPECT_EQ(placed(15, 20, 8, 4, DeviceKind::cuda), plan::Placement::replicate);  // nobody else uses it
  EXPECT_EQ(placed(16, 20, 8, 4, DeviceKind::cuda), plan::Placement::hybrid);
  EXPECT_EQ(plan::place_base(12 * gib, 9 * gib, 20 * gib, 8, 4, DeviceKind::cuda).placement,
            plan::Placement::hybrid);  // what goes beside it would not fit
  EXPECT_EQ(plan::place_base(13 * gib, 0, 20 * gib, 8, 4, DeviceKind::cpu).reason,
            "a whole copy would take 13.0 GiB of the 12.0 GiB for weights that a rank has; a share takes 3.2 GiB");
}

TEST(Memory, TheHeadsChunkIsTheTrainersOwn) {
  using enum DeviceKind;
  EXPECT_EQ(plan::head_chunk_rows(49152, plan::Dtype::f32, cpu), 128);
  EXPECT_EQ(plan::head_chunk_rows(49152, plan::Dtype::bf16, cpu), 256);
  EXPECT_EQ(plan::head_chunk_rows(300, plan::Dtype::bf16, cpu), 1024);
  EXPECT_EQ(plan::head_chunk_rows(2'000'000, plan::Dtype::f32, cpu), 16);
  EXPECT_EQ(plan::head_chunk_rows(128256, plan::Dtype::bf16, cuda), 1024);
  EXPECT_EQ(plan::head_chunk_rows(300, plan::Dtype::bf16, cuda), 8192);
}

TEST(Memory, EverySizeOfProductKeepsAKernel) {
  const auto model = plan::shape_of(fixture::smollm2_135m(), fixture::lora({.r = 16}), 512);
  const auto kernels = [&](std::int64_t token_counts) {
    return plan::memory_of({.model = model, .product_bytes = 1000, .token_counts = token_counts}, {}).kernels;
  };

  // Four frozen matrices, (576, 576), (576, 192), (576, 1536), (1536, 576), forward and back: 8. Four inputs with A's
  // of 48, 16, 32 and 16 rows, in three products each: 12. B's of three widths in two products: 6. Two of the head.
  EXPECT_EQ(plan::products_of(model, plan::Dtype::f32, false), 28);
  EXPECT_EQ(plan::products_of(model, plan::Dtype::bf16, false), 31);  // and the gradients of B
  // With dropout layers go alone: A's of 16 rows, under two widths.
  EXPECT_EQ(plan::products_of(model, plan::Dtype::f32, true), 22);
  EXPECT_EQ(kernels(1), 28'000);
  EXPECT_EQ(kernels(9), 252'000);
  EXPECT_EQ(kernels(1000), 320'000);  // the oldest of 256 leave, and with them holes
}

TEST(Memory, CudnnsAttentionWorksInAllPairsOfOneDocument) {
  const auto model = plan::shape_of(fixture::smollm2_135m(), fixture::lora({.r = 16}), 8192);
  const auto extra = [&](std::vector<std::uint32_t> lengths, plan::Dtype dtype) {
    plan::MicroBatch batch{.lengths = lengths};
    for (const auto length : lengths) batch.tokens += length;
    const auto workspace = [&](bool cudnn) {
      return plan::memory_of({.model = model, .largest = batch, .is_gpu = true, .cudnn_attention = cudnn},
                             {.dtype = dtype})
          .workspace;
    };
    return workspace(true) - workspace(false);
  };
  EXPECT_EQ(extra({4096}, plan::Dtype::bf16), 2.0 * 9 * 4096 * 4096);
  EXPECT_EQ(extra({1500}, plan::Dtype::bf16), 2.0 * 9 * 2048 * 2048);
  EXPECT_EQ(extra({512}, plan::Dtype::bf16), 2.0 * 9 * 512 * 512);
  EXPECT_EQ(extra({511}, plan::Dtype::bf16), 0);
  EXPECT_EQ(extra({2048, 2048}, plan::Dtype::bf16), 0) << "flash attention's";
  EXPECT_EQ(extra({4096}, plan::Dtype::f32), 0);
}

TEST(Memory, OnlyProductsThatCopyTheirOperandsPayForIt) {
  const auto model = plan::shape_of(fixture::smollm2_135m(), fixture::lora({.r = 16}), 512);
  const auto workspace = [&](bool copies) {
    return plan::memory_of({.model = model, .largest = {.tokens = 100, .labelled = 100}, .copies_operands = copies}, {})
        .workspace;
  };
  EXPECT_DOUBLE_EQ(workspace(true), 100 * 4 * 49152.0) << "a chunk of logits";
  EXPECT_DOUBLE_EQ(workspace(false), 100 * 4 * 2 * (1536.0 + 576)) << "the widest moment of a layer";
}

TEST(Memory, CountsTheSizesOfMicroBatches) {
  plan::Work work{.steps = 2};
  work.sample = {{{{10}, 10, 9}, {{20}, 20, 19}}, {{{20}, 20, 19}, {{5}, 5, 4}}};

  EXPECT_EQ(plan::token_counts(work, 1, 1), 3);
  EXPECT_EQ(plan::token_counts(work, 2, 1), 2);
  EXPECT_EQ(plan::token_counts(work, 1, 2), 2);
  work.steps = 200;  // of a sample the rest is scaled, up to what is asked for
  EXPECT_GT(plan::token_counts(work, 1, 1), 100);
  EXPECT_EQ(plan::token_counts(work, 1, 1, 50), 50);
  EXPECT_EQ(plan::token_counts(fixture::full_rows(1000, 4, 512), 2, 1), 1);
}

TEST(Memory, TheLargestMicroBatchIsExactWhereAllStepsAreKnown) {
  plan::Work work{.steps = 2};
  work.sample = {{{{10}, 10, 9}, {{20}, 20, 19}}, {{{30}, 30, 29}, {{5}, 5, 4}}};

  EXPECT_EQ(plan::largest_micro_batch(work, 2).tokens, 35);
  work.steps = 100;  // other epochs shuffle: the two longest rows may meet
  EXPECT_EQ(plan::largest_micro_batch(work, 2).tokens, 50);
}

}  // namespace
