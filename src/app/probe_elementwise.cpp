// SPDX-License-Identifier: Apache-2.0
#include <ATen/ops/add.h>
#include <ATen/ops/arange.h>
#include <ATen/ops/empty_like.h>
#include <ATen/ops/index_select.h>
#include <ATen/ops/ones.h>
#include <ATen/ops/randint.h>
#include <ATen/ops/randn.h>

#include <array>

#include "app/probe_bench.hpp"
#include "core/rng.hpp"
#include "kernels/activation/activation.hpp"
#include "kernels/cross_entropy/cross_entropy.hpp"
#include "kernels/dropout/dropout.hpp"
#include "kernels/rms_norm/rms_norm.hpp"
#include "ops/attention.hpp"
#include "ops/torch_exec.hpp"
#include "plan/costs.hpp"

// Outputs are made anew in each repetition, as the operations of training do.
namespace pst::app {
namespace {

using ops::cpu_exec;
using ops::view_of;
using plan::Op;

constexpr std::int64_t kWidth = 512, kHeads = 8;

struct Rows {
  at::Tensor a, b, c, weight, rstd, ids, positions, targets, losses, table;
  ops::RopeTable rope;
};

std::shared_ptr<Rows> make_rows(plan::Dtype dtype, std::int64_t values) {
  const auto type = dtype == plan::Dtype::bf16 ? at::kBFloat16 : at::kFloat;
  const std::int64_t n = values / kWidth;
  auto rows = std::make_shared<Rows>();
  for (at::Tensor* const tensor : {&rows->a, &rows->b, &rows->c}) *tensor = at::randn({n, kWidth}, at::kFloat).to(type);
  rows->weight = at::ones({kWidth}, at::kFloat);
  rows->rstd = at::ones({n}, at::kFloat);
  rows->ids = at::randint(4096, {n}, at::kLong);
  rows->table = at::randn({4096, kWidth}, at::kFloat).to(type);
  rows->positions = at::arange(n, at::kInt).remainder_(1024);
  rows->rope = {at::ones({1024, kWidth / kHeads / 2}, at::kFloat), at::ones({1024, kWidth / kHeads / 2}, at::kFloat)};
  rows->targets = at::randint(kWidth, {n}, at::kLong);
  rows->losses = at::ones({n}, at::kFloat);
  return rows;
}

/// Every elementwise operation once, in the order of kOps.
constexpr std::array kOps = {Op::rms_norm_forward,
                             Op::rms_norm_backward,
                             Op::swiglu_forward,
                             Op::swiglu_backward,
                             Op::rope,
                             Op::dropout,
                             Op::embed,
                             Op::grad_add,
                             Op::cross_entropy};

std::vector<double> all_once(const std::shared_ptr<Rows>& rows) {
  Rows& r = *rows;
  const Exec on = cpu_exec();
  const auto fresh = [&] { return at::empty_like(r.a); };
  std::vector<double> seconds;
  const auto time = [&](const std::function<void()>& body) { seconds.push_back(timed(body)); };
  time([&] {
    const at::Tensor sum = fresh(), y = fresh();
    kernels::rms_norm(on, view_of(r.a), view_of(r.b), view_of(r.weight), 1e-5, view_of(sum), view_of(y),
                      view_of(r.rstd));
  });
  time([&] {
    const at::Tensor dx = fresh();
    kernels::rms_norm_backward(on, view_of(r.a), view_of(r.b), view_of(r.c), view_of(r.weight), view_of(r.rstd),
                               view_of(dx));
  });
  time([&] {
    const at::Tensor out = fresh();
    kernels::gated(on, kernels::Act::silu, view_of(r.a), view_of(r.b), view_of(out));
  });
  time([&] {
    const at::Tensor dgate = fresh(), dup = fresh();
    kernels::gated_backward(on, kernels::Act::silu, view_of(r.a), view_of(r.b), view_of(r.c), view_of(dgate),
                            view_of(dup));
  });
  time([&] { ops::rotate(r.c, kHeads, r.positions, r.rope); });
  time([&] {
    const at::Tensor out = fresh();
    kernels::dropout(on, view_of(r.a), 0.1, Rng(1), view_of(out));
  });
  time([&] { at::index_select(r.table, 0, r.ids); });
  time([&] { at::add(r.a, r.b); });
  time([&] {
    kernels::cross_entropy(on, view_of(r.b), view_of(r.targets), view_of(r.losses), kernels::Gradient::in_place, 1.0);
  });
  return seconds;
}

}  // namespace

void probe_elementwise(Bench& bench) {
  for (const auto dtype : {plan::Dtype::f32, plan::Dtype::bf16}) {
    std::vector<std::string> names;
    for (const Op op : kOps) names.push_back(table_name(op, dtype));
    bench.grid(names, {{"values", {8192, 131072, 1048576, 8388608}}}, [&](const std::vector<double>& s) -> Bench::Once {
      return [rows = make_rows(dtype, static_cast<std::int64_t>(s[0]))] { return all_once(rows); };
    });
  }
}

}  // namespace pst::app
