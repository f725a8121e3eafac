// SPDX-License-Identifier: Apache-2.0
#include <ATen/ops/randn.h>

#include <algorithm>

#include "app/probe_bench.hpp"
#include "core/strings.hpp"
#include "peft/adapter.hpp"
#include "plan/costs.hpp"

namespace pst::app {
namespace {

using plan::Dtype;
using plan::Op;
using plan::table_name;

at::ScalarType scalar(Dtype dtype) { return dtype == Dtype::bf16 ? at::kBFloat16 : at::kFloat; }

/// Random values that all weights are windows of. Larger than a last-level cache, so that a layer's weights come from
/// memory, as they do in a model of some size.
class Pool {
 public:
  explicit Pool(Dtype dtype) : values_(at::randn({kValues}, at::kFloat).mul_(0.02).to(scalar(dtype))) {}
  /// As many [out, in] matrices as there is room for, up to `most`.
  std::vector<at::Tensor> matrices(std::int64_t out, std::int64_t in, std::int64_t most) const {
    std::vector<at::Tensor> windows;
    for (std::int64_t i = 0; i < most && (i + 1) * out * in <= kValues; ++i)
      windows.push_back(values_.narrow(0, i * out * in, out * in).view({out, in}));
    return windows;
  }
  /// A [rows, columns] of its own: copied, which takes a tenth of the time of drawing new values.
  at::Tensor copy(std::int64_t rows, std::int64_t columns) const {
    return values_.narrow(0, 0, rows * columns).view({rows, columns}).clone();
  }

 private:
  static constexpr std::int64_t kValues = 29 << 20;  // 116 MiB in f32
  at::Tensor values_;
};

/// A row of layers of one size: forward through all, then back through all, as a model does.
struct Stack {
  nn::ParameterSet parameters;
  std::vector<std::unique_ptr<nn::Linear>> layers;
  at::Tensor x, dy, gradient;
};

std::shared_ptr<Stack> make_stack(const Pool& pool, Dtype dtype, std::int64_t n, std::int64_t in, std::int64_t out,
                                  std::int64_t rank, std::int64_t most) {
  auto stack = std::make_shared<Stack>();
  for (auto& weight : pool.matrices(out, in, most)) {
    auto base = std::make_unique<nn::DenseLinear>(weight, std::nullopt);
    if (rank == 0)
      stack->layers.push_back(std::move(base));
    else
      stack->layers.push_back(peft::low_rank_layer(std::move(base), cat("layer", stack->layers.size()), rank,
                                                   stack->layers.size(), stack->parameters));
  }
  if (rank > 0) {
    stack->parameters.allocate(scalar(dtype));
    stack->parameters.refresh_compute();
    stack->gradient = stack->parameters.new_gradient();
    stack->parameters.accumulate_into(stack->gradient);
  }
  stack->x = pool.copy(n, in).set_requires_grad(true);
  stack->dy = pool.copy(n, out);
  return stack;
}

/// {forward, backward} of one layer.
Bench::Once through(std::shared_ptr<Stack> stack) {
  return [stack] {
    const auto count = static_cast<double>(stack->layers.size());
    std::vector<at::Tensor> outputs;
    const double forward = timed([&] {
      for (const auto& layer : stack->layers) outputs.push_back(layer->forward(stack->x, {.training = true}));
    });
    const double backward = timed([&] {
      while (!outputs.empty()) {
        stack->x.mutable_grad().reset();
        outputs.back().backward(stack->dy);
        outputs.pop_back();
      }
    });
    return std::vector<double>{forward / count, backward / count};
  };
}

/// Whether bf16 takes more than three times as long as f32, with whatever threads there are.
bool is_slow(const Pool& bf16) {
  const auto seconds = [](const Pool& pool, Dtype dtype) {
    constexpr std::int64_t kRows = 64, kWidth = 544;
    const auto once = through(make_stack(pool, dtype, kRows, kWidth, kWidth, 0, 1));
    once();
    return std::min(once()[0], once()[0]);
  };
  return seconds(bf16, Dtype::bf16) > 3 * seconds(Pool(Dtype::f32), Dtype::f32);
}

}  // namespace

void warm_up() {
  for (const Dtype dtype : {Dtype::f32, Dtype::bf16}) {
    const at::Tensor weight = at::randn({64, 64}, at::kFloat).to(scalar(dtype));
    nn::ParameterSet parameters;
    const auto layer =
        peft::low_rank_layer(std::make_unique<nn::DenseLinear>(weight, std::nullopt), "warm", 16, 0, parameters);
    parameters.allocate(scalar(dtype));
    parameters.refresh_compute();
    const at::Tensor x = at::randn({64, 64}, at::kFloat).to(scalar(dtype)).set_requires_grad(true);
    layer->forward(x, {}).backward(at::randn({64, 64}, at::kFloat).to(scalar(dtype)));
  }
}

ProductCost product_cost(plan::Dtype dtype, const std::function<std::uint64_t()>& allocated) {
  constexpr std::int64_t kSizes = 12;  // those of both dtypes are kept at once
  // Of a layer with an adapter, forward and back; in f32 one of them is none of oneDNN's (ops/gemm.cpp).
  const double products = static_cast<double>(kSizes) * (dtype == Dtype::bf16 ? 8 : 7);
  const Pool pool(dtype);
  const auto pass = [&](std::int64_t n) {
    const auto stack = make_stack(pool, dtype, n, 256, 512, 16, 1);
    return timed([&] { through(stack)(); });
  };
  pass(200);
  const std::uint64_t before = allocated();
  double first = 0, again = 0;
  for (std::int64_t n = 200 - kSizes; n < 200; ++n) first += pass(n);
  const std::uint64_t after = std::max(before, allocated());
  for (std::int64_t n = 200 - kSizes; n < 200; ++n) again += pass(n);
  return {static_cast<double>(after - before) / products, std::max(0.0, first - again) / products};
}

void probe_linears(Bench& bench) {
  // Enough layers that their weights leave the caches between two meetings, and no more: the time is short.
  const auto layers = [](std::int64_t in, std::int64_t out) {
    return std::clamp<std::int64_t>((4 << 20) / (in * out), 1, 8);
  };
  for (const Dtype dtype : {Dtype::f32, Dtype::bf16}) {
    const Pool pool(dtype);
    // Without AVX-512, libtorch multiplies bf16 in plain loops: many times slower, the same at all sizes. A full grid
    // takes ten minutes, and says no more than a small one.
    const bool slow = dtype == Dtype::bf16 && is_slow(pool);
    const auto tokens = slow ? std::vector<double>{16, 64} : std::vector<double>{64, 256, 1024};
    const auto widths = slow ? std::vector<double>{128, 544} : std::vector<double>{128, 544, 2304};
    const auto whole = [](double value) { return static_cast<std::int64_t>(value); };
    bench.grid({table_name(Op::adapter_forward, dtype), table_name(Op::adapter_backward, dtype)},
               {{"tokens", tokens}, {"in", widths}, {"out", widths}, {"rank", {8, 16, 64}}},
               [&](const std::vector<double>& s) {
                 return through(make_stack(pool, dtype, whole(s[0]), whole(s[1]), whole(s[2]), whole(s[3]),
                                           layers(whole(s[1]), whole(s[2]))));
               });
    bench.grid({table_name(Op::linear_forward, dtype), table_name(Op::linear_backward, dtype)},
               {{"tokens", tokens}, {"in", widths}, {"out", widths}}, [&](const std::vector<double>& s) {
                 return through(make_stack(pool, dtype, whole(s[0]), whole(s[1]), whole(s[2]), 0,
                                           layers(whole(s[1]), whole(s[2]))));
               });
    // The head is one matrix, met chunk after chunk.
    bench.grid({table_name(Op::head_forward, dtype), table_name(Op::head_backward, dtype)},
               {{"tokens", slow ? std::vector<double>{16, 32} : std::vector<double>{16, 128, 512}},
                {"in", {128, 576}},
                {"out", {slow ? 2048.0 : 8192.0, slow ? 8192.0 : 49152.0}}},
               [&](const std::vector<double>& s) {
                 return through(make_stack(pool, dtype, whole(s[0]), whole(s[1]), whole(s[2]), 0, 1));
               });
  }
}

}  // namespace pst::app
