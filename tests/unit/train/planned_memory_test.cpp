// SPDX-License-Identifier: Apache-2.0
// What a plan says of memory against what the code that trains asks its allocator for: a plan that states a size by
// itself is wrong on the day that the code changes. On a GPU the same code runs; how much it keeps at once follows from
// the shared rules in kernels/.
#include <c10/core/CPUAllocator.h>

#include <algorithm>
#include <cstdlib>
#include <map>
#include <mutex>
#include <new>

#include "comm/local_communicator.hpp"
#include "core/strings.hpp"
#include "families/read_model.hpp"
#include "model/decoder.hpp"
#include "objective/objective.hpp"
#include "optim/optimizer.hpp"
#include "parallel/ordered_sum.hpp"
#include "parallel/sharded_storage.hpp"
#include "peft/adapter.hpp"
#include "plan/memory.hpp"
#include "quant/format.hpp"
#include "support/adapters.hpp"
#include "support/temporary_directory.hpp"
#include "support/tensors.hpp"
#include "support/tiny_kinds.hpp"
#include "support/tiny_model.hpp"

namespace pst::train {
namespace {

using weights::NumberFormat;

/// libtorch's memory, counted. It stays in place until the program ends: tensors outlive a test.
class CountedMemory final : public c10::Allocator {
 public:
  static CountedMemory& instance() {
    static auto* const counted = [] {
      auto* const made = new CountedMemory;
      c10::SetCPUAllocator(made, /*priority=*/2);
      return made;
    }();
    return *counted;
  }

  std::int64_t live() const { return live_; }
  std::int64_t most() const { return most_; }        ///< at once, since watch()
  std::int64_t largest() const { return largest_; }  ///< that was asked for in one piece, since watch()
  void watch() {
    most_ = live_;
    largest_ = 0;
  }

  c10::DataPtr allocate(std::size_t bytes) override {
    if (bytes == 0) return {nullptr, nullptr, &give_back, c10::Device(c10::DeviceType::CPU)};
    void* const data = std::aligned_alloc(64, (bytes + 63) / 64 * 64);
    if (data == nullptr) throw std::bad_alloc();
    const std::lock_guard lock(mutex_);
    const auto size = static_cast<std::int64_t>(bytes);
    sizes_[data] = size;
    live_ += size;
    most_ = std::max(most_, live_);
    largest_ = std::max(largest_, size);
    return {data, data, &give_back, c10::Device(c10::DeviceType::CPU)};
  }
  c10::DeleterFnPtr raw_deleter() const override { return &give_back; }
  void copy_data(void* to, const void* from, std::size_t bytes) const override { default_copy_data(to, from, bytes); }

 private:
  static void give_back(void* data) {
    if (data == nullptr) return;
    auto& counted = instance();
    {
      const std::lock_guard lock(counted.mutex_);
      const auto found = counted.sizes_.find(data);
      counted.live_ -= found->second;
      counted.sizes_.erase(found);
    }
    std::free(data);
  }

  std::mutex mutex_;
  std::map<void*, std::int64_t> sizes_;
  std::int64_t live_ = 0, most_ = 0, largest_ = 0;
};

CountedMemory& memory() { return CountedMemory::instance(); }

plan::Dtype planned(at::ScalarType compute) { return compute == at::kBFloat16 ? plan::Dtype::bf16 : plan::Dtype::f32; }

/// No size divides another; in f32 the head's chunk is smaller than the labelled rows of a batch.
const fixture::TinyModel kShape = {.hidden = 60,
                                   .layers = 3,
                                   .heads = 6,
                                   .kv_heads = 2,
                                   .intermediate = 100,
                                   .head_dim = 10,
                                   .vocab = 49'000,
                                   .attention_bias = true,
                                   .mlp_bias = true,
                                   .tied = false};
constexpr int kPositions = 256;

struct Case {
  at::ScalarType compute = at::kFloat;
  recipe::Quantization quantization = {};
  methods::Adapter adapter = fixture::lora({.r = 5});
  bool recompute = false;
  fixture::TinyModel model = kShape;
};

/// A folder with the model, made once for each family.
fs::path folder_of(const fixture::TinyModel& model) {
  static const fixture::TemporaryDirectory dir;
  const fs::path folder = dir / model.model_type;
  if (!fs::exists(folder)) fixture::write_tiny_model(folder, model);
  return folder;
}

/// A model with an adapter and a micro batch, and what a plan says of them.
struct Training {
  explicit Training(const Case& setup) : setup_(setup) {
    const fs::path folder = folder_of(setup.model);
    config_ = families::read_model(folder);
    shape_ = plan::shape_of(config_, setup.adapter, kPositions, setup.quantization);
    store_ = std::make_unique<weights::TensorStore>(weights::TensorStore::open(folder));
    const fixture::Tokens tokens({200, 90, 210}, 260, 1);
    batch_ = nn::make_batch(tokens.spans(), setup.model.vocab);

    const bool quantised_scales = setup.quantization.double_quantization;
    const std::int64_t before = memory().live();
    model_ =
        model::load(config_, *store_, setup.compute,
                    quant::make_format({.format = setup.quantization.format,
                                        .scales = quantised_scales ? lowbit::Scales::quantised : lowbit::Scales::plain,
                                        .skip = setup.quantization.skip,
                                        .compute = setup.compute == at::kBFloat16 ? Dtype::bf16 : Dtype::f32}),
                    nn::replicated_storage, kPositions);
    {
      const at::NoGradGuard no_gradients;
      forward();  // and what dequantised matrices are written to
    }
    weights_ = memory().live() - before;
    adapter_ = peft::make_adapter(*model_, setup.adapter, setup.compute);
    adapters_ = memory().live() - before - weights_;
  }

  at::Tensor forward() const {
    return model_->forward(batch_, {.training = true, .random = Rng(1)},
                           setup_.recompute ? nn::Recompute::layers : nn::Recompute::nothing);
  }
  plan::Memory planned(std::int64_t leaves = 1) const {
    plan::MicroBatch batch{.tokens = batch_.tokens(), .labelled = batch_.labelled()};
    for (std::size_t i = 0; i + 1 < batch_.documents.starts.size(); ++i)
      batch.lengths.push_back(static_cast<std::uint32_t>(batch_.documents.starts[i + 1] - batch_.documents.starts[i]));
    return plan::memory_of({.model = shape_,
                            .largest = batch,
                            .leaves = leaves,
                            .copies_operands = false,
                            .dropout = shape_.dropout,
                            .saves = false},
                           {.recompute = setup_.recompute, .dtype = train::planned(setup_.compute)});
  }
  nn::ParameterSet& parameters() { return adapter_->parameters(); }

  Case setup_;
  families::ModelSpec config_;
  std::unique_ptr<weights::TensorStore> store_;
  plan::ModelShape shape_;
  nn::Batch batch_;
  std::unique_ptr<nn::CausalLm> model_;
  std::unique_ptr<peft::Adapter> adapter_;
  std::int64_t weights_ = 0, adapters_ = 0;
};

std::vector<Case> cases() {
  std::vector<Case> all;
  for (const auto compute : {at::kFloat, at::kBFloat16})
    for (const auto& row : weights::number_formats())
      for (const bool double_quantization : {false, true})
        all.push_back(
            {.compute = compute,
             .quantization = {.format = row.format, .double_quantization = double_quantization, .skip = {"v_proj"}}});
  return all;
}

TEST(PlannedMemory, WeightsAndAdaptersAreWhatIsAllocated) {
  memory();
  for (const Case& setup : cases()) {
    SCOPED_TRACE(cat(weights::name_of(setup.quantization.format),
                     setup.quantization.double_quantization ? " " : " plain ", plan::name_of(planned(setup.compute))));
    const Training training(setup);

    EXPECT_EQ(training.weights_, training.planned().weights);
    EXPECT_EQ(training.adapters_, training.planned().adapters);
  }
}

TEST(PlannedMemory, GradientsAndTheOptimizersStateAreWhatIsAllocated) {
  memory();
  for (const auto compute : {at::kFloat, at::kBFloat16}) {
    Training training({.compute = compute});
    for (const std::int64_t leaves : {1, 2, 3, 8, 13}) {
      const std::int64_t before = memory().live();
      parallel::GradientBuffers buffers([&] { return training.parameters().new_gradient(); });
      const at::Tensor sum = parallel::sum_of_leaves(0, leaves, buffers, [](std::int64_t, const at::Tensor&) {});
      EXPECT_EQ(memory().live() - before, training.planned(leaves).gradients) << leaves;
    }
    const std::int64_t before = memory().live();
    const optim::Optimizer optimizer({}, training.parameters(), parallel::FlatShares(training.parameters(), 1), 0);
    EXPECT_EQ(memory().live() - before, training.planned().optimizer);
  }
}

/// What ranks as threads hold together when each has called make() and keeps its result.
template <class Make>
std::int64_t held_by_ranks(int ranks, const Make& make) {
  const std::int64_t before = memory().live();
  std::int64_t held = 0;
  comm::run_ranks(ranks, [&](comm::Communicator& group) {
    const auto result = make(group);
    group.barrier();
    if (group.is_root()) held = memory().live() - before;
    group.barrier();
  });
  return held;
}

TEST(PlannedMemory, SharesAndExchangesAreWhatIsAllocated) {
  memory();
  Training training({.quantization = {.format = NumberFormat::int8}});
  const plan::ModelShape& shape = training.shape_;
  for (const int ranks : {2, 3}) {
    const plan::Choice choice = {.nodes = ranks, .placement = plan::Placement::shard};
    const plan::Memory planned = plan::memory_of({.model = shape, .saves = false}, choice);

    const auto weights = held_by_ranks(ranks, [&](comm::Communicator& group) {
      auto model = model::load(
          training.config_, *training.store_, at::kFloat, quant::make_format({.format = NumberFormat::int8}),
          [&](const nn::FrozenLayout& layout) { return parallel::sharded_storage(layout, group); }, kPositions);
      const at::NoGradGuard no_gradients;
      model->forward(training.batch_, {}, nn::Recompute::nothing);
      return model;
    });
    const auto buffers = held_by_ranks(ranks, [&](comm::Communicator& group) {
      auto made = std::make_unique<parallel::ExchangeBuffers>(group);
      parallel::ordered_all_reduce(training.parameters().new_gradient(), *made);
      return made;
    });

    // Norms and biases are with every rank, and shares end on a cache line: both less than a percent here.
    EXPECT_NEAR(static_cast<double>(weights) / ranks / planned.weights, 1, 0.01) << ranks;
    EXPECT_EQ(static_cast<double>(buffers), ranks * planned.communication) << ranks;
  }
}

/// What one forward pass keeps for backward, and the most that is there at once.
struct Taken {
  std::int64_t kept = 0, most = 0;
};

Taken taken_by(Training& training) {
  const at::Tensor gradient = training.parameters().new_gradient();
  training.parameters().accumulate_into(gradient);
  const std::int64_t before = memory().live();
  Taken taken;
  const auto recomputing = training.setup_.recompute ? nn::Recompute::layers : nn::Recompute::nothing;
  objective::cross_entropy()->backward({*training.model_,
                                        {.training = true, .random = Rng(1)},
                                        recomputing,
                                        [&] {
                                          taken.kept = memory().live() - before;
                                          memory().watch();
                                        }},
                                       training.batch_, 1);
  taken.most = memory().most() - before;
  return taken;
}

TEST(PlannedMemory, EveryKindOfModelTakesWhatIsPlanned) {
  memory();
  for (const auto& kind : fixture::kinds())
    for (const auto compute : {at::kFloat, at::kBFloat16})
      for (const bool recompute : {false, true}) {
        SCOPED_TRACE(cat(kind.name, " ", plan::name_of(planned(compute)), recompute ? " again" : " kept"));
        Training training({.compute = compute, .recompute = recompute, .model = kind.model});
        const plan::Memory planned = training.planned();

        const Taken taken = taken_by(training);

        EXPECT_NEAR(static_cast<double>(training.weights_) / planned.weights, 1, 0.01);
        EXPECT_EQ(training.adapters_, planned.adapters);
        // A plan may be too high: where a layer hands on its stream alone, which is then one array and not two, and
        // because the widest moments of the parts are added up that come one after the other.
        const double kept = static_cast<double>(taken.kept) / planned.activations;
        EXPECT_LT(kept, 1.1);
        EXPECT_GT(kept, 0.6);
        const double most = static_cast<double>(taken.most) / (planned.activations + planned.workspace + planned.head);
        EXPECT_LT(most, 1.1);
        EXPECT_GT(most, 0.7);
      }
}

TEST(PlannedMemory, LogitsAndActivationsAreWhatTheyTake) {
  memory();
  const methods::Adapter all = fixture::lora({.r = 5}), dropping = fixture::lora({.r = 5, .dropout = 0.5}),
                         some = fixture::lora({.r = 5}, fixture::named({"q_proj", "v_proj"}));
  for (const auto compute : {at::kFloat, at::kBFloat16})
    for (const auto& adapter : {all, some, dropping})
      for (const bool recompute : {false, true}) {
        SCOPED_TRACE(cat(plan::name_of(planned(compute)), " ", recompute ? "again " : "kept "));
        Training training({.compute = compute, .adapter = adapter, .recompute = recompute});
        const plan::Memory planned = training.planned();
        const auto value_bytes = plan::value_bytes(train::planned(compute));
        const std::int64_t rows = plan::head_chunk_rows(kShape.vocab, train::planned(compute), DeviceKind::cpu),
                           chunk = std::min(rows, training.batch_.labelled()) * kShape.vocab * value_bytes;

        const Taken taken = taken_by(training);

        EXPECT_EQ(memory().largest(), chunk) << "a chunk of logits is the largest array of a step";
        EXPECT_NEAR(static_cast<double>(taken.kept) / planned.activations, 1, 0.02);
        EXPECT_NEAR(static_cast<double>(taken.most) / (planned.activations + planned.workspace + planned.head), 1, 0.1);
      }
}

}  // namespace
}  // namespace pst::train
