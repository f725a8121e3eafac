// SPDX-License-Identifier: Apache-2.0
// Kernels that work on rows: norms, rotary positions, cross entropy.
#include <type_traits>

#include "core/strings.hpp"
#include "kernels/cross_entropy/cross_entropy.hpp"
#include "kernels/layer_norm/layer_norm.hpp"
#include "kernels/rms_norm/rms_norm.hpp"
#include "kernels/rope/rope.hpp"
#include "support/devices.hpp"
#include "support/values.hpp"

namespace pst::kernels {
namespace {

using namespace fixture;
class Rows : public OnEveryDevice {};
PST_ON_EVERY_DEVICE(Rows);

struct Shape {
  std::size_t rows, width;
  Placed placed = Placed::aligned;
};
// Less than a vector; one warp and its edge; a ragged width; one that takes a block; one that is read again; misaligned
// memory; nothing.
const Shape kShapes[] = {
    {3, 5}, {9, 576}, {2, 1024}, {2, 1032}, {3, 1001}, {2, 2304}, {1, 8200}, {1, 33000}, {5, 64, Placed::shifted},
    {0, 64}};

template <class T>
std::vector<T> random_as(std::size_t count, std::uint64_t seed) {
  return as_type<T>(random_values(count, seed));
}
template <class T>
View host(std::vector<T>& values) {
  return view_of(std::span(values));
}

template <class T>
void rms_norm_matches(const OnEveryDevice& at, const Shape& shape, bool adds) {
  SCOPED_TRACE(
      cat(shape.rows, " x ", shape.width, std::is_same_v<T, bf16> ? " bf16" : " f32", adds ? " + residual" : ""));
  const std::size_t count = shape.rows * shape.width;
  auto x = random_as<T>(count, 1), residual = random_as<T>(count, 2);
  auto weight = random_values(shape.width, 3);
  std::vector<T> sum(count), y(count);
  std::vector<float> rstd(shape.rows);
  const DeviceArray<T> d_x(at.table(), x, shape.placed), d_residual(at.table(), residual, shape.placed),
      d_sum(at.table(), sum), d_y(at.table(), y, shape.placed);
  const DeviceArray<float> d_weight(at.table(), weight), d_rstd(at.table(), rstd);

  rms_norm(serial_cpu(), host(x), adds ? host(residual) : View{}, host(weight), 1e-5, host(sum), host(y), host(rstd));
  rms_norm(at.gpu(), d_x, adds ? d_residual.view() : View{}, d_weight, 1e-5, d_sum, d_y, d_rstd);

  if (adds) expect_same_bits(d_sum.values(), sum);
  expect_near(d_rstd.values(), rstd, 1e-5, 0);
  expect_near(d_y.values(), y, ulps<T>(1e-5), 1e-7);
}

template <class T>
void rms_norm_backward_matches(const OnEveryDevice& at, const Shape& shape, bool adds) {
  SCOPED_TRACE(cat(shape.rows, " x ", shape.width, std::is_same_v<T, bf16> ? " bf16" : " f32", adds ? " + dsum" : ""));
  const std::size_t count = shape.rows * shape.width;
  auto dy = random_as<T>(count, 1), dsum = random_as<T>(count, 2), sum = random_as<T>(count, 3);
  auto weight = random_values(shape.width, 4);
  std::vector<float> rstd(shape.rows, 1.7f);
  std::vector<T> dx(count);
  const DeviceArray<T> d_dy(at.table(), dy, shape.placed), d_dsum(at.table(), dsum),
      d_sum(at.table(), sum, shape.placed);
  const DeviceArray<float> d_weight(at.table(), weight), d_rstd(at.table(), rstd);

  rms_norm_backward(serial_cpu(), host(dy), adds ? host(dsum) : View{}, host(sum), host(weight), host(rstd), host(dx));
  const DeviceArray<T>& into = adds ? d_dsum : d_dy;  // in place, over one of the inputs
  rms_norm_backward(at.gpu(), d_dy, adds ? d_dsum.view() : View{}, d_sum, d_weight, d_rstd, into);

  expect_near(into.values(), dx, ulps<T>(1e-5), std::is_same_v<T, bf16> ? 4e-3 : 4e-6);  // terms cancel
}

TEST_P(Rows, RmsNorm) {
  for (const Shape& shape : kShapes)
    for (const bool adds : {false, true}) {
      rms_norm_matches<float>(*this, shape, adds);
      rms_norm_matches<bf16>(*this, shape, adds);
    }
}

TEST_P(Rows, RmsNormBackward) {
  for (const Shape& shape : kShapes)
    for (const bool adds : {false, true}) {
      rms_norm_backward_matches<float>(*this, shape, adds);
      rms_norm_backward_matches<bf16>(*this, shape, adds);
    }
}

template <class T>
void layer_norm_matches(const OnEveryDevice& at, const Shape& shape, std::size_t weights, bool adds) {
  SCOPED_TRACE(cat(shape.rows, " x ", shape.width, std::is_same_v<T, bf16> ? " bf16" : " f32", adds ? " + more" : ""));
  const std::size_t count = shape.rows * shape.width;
  const auto width = static_cast<std::int64_t>(shape.width);
  auto x = random_as<T>(count, 1), more = random_as<T>(count, 2), dy = random_as<T>(count, 5);
  auto weight = random_values(weights * shape.width, 3), bias = random_values(weights * shape.width, 4);
  std::vector<T> sum(count), y(count), dx(count);
  std::vector<float> statistics(2 * shape.rows);
  const DeviceArray<T> d_x(at.table(), x, shape.placed), d_more(at.table(), more), d_sum(at.table(), sum),
      d_y(at.table(), y), d_dy(at.table(), dy);
  const DeviceArray<float> d_weight(at.table(), weight), d_bias(at.table(), bias), d_statistics(at.table(), statistics);

  layer_norm(serial_cpu(), host(x), adds ? host(more) : View{}, host(weight), adds ? host(bias) : View{}, width, 1e-5,
             host(sum), host(y), host(statistics));
  layer_norm(at.gpu(), d_x, adds ? d_more.view() : View{}, d_weight, adds ? d_bias.view() : View{}, width, 1e-5, d_sum,
             d_y, d_statistics);
  if (adds) expect_same_bits(d_sum.values(), sum);
  expect_near(d_statistics.values(), statistics, 1e-5, 1e-6);
  expect_near(d_y.values(), y, ulps<T>(1e-5), 1e-5);

  layer_norm_backward(serial_cpu(), host(dy), adds ? host(more) : View{}, host(x), host(weight), width,
                      host(statistics), host(dx));
  layer_norm_backward(at.gpu(), d_dy, adds ? d_more.view() : View{}, d_x, d_weight, width, d_statistics, d_dy);
  expect_near(d_dy.values(), dx, ulps<T>(1e-5), std::is_same_v<T, bf16> ? 8e-3 : 8e-6);  // terms cancel
}

TEST_P(Rows, LayerNorm) {
  for (const Shape& shape : kShapes)
    for (const bool adds : {false, true}) {
      if (shape.width > 10'000) continue;  // variances of that many random values say nothing new
      layer_norm_matches<float>(*this, shape, 1, adds);
      layer_norm_matches<bf16>(*this, shape, 3, adds);
    }
}

template <class T>
void rope_matches(const OnEveryDevice& at, std::size_t rows, const Rotated& shape, Placed placed) {
  SCOPED_TRACE(cat(rows, " rows, ", shape.heads, " heads of ", shape.dim, std::is_same_v<T, bf16> ? " bf16" : " f32"));
  const auto half = static_cast<std::size_t>(shape.half);
  auto x = random_as<T>(rows * static_cast<std::size_t>(shape.heads * shape.dim), 1);
  auto cosines = random_values(11 * half, 2), sines = random_values(11 * half, 3);
  std::vector<std::int32_t> positions;
  for (std::size_t row = 0; row < rows; ++row) positions.push_back(static_cast<std::int32_t>(row * 7 % 11));
  const DeviceArray<T> d_x(at.table(), x, placed);
  const DeviceArray<float> d_cosines(at.table(), cosines), d_sines(at.table(), sines);
  const DeviceArray<std::int32_t> d_positions(at.table(), positions);
  for (const Turn turn : {Turn::forward, Turn::back}) {
    rope(serial_cpu(), host(x), shape, host(positions), host(cosines), host(sines), turn);
    rope(at.gpu(), d_x, shape, d_positions, d_cosines, d_sines, turn);
    expect_near(d_x.values(), x, ulps<T>(1e-6), std::is_same_v<T, bf16> ? 8e-3 : 4e-7);
  }
}

TEST_P(Rows, Rope) {
  struct Of {
    std::size_t rows;
    Rotated shape;
  };
  for (const auto& [rows, shape] : {Of{1, {1, 2, 1}}, Of{5, {9, 64, 32}}, Of{3, {3, 72, 36}}, Of{17, {2, 10, 5}},
                                    Of{2, {32, 128, 64}}, Of{0, {2, 16, 8}}, Of{5, {3, 64, 24}}, Of{5, {3, 30, 8}},
                                    Of{5, {3, 64, 32, Pairs::neighbours}}, Of{4, {2, 20, 8, Pairs::neighbours}}}) {
    rope_matches<float>(*this, rows, shape, Placed::aligned);
    rope_matches<bf16>(*this, rows, shape, Placed::aligned);
  }
  rope_matches<bf16>(*this, 4, {2, 64, 32}, Placed::shifted);
}

TEST_P(Rows, RopeOutsideTheTableIsNaN) {
  std::vector<float> x(16, 1.0f), values(8, 0.5f);
  std::vector<std::int32_t> positions = {0, 2};  // the table has positions 0 and 1
  const DeviceArray<float> d_x(table(), x), d_table(table(), values);
  const DeviceArray<std::int32_t> d_positions(table(), positions);
  rope(gpu(), d_x, {.heads = 1, .dim = 8, .half = 4}, d_positions, d_table, d_table, Turn::forward);
  const auto found = d_x.values();
  EXPECT_FALSE(std::isnan(found[0]));
  EXPECT_TRUE(std::isnan(found[8]));
}

template <class T>
void cross_entropy_matches(const OnEveryDevice& at, const Shape& shape, Gradient gradient, double smoothing) {
  SCOPED_TRACE(cat(shape.rows, " x ", shape.width, std::is_same_v<T, bf16> ? " bf16" : " f32", ", ", smoothing));
  auto wide = random_values(shape.rows * shape.width, 5);
  for (float& value : wide) value *= 20;
  auto logits = as_type<T>(wide);
  std::vector<std::int64_t> targets;
  for (std::size_t row = 0; row < shape.rows; ++row)
    targets.push_back(static_cast<std::int64_t>(row == 0 ? shape.width - 1 : row * 7919 % shape.width));
  std::vector<float> loss(shape.rows);
  const DeviceArray<T> d_logits(at.table(), logits, shape.placed);
  const DeviceArray<std::int64_t> d_targets(at.table(), targets);
  const DeviceArray<float> d_loss(at.table(), loss);

  cross_entropy(serial_cpu(), host(logits), host(targets), host(loss), gradient, 0.25, smoothing);
  cross_entropy(at.gpu(), d_logits, d_targets, d_loss, gradient, 0.25, smoothing);

  expect_near(d_loss.values(), loss, 1e-5, 1e-5);
  expect_near(d_logits.values(), logits, ulps<T>(2e-5), 1e-7);
}

TEST_P(Rows, CrossEntropy) {
  for (const Shape& shape : {Shape{3, 7}, {2, 4096}, {3, 4099}, {2, 49152}, {2, 512, Placed::shifted}, {0, 64}, {4, 1}})
    for (const Gradient gradient : {Gradient::none, Gradient::in_place})
      for (const double smoothing : {0.0, 0.1}) {
        cross_entropy_matches<float>(*this, shape, gradient, smoothing);
        cross_entropy_matches<bf16>(*this, shape, gradient, smoothing);
      }
}

TEST_P(Rows, CrossEntropyOfNoClassIsNaN) {
  std::vector<float> logits(32, 1.0f), loss(2);
  std::vector<std::int64_t> targets = {16, 3};  // there are 16 classes
  const DeviceArray<float> d_logits(table(), logits), d_loss(table(), loss);
  const DeviceArray<std::int64_t> d_targets(table(), targets);
  cross_entropy(gpu(), d_logits, d_targets, d_loss, Gradient::in_place, 1);
  EXPECT_TRUE(std::isnan(d_loss.values()[0]));
  EXPECT_FALSE(std::isnan(d_loss.values()[1]));
  EXPECT_TRUE(std::isnan(d_logits.values()[0]));
}

}  // namespace
}  // namespace pst::kernels
