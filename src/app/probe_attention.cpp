// SPDX-License-Identifier: Apache-2.0
#include <ATen/ops/empty.h>
#include <ATen/ops/empty_like.h>
#include <ATen/ops/randn.h>

#include "app/probe_bench.hpp"
#include "kernels/attention/attention.hpp"
#include "ops/torch_exec.hpp"
#include "plan/costs.hpp"

namespace pst::app {
namespace {

/// One document with so many key/value heads that every thread has several tasks. {forward, backward} of one task.
Bench::Once attention_of(plan::Dtype dtype, std::int64_t length, std::int64_t dim, std::int64_t groups, int threads) {
  struct Tensors {
    at::Tensor q, k, v, out, log_sum_exp, dout, dq, dk, dv;
    std::vector<std::int64_t> starts;
    std::int64_t heads, groups, dim;
  };
  auto t = std::make_shared<Tensors>();
  t->heads = 4 * threads;
  t->groups = groups;
  t->dim = dim;
  t->starts = {0, length};
  const auto type = dtype == plan::Dtype::bf16 ? at::kBFloat16 : at::kFloat;
  const auto random = [&](std::int64_t heads) { return at::randn({length, heads * dim}, at::kFloat).to(type); };
  t->q = random(t->heads * groups);
  t->k = random(t->heads);
  t->v = random(t->heads);
  t->dout = random(t->heads * groups);
  t->out = at::empty_like(t->q);
  t->log_sum_exp = at::empty({t->heads * groups, length}, at::kFloat);
  t->dq = at::empty_like(t->q);
  t->dk = at::empty_like(t->k);
  t->dv = at::empty_like(t->v);
  const double tasks_at_once = static_cast<double>(threads) / static_cast<double>(t->heads);
  return [t, tasks_at_once] {
    using ops::view_of;
    const kernels::AttentionShape shape{t->heads * t->groups, t->heads, t->dim, t->starts};
    const double forward = timed([&] {
      kernels::attention(ops::cpu_exec(), view_of(t->q), view_of(t->k), view_of(t->v), shape, view_of(t->out),
                         view_of(t->log_sum_exp));
    });
    const double backward = timed([&] {
      kernels::attention_backward(ops::cpu_exec(), view_of(t->dout), view_of(t->q), view_of(t->k), view_of(t->v),
                                  view_of(t->out), view_of(t->log_sum_exp), shape, view_of(t->dq), view_of(t->dk),
                                  view_of(t->dv));
    });
    return std::vector<double>{forward * tasks_at_once, backward * tasks_at_once};
  };
}

}  // namespace

void probe_attention(Bench& bench) {
  for (const auto dtype : {plan::Dtype::f32, plan::Dtype::bf16})
    bench.grid({table_name(plan::Op::attention_forward, dtype), table_name(plan::Op::attention_backward, dtype)},
               {{"length", {16, 64, 256, 1024}}, {"dim", {32, 64, 128}}, {"groups", {1, 4}}},
               [&](const std::vector<double>& s) {
                 return attention_of(dtype, static_cast<std::int64_t>(s[0]), static_cast<std::int64_t>(s[1]),
                                     static_cast<std::int64_t>(s[2]), bench.threads());
               });
}

}  // namespace pst::app
