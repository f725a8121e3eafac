// SPDX-License-Identifier: Apache-2.0
#include "ops/rows_of.hpp"

#include <ATen/ops/index_select.h>
#include <ATen/ops/tensor.h>
#include <ATen/ops/zeros.h>

#include <vector>

#include "kernels/matmul/onednn.hpp"
#include "support/tensors.hpp"

namespace pst::ops {
namespace {

using fixture::close_to;
using fixture::random;

constexpr std::int64_t kRows = 23, kGroups = 5, kWidth = 3;

/// Two groups for each row; none takes group 3.
at::Tensor groups() {
  std::vector<std::int64_t> values;
  for (std::int64_t row = 0; row < kRows; ++row) {
    values.push_back(row % 2 == 0 ? 4 : 0);
    values.push_back(row % 3 == 0 ? 2 : 1);
  }
  return at::tensor(values, at::kLong).view({kRows, 2});
}

TEST(RoundedRows, AreFewAndLittleMore) {
  EXPECT_EQ(kernels::rounded_rows(0), 0);
  std::int64_t sizes = 0, last = 0;
  for (std::int64_t rows = 1; rows <= 4096; ++rows) {
    const std::int64_t rounded = kernels::rounded_rows(rows);
    EXPECT_GE(rounded, rows);
    EXPECT_LE(rounded, std::max(rows + 15, rows + rows / 8)) << rows;
    EXPECT_EQ(kernels::rounded_rows(rounded), rounded);
    sizes += rounded != last ? 1 : 0;
    last = rounded;
  }
  EXPECT_LE(sizes, 60);
}

TEST(SlotOrder, HasEverySlotOnceGroupByGroup) {
  const SlotOrder order = order_slots(groups(), kGroups);

  EXPECT_EQ(order.sizes, (std::vector<std::int64_t>{16, 16, 16, 0, 16}));
  ASSERT_EQ(order.slots.numel(), 64);
  EXPECT_EQ(order.idle.numel(), 64 - 2 * kRows);
  const auto* const slots = order.slots.const_data_ptr<std::int64_t>();
  const auto* const places = order.places.const_data_ptr<std::int64_t>();
  const at::Tensor of_slot = groups().reshape({-1});
  for (std::int64_t slot = 0; slot < 2 * kRows; ++slot) {
    EXPECT_EQ(slots[places[slot]], slot);
    const std::int64_t group = of_slot.const_data_ptr<std::int64_t>()[slot];
    EXPECT_EQ(places[slot] / 16, group < 3 ? group : 3) << slot;  // four groups of 16 places
  }
}

TEST(SlotOrder, RowsComeBackAsTheyWouldEachByItself) {
  const SlotOrder order = order_slots(groups(), kGroups);
  const at::Tensor x = random({kRows, kWidth}, 1).set_requires_grad(true), d = random({kRows, kWidth}, 2);
  const at::Tensor weights = random({kRows, 2}, 3).set_requires_grad(true);
  const at::Tensor factors = random({kGroups}, 4).set_requires_grad(true);  // a group multiplies with its factor

  std::int64_t begin = 0;
  at::Tensor of_place = at::zeros({order.slots.numel()}, at::kLong);
  for (std::size_t group = 0; group < order.sizes.size(); begin += order.sizes[group++])
    of_place.slice(0, begin, begin + order.sizes[group]).fill_(static_cast<std::int64_t>(group));
  const at::Tensor y = spread_rows(x, order) * at::index_select(factors, 0, of_place).unsqueeze(1);
  const at::Tensor out = gather_rows(y, order, weights);
  out.backward(d);

  const at::Tensor x2 = x.detach().clone().set_requires_grad(true),
                   weights2 = weights.detach().clone().set_requires_grad(true),
                   factors2 = factors.detach().clone().set_requires_grad(true);
  const at::Tensor by_slot = at::index_select(factors2, 0, groups().reshape({-1})).view({kRows, 2});
  const at::Tensor plain = x2 * (by_slot * weights2).sum(1, true);
  plain.backward(d);

  EXPECT_THAT(out.detach(), close_to(plain.detach(), 1e-6));
  EXPECT_THAT(x.grad(), close_to(x2.grad(), 1e-6));
  EXPECT_THAT(weights.grad(), close_to(weights2.grad(), 1e-6));
  EXPECT_THAT(factors.grad(), close_to(factors2.grad(), 1e-5));  // idle places add nothing
}

}  // namespace
}  // namespace pst::ops
