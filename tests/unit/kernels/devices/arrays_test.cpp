// SPDX-License-Identifier: Apache-2.0
// Kernels that work on flat arrays: SwiGLU, dropout, noise, optimizers, sums, fingerprints.
#include <algorithm>
#include <cmath>

#include "core/strings.hpp"
#include "kernels/activation/activation.hpp"
#include "kernels/adafactor/adafactor.hpp"
#include "kernels/adamw/adamw.hpp"
#include "kernels/adamw_8bit/adamw_8bit.hpp"
#include "kernels/dropout/dropout.hpp"
#include "kernels/fingerprint/fingerprint.hpp"
#include "kernels/lion/lion.hpp"
#include "kernels/nf4/nf4.hpp"
#include "kernels/noise/noise.hpp"
#include "kernels/reduce/reduce.hpp"
#include "kernels/schedule_free/schedule_free.hpp"
#include "kernels/sgd/sgd.hpp"
#include "support/devices.hpp"
#include "support/values.hpp"

namespace pst::kernels {
namespace {

using namespace fixture;
class Arrays : public OnEveryDevice {};
PST_ON_EVERY_DEVICE(Arrays);

// Nothing, less than a vector, around a warp's and a block's share, and more than one block.
const std::size_t kCounts[] = {0, 1, 7, 8, 127, 128, 255, 256, 257, 2047, 2048, 5003, 70001};

template <class T>
std::vector<T> random_as(std::size_t count, std::uint64_t seed) {
  return as_type<T>(random_values(count, seed));
}
template <class T>
View host(std::vector<T>& values) {
  return view_of(std::span(values));
}

template <class T>
void activation_matches(const OnEveryDevice& at, Act act, std::size_t count, Placed placed) {
  SCOPED_TRACE(cat("activation ", static_cast<int>(act), ", ", count, " values of ", sizeof(T), " bytes"));
  auto wide = random_values(count, 1);
  for (float& value : wide) value *= 40;
  auto gate = as_type<T>(wide), up = random_as<T>(count, 2), dout = random_as<T>(count, 3);
  std::vector<T> out(count), dgate(count), dup(count);
  const DeviceArray<T> d_gate(at.table(), gate, placed), d_up(at.table(), up), d_dout(at.table(), dout),
      d_out(at.table(), out);
  // Far from zero sigmoids and tails are differences of numbers near one: seen absolutely.
  const double away = act == Act::silu ? 1e-12 : 4e-6;

  if (act != Act::clamped) {
    activate(serial_cpu(), act, host(gate), host(out));
    activate(at.gpu(), act, d_gate, d_out);
    expect_near(d_out.values(), out, ulps<T>(2e-6), away);
    activate_backward(serial_cpu(), act, host(dout), host(gate), host(dgate));
    activate_backward(at.gpu(), act, d_dout, d_gate, d_out);
    expect_near(d_out.values(), dgate, ulps<T>(1e-5), 1e-5);
  }
  gated(serial_cpu(), act, host(gate), host(up), host(out));
  gated_backward(serial_cpu(), act, host(dout), host(gate), host(up), host(dgate), host(dup));
  gated(at.gpu(), act, d_gate, d_up, d_out);
  expect_near(d_out.values(), out, ulps<T>(2e-6), away);
  gated_backward(at.gpu(), act, d_dout, d_gate, d_up, d_gate, d_up);  // over its inputs

  expect_near(d_gate.values(), dgate, ulps<T>(1e-5), 1e-5);  // 1 - sigmoid cancels
  expect_near(d_up.values(), dup, ulps<T>(2e-6), away);
}

TEST_P(Arrays, Activations) {
  for (int act = 0; act < kActs; ++act) {
    for (const std::size_t count : kCounts) {
      activation_matches<float>(*this, static_cast<Act>(act), count, Placed::aligned);
      activation_matches<bf16>(*this, static_cast<Act>(act), count, Placed::aligned);
    }
    activation_matches<bf16>(*this, static_cast<Act>(act), 1000, Placed::shifted);
  }
}

template <class T>
void dropout_matches(const OnEveryDevice& at, std::size_t count, double p, Placed placed) {
  SCOPED_TRACE(cat(count, " values of ", sizeof(T), " bytes, p ", p));
  auto x = random_as<T>(count, 1);
  std::vector<T> out(count);
  const DeviceArray<T> d_x(at.table(), x, placed), d_out(at.table(), out, placed);
  dropout(serial_cpu(), host(x), p, Rng(7).child("here"), host(out));
  dropout(at.gpu(), d_x, p, Rng(7).child("here"), d_out);
  expect_same_bits(d_out.values(), out);
}

TEST_P(Arrays, DropoutHasTheBitsOfTheCpu) {
  for (const std::size_t count : kCounts) {
    dropout_matches<float>(*this, count, 0.1, Placed::aligned);
    dropout_matches<bf16>(*this, count, 0.5, Placed::aligned);
  }
  dropout_matches<float>(*this, 1000, 0, Placed::shifted);
  dropout_matches<bf16>(*this, 1000, 0.9, Placed::shifted);
}

template <class T>
void noise_matches(const OnEveryDevice& at, std::size_t rows, std::size_t width) {
  SCOPED_TRACE(cat(rows, " x ", width, " values of ", sizeof(T), " bytes"));
  auto magnitude = random_values(rows, 1);
  std::vector<T> out(rows * width);
  const DeviceArray<float> d_magnitude(at.table(), magnitude);
  const DeviceArray<T> d_out(at.table(), out);
  uniform_noise(serial_cpu(), host(magnitude), Rng(7).child("here"), host(out));
  uniform_noise(at.gpu(), d_magnitude, Rng(7).child("here"), d_out);
  expect_same_bits(d_out.values(), out);
}

TEST_P(Arrays, NoiseHasTheBitsOfTheCpu) {
  for (const auto& [rows, width] : {std::pair<std::size_t, std::size_t>{0, 8}, {1, 1}, {3, 7}, {17, 64}, {300, 257}}) {
    noise_matches<float>(*this, rows, width);
    noise_matches<bf16>(*this, rows, width);
  }
}

TEST_P(Arrays, AdamW) {
  for (const std::size_t count : kCounts) {
    SCOPED_TRACE(count);
    auto value = random_values(count, 1), gradient = random_values(count, 2), moment1 = random_values(count, 3),
         moment2 = random_values(count, 4);
    for (float& m : moment2) m *= m;
    const DeviceArray<float> d_value(table(), value), d_gradient(table(), gradient), d_moment1(table(), moment1),
        d_moment2(table(), moment2);
    const AdamW settings{.lr = 1e-2, .weight_decay = 0.1, .step = 3, .gradient_factor = 0.5};

    adamw(serial_cpu(), settings, host(value), host(gradient), host(moment1), host(moment2));
    adamw(gpu(), settings, d_value, d_gradient, d_moment1, d_moment2);

    expect_near(d_moment1.values(), moment1, 1e-6, 1e-8);  // fused or separate multiply and add
    expect_near(d_moment2.values(), moment2, 1e-6, 0);
    expect_near(d_value.values(), value, 1e-6, 1e-7);
  }
}

TEST_P(Arrays, Sgd) {
  for (const std::size_t count : kCounts) {
    SCOPED_TRACE(count);
    auto value = random_values(count, 1), gradient = random_values(count, 2), momentum = random_values(count, 3);
    const DeviceArray<float> d_value(table(), value), d_gradient(table(), gradient), d_momentum(table(), momentum);
    const Sgd settings{.lr = 1e-2, .weight_decay = 0.1, .nesterov = count % 2 == 0, .gradient_factor = 0.5};

    sgd(serial_cpu(), settings, host(value), host(gradient), host(momentum));
    sgd(gpu(), settings, d_value, d_gradient, d_momentum);

    expect_near(d_momentum.values(), momentum, 1e-6, 1e-7);  // fused or separate multiply and add
    expect_near(d_value.values(), value, 1e-6, 1e-7);
  }
}

TEST_P(Arrays, Lion) {
  for (const std::size_t count : kCounts) {
    SCOPED_TRACE(count);
    auto value = random_values(count, 1), gradient = random_values(count, 2), momentum = random_values(count, 3);
    const DeviceArray<float> d_value(table(), value), d_gradient(table(), gradient), d_momentum(table(), momentum);
    const Lion settings{.lr = 1e-2, .weight_decay = 0.1, .gradient_factor = 0.5};

    lion(serial_cpu(), settings, host(value), host(gradient), host(momentum));
    lion(gpu(), settings, d_value, d_gradient, d_momentum);

    expect_near(d_momentum.values(), momentum, 1e-6, 1e-7);  // fused or separate multiply and add
    expect_near(d_value.values(), value, 1e-6, 1e-7);
  }
}

TEST_P(Arrays, ScheduleFree) {
  for (const std::size_t count : kCounts) {
    SCOPED_TRACE(count);
    auto value = random_values(count, 1), gradient = random_values(count, 2), z = random_values(count, 3),
         moment2 = random_values(count, 4), x = random_values(count, 5);
    for (float& v : moment2) v = std::fabs(v);
    const DeviceArray<float> d_value(table(), value), d_gradient(table(), gradient), d_z(table(), z),
        d_moment2(table(), moment2), d_x(table(), x);
    const ScheduleFree settings{.lr = 1e-2, .weight_decay = 0.1, .average_weight = 0.3, .step = 3};

    schedule_free(serial_cpu(), settings, host(value), host(gradient), host(z), host(moment2), host(x));
    schedule_free(gpu(), settings, d_value, d_gradient, d_z, d_moment2, d_x);

    expect_near(d_moment2.values(), moment2, 1e-6, 0);  // fused or separate multiply and add
    expect_near(d_z.values(), z, 1e-6, 1e-6);
    expect_near(d_x.values(), x, 1e-6, 1e-6);
    expect_near(d_value.values(), value, 1e-6, 1e-6);
  }
}

TEST_P(Arrays, AdamW8BitHasTheCodesOfTheCpu) {
  const auto map = [](Signs signs) { return std::vector<float>(dynamic_map(signs).begin(), dynamic_map(signs).end()); };
  const auto nearest = [](Signs signs) {
    return std::vector<std::uint8_t>(nearest_entries(signs).begin(), nearest_entries(signs).end());
  };
  const DeviceArray<float> both(table(), map(Signs::both)), positive(table(), map(Signs::positive));
  const DeviceArray<std::uint8_t> near_both(table(), nearest(Signs::both)),
      near_positive(table(), nearest(Signs::positive));
  const DynamicCode h_both{const_view_of(std::span<const float>(dynamic_map(Signs::both))),
                           const_view_of(std::span<const std::uint8_t>(nearest_entries(Signs::both)))},
      h_positive{const_view_of(std::span<const float>(dynamic_map(Signs::positive))),
                 const_view_of(std::span<const std::uint8_t>(nearest_entries(Signs::positive)))};
  for (const std::size_t count : kCounts) {
    SCOPED_TRACE(count);
    const auto blocks = static_cast<std::size_t>(adamw_8bit_blocks(static_cast<std::int64_t>(count)));
    auto value = random_values(count, 1);
    std::vector<std::uint8_t> codes1(count), codes2(count);
    std::vector<float> absmax1(blocks), absmax2(blocks);
    const DeviceArray<float> d_value(table(), value), d_absmax1(table(), absmax1), d_absmax2(table(), absmax2);
    const DeviceArray<std::uint8_t> d_codes1(table(), codes1), d_codes2(table(), codes2);
    for (std::int64_t step = 1; step <= 3; ++step) {
      auto gradient = random_values(count, static_cast<std::uint64_t>(10 + step));
      for (std::size_t i = 0; i < std::min<std::size_t>(count, 256); ++i) gradient[i] = 0;  // a block of zeros
      const DeviceArray<float> d_gradient(table(), gradient);
      const AdamW settings{.lr = 1e-2, .weight_decay = 0.1, .step = step, .gradient_factor = 0.5};

      adamw_8bit(serial_cpu(), settings, h_both, h_positive, host(value), host(gradient), {host(codes1), host(absmax1)},
                 {host(codes2), host(absmax2)});
      adamw_8bit(gpu(), settings, {both, near_both}, {positive, near_positive}, d_value, d_gradient,
                 {d_codes1, d_absmax1}, {d_codes2, d_absmax2});

      EXPECT_EQ(d_codes1.values(), codes1);
      EXPECT_EQ(d_codes2.values(), codes2);
      expect_same_bits(d_absmax1.values(), absmax1);
      expect_same_bits(d_absmax2.values(), absmax2);
      expect_near(d_value.values(), value, 1e-6, 1e-7);
    }
  }
}

TEST_P(Arrays, Adafactor) {
  for (const MatrixShape shape : {MatrixShape{1, 8, 700}, {1, 700, 8}, {3, 5, 40}, {1, 0, 3000}, {1, 1, 1}}) {
    SCOPED_TRACE(cat(shape.matrices, " x ", shape.rows, " x ", shape.columns));
    const auto count = static_cast<std::size_t>(shape.matrices * std::max<std::int64_t>(1, shape.rows) * shape.columns);
    auto value = random_values(count, 1), gradient = random_values(count, 2);
    auto row = random_values(static_cast<std::size_t>(shape.row_means()), 3),
         column = random_values(static_cast<std::size_t>(shape.column_means()), 4);
    for (auto* means : {&row, &column})
      for (float& mean : *means) mean = 0.5f + mean * mean;
    std::vector<float> scratch(static_cast<std::size_t>(adafactor_scratch(shape)));
    const DeviceArray<float> d_value(table(), value), d_gradient(table(), gradient), d_row(table(), row),
        d_column(table(), column), d_scratch(table(), scratch);
    const Adafactor settings{
        .lr = 1e-2, .clip_threshold = 0.2, .weight_decay = 0.1, .least_scale = 1e-3, .step = 3, .gradient_factor = 0.5};

    adafactor(serial_cpu(), settings, shape, host(value), host(gradient), host(row), host(column), host(scratch));
    adafactor(gpu(), settings, shape, d_value, d_gradient, d_row, d_column, d_scratch);

    expect_near(d_row.values(), row, 2e-6, 0);  // sums of f32 in another order
    expect_near(d_column.values(), column, 2e-6, 0);
    expect_near(d_value.values(), value, 4e-6, 1e-6);
  }
}

TEST_P(Arrays, SumsHaveTheBitsOfTheCpu) {
  for (const std::size_t count : {0u, 1u, 15u, 16u, 17u, 8191u, 8192u, 8193u, 131072u, 140001u}) {
    SCOPED_TRACE(count);
    auto a = random_values(count, 1), b = random_values(count, 2);
    const DeviceArray<float> d_a(table(), a), d_b(table(), b, Placed::shifted);
    EXPECT_EQ(sum_of_squares(gpu(), d_a), sum_of_squares(serial_cpu(), host(a)));
    std::vector<double> blocks((count + kSquareBlock - 1) / kSquareBlock), expected(blocks);
    squares_of_blocks(gpu(), d_a, blocks);
    squares_of_blocks(serial_cpu(), host(a), expected);
    EXPECT_EQ(blocks, expected);
    add(serial_cpu(), host(a), host(b));
    add(gpu(), d_a, d_b);
    scale(serial_cpu(), host(a), 0.3);
    scale(gpu(), d_a, 0.3);
    expect_same_bits(d_a.values(), a);
  }
}

TEST_P(Arrays, SharesAreAddedInTreeOrder) {
  for (const std::size_t ranks : {1u, 2u, 3u, 4u, 5u, 6u, 7u, 8u, 16u, 32u})
    for (const std::size_t share : {1u, 4u, 1000u}) {
      SCOPED_TRACE(cat(ranks, " shares of ", share));
      auto shares = random_values(ranks * share, 1);
      const DeviceArray<float> d_shares(table(), shares);
      sum_shares(serial_cpu(), host(shares), static_cast<std::int64_t>(ranks));
      sum_shares(gpu(), d_shares, static_cast<std::int64_t>(ranks));
      auto found = d_shares.values();
      found.resize(share);
      shares.resize(share);
      expect_same_bits(found, shares);
    }
}

TEST_P(Arrays, FingerprintIsThatOfTheCpu) {
  for (const std::size_t count : kCounts)
    for (const Placed placed : {Placed::aligned, Placed::shifted}) {
      SCOPED_TRACE(count);
      auto values = random_as<bf16>(count, 1);
      const DeviceArray<bf16> d_values(table(), values, placed);
      const auto expected = fingerprint(serial_cpu(), host(values));
      EXPECT_EQ(fingerprint(gpu(), d_values), expected);
      EXPECT_EQ(fingerprint(in_pieces(3), host(values)), expected);
      if (count == 0) continue;
      values[count / 2].bits ^= 1;
      EXPECT_NE(fingerprint(serial_cpu(), host(values)), expected);
    }
}

TEST_P(Arrays, MemoryOfAnotherDeviceIsABug) {
  std::vector<float> here(8);
  const DeviceArray<float> there(table(), here);
  EXPECT_THROW(add(gpu(), there, host(here)), Error);
  EXPECT_THROW(add(serial_cpu(), host(here), there), Error);
}

}  // namespace
}  // namespace pst::kernels
