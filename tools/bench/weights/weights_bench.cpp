// SPDX-License-Identifier: Apache-2.0
// weights_bench MODEL TOKENS MiB_PER_S...: how long a rank waits for frozen weights in shares.
//
// Two ranks, as threads, each with one thread of its own, go forward and backward over TOKENS tokens; their gathers
// arrive as late as over a link of the given speed. Beside it stands the time with whole copies, measured in the same
// process.
#include <cstdio>
#include <cstdlib>
#include <mutex>
#include <vector>

#include "comm/local_communicator.hpp"
#include "core/clock.hpp"
#include "core/error.hpp"
#include "families/read_model.hpp"
#include "model/decoder.hpp"
#include "ops/torch_exec.hpp"
#include "parallel/sharded_storage.hpp"
#include "peft/adapter.hpp"
#include "support/slow_link.hpp"
#include "support/tensors.hpp"

namespace {

using namespace pst;
constexpr int kRanks = 2, kPasses = 4;

/// Says of every block when it was entered and when it could be used.
class Watched final : public nn::FrozenStorage {
 public:
  Watched(std::unique_ptr<nn::FrozenStorage> inner, std::function<void(std::size_t, double, double)> tell)
      : inner_(std::move(inner)), tell_(std::move(tell)) {}
  const std::vector<at::Tensor>& parts(std::size_t block, std::size_t matrix) const override {
    return inner_->parts(block, matrix);
  }
  bool always_there() const override { return inner_->always_there(); }
  void enter(std::size_t block, std::optional<std::size_t> next) override {
    const double before = monotonic_seconds(), waited = inner_->waited_s().value_or(0);
    inner_->enter(block, next);
    tell_(block, before, inner_->waited_s().value_or(0) - waited);
  }
  std::optional<double> waited_s() const override { return inner_->waited_s(); }

 private:
  std::unique_ptr<nn::FrozenStorage> inner_;
  std::function<void(std::size_t, double, double)> tell_;
};

struct Times {
  double pass_s = 0, waited_s = 0;
  std::string line;  // of the last pass
};

Times passes(const std::string& folder, std::int64_t tokens, comm::Communicator& group, const nn::MakeStorage& storage,
             std::string& line) {
  ops::set_threads(1);  // of this thread: the setting is each thread's own
  const auto config = families::read_model(folder);
  const auto model = model::load(config, weights::TensorStore::open(folder), at::kFloat, nn::dense_format(Dtype::f32),
                                 storage, tokens);
  const auto made = peft::make_adapter(*model, {}, at::kFloat);
  peft::Adapter& adapter = *made;
  adapter.initialise(1);
  const at::Tensor gradient = adapter.parameters().new_gradient();
  adapter.parameters().accumulate_into(gradient);
  const fixture::Tokens documents({static_cast<int>(tokens)}, 260, static_cast<std::uint64_t>(1 + group.rank()));
  const nn::Batch batch = nn::make_batch(documents.spans(), config.vocab_size);
  Times times;
  double began = 0, waited = 0;
  for (int pass = 0; pass <= kPasses; ++pass) {
    if (pass == 1) {  // the first makes kernels and fetches what later ones find there
      group.barrier();
      began = monotonic_seconds();
      waited = model->frozen().waited_s().value_or(0);
    }
    line.clear();
    const at::Tensor hidden = model->forward(batch, {}, nn::Recompute::nothing);
    line += "| ";
    hidden.backward(fixture::random({hidden.size(0), hidden.size(1)}, 1));
  }
  times.pass_s = (monotonic_seconds() - began) / kPasses;
  times.waited_s = (model->frozen().waited_s().value_or(0) - waited) / kPasses;
  times.line = line;
  return times;
}

void measure(const std::string& folder, std::int64_t tokens, double bytes_per_s) {
  Times whole, shares;
  comm::run_ranks(kRanks, [&](comm::Communicator& group) {
    std::string line;
    const Times times = passes(folder, tokens, group, nn::replicated_storage, line);
    if (group.is_root()) whole = times;
  });
  comm::run_ranks(kRanks, [&](comm::Communicator& group) {
    fixture::SlowLink link(group, bytes_per_s);
    std::string line;
    const auto tell = [&](std::size_t block, double, double waited) {
      char text[48];
      std::snprintf(text, sizeof text, waited > 5e-4 ? "%zu(+%.0f ms) " : "%zu ", block, 1000 * waited);
      line += text;
    };
    const nn::MakeStorage storage = [&](const nn::FrozenLayout& layout) {
      return std::make_unique<Watched>(parallel::sharded_storage(layout, link), tell);
    };
    const Times times = passes(folder, tokens, group, storage, line);
    if (group.is_root()) shares = times;
  });
  std::printf("%10.0f  %12.0f  %12.0f  %10.1f  %6.1f %%\n", bytes_per_s / (1 << 20), 1000 * whole.pass_s,
              1000 * shares.pass_s, 1000 * shares.waited_s, 100 * shares.waited_s / shares.pass_s);
  std::printf("            blocks entered (waited): %s\n", shares.line.c_str());
}

}  // namespace

int main(int count, char** arguments) {
  if (count < 4) {
    std::fprintf(stderr, "usage: weights_bench MODEL TOKENS MiB_PER_S...\n");
    return 64;
  }
  try {
    std::printf("   MiB/s    whole, ms     shares, ms  waited, ms  of it\n");
    for (int i = 3; i < count; ++i)
      measure(arguments[1], std::atoll(arguments[2]), std::atof(arguments[i]) * (1 << 20));
    return 0;
  } catch (const Error& error) {
    std::fprintf(stderr, "%s\n", error.what());
    return exit_status(error.fault());
  }
}
