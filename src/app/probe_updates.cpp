// SPDX-License-Identifier: Apache-2.0
#include <ATen/ops/randn.h>
#include <ATen/ops/zeros.h>

#include "app/probe_bench.hpp"
#include "kernels/adamw/adamw.hpp"
#include "kernels/reduce/reduce.hpp"
#include "ops/torch_exec.hpp"
#include "parallel/ordered_sum.hpp"
#include "plan/costs.hpp"

namespace pst::app {
namespace {

using ops::cpu_exec;
using ops::view_of;
using plan::Op;

const std::vector<double> kValues = {4096, 65536, 1048576, 6291456};

}  // namespace

void probe_updates(Bench& bench) {
  std::vector<std::string> names;
  for (const Op op : {Op::adamw, Op::sum_squares, Op::tree_add, Op::zero, Op::refresh})
    names.push_back(table_name(op, plan::Dtype::f32));
  bench.grid(names, {{"values", kValues}}, [](const std::vector<double>& s) -> Bench::Once {
    const auto count = static_cast<std::int64_t>(s[0]);
    std::vector<at::Tensor> arrays;
    for (int i = 0; i < 5; ++i) arrays.push_back(at::zeros({count}, at::kFloat));
    const at::Tensor narrow = at::zeros({count}, at::kBFloat16);
    return [arrays, narrow] {
      const double adamw = timed([&] {
        kernels::adamw(cpu_exec(), {.lr = 1e-4}, view_of(arrays[0]), view_of(arrays[1]), view_of(arrays[2]),
                       view_of(arrays[3]));
      });
      const double squares = timed([&] { kernels::sum_of_squares(cpu_exec(), view_of(arrays[1])); });
      const double add = timed([&] { kernels::add(cpu_exec(), view_of(arrays[4]), view_of(arrays[1])); });
      const double zero = timed([&] { arrays[4].zero_(); });
      const double refresh = timed([&] { narrow.copy_(arrays[0]); });
      return std::vector<double>{adamw, squares, add, zero, refresh};
    };
  });
}

void probe_all_reduce(Bench& bench) {
  if (bench.group().size() == 1) return;
  bench.grid({table_name(Op::all_reduce, plan::Dtype::f32)}, {{"values", kValues}},
             [&](const std::vector<double>& s) -> Bench::Once {
               auto buffers = std::make_shared<parallel::ExchangeBuffers>(bench.group());
               return [buffers, values = at::zeros({static_cast<std::int64_t>(s[0])}, at::kFloat)] {
                 return std::vector<double>{timed_by_the_wall([&] { parallel::ordered_all_reduce(values, *buffers); })};
               };
             });
}

}  // namespace pst::app
