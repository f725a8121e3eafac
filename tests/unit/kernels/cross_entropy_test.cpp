// SPDX-License-Identifier: Apache-2.0
#include "kernels/cross_entropy/cross_entropy.hpp"

#include "support/values.hpp"

namespace pst::kernels {
namespace {

constexpr std::int64_t kClasses = 1003;

std::vector<double> softmax(const float* logits) {
  double highest = -1e300, total = 0;
  for (std::int64_t i = 0; i < kClasses; ++i) highest = std::max(highest, static_cast<double>(logits[i]));
  std::vector<double> p;
  for (std::int64_t i = 0; i < kClasses; ++i) p.push_back(std::exp(static_cast<double>(logits[i]) - highest));
  for (const double value : p) total += value;
  for (double& value : p) value /= total;
  return p;
}

TEST(CrossEntropy, LossAndGradientMatchTheFormula) {
  auto logits = fixture::random_values(2 * kClasses, 1);
  for (float& logit : logits) logit *= 30;
  const auto before = logits;
  std::vector<std::int64_t> targets = {0, 1002};
  std::vector<float> loss(2);

  cross_entropy(serial_cpu(), view_of(std::span(logits)), view_of(std::span(targets)), view_of(std::span(loss)),
                Gradient::in_place, 0.25);

  for (std::size_t row = 0; row < 2; ++row) {
    const auto p = softmax(before.data() + row * kClasses);
    const auto target = static_cast<std::size_t>(targets[row]);
    EXPECT_NEAR(static_cast<double>(loss[row]), -std::log(p[target]), 1e-5 * -std::log(p[target]));
    std::vector<double> expected;
    for (std::size_t i = 0; i < p.size(); ++i) expected.push_back(0.25 * (p[i] - (i == target ? 1 : 0)));
    fixture::expect_close({logits.begin() + static_cast<std::ptrdiff_t>(row * kClasses),
                           logits.begin() + static_cast<std::ptrdiff_t>((row + 1) * kClasses)},
                          expected, 1e-7, 1e-5);
  }
}

/// transformers' LabelSmoother: (1 - s) times the label's -log p, s times the mean of all.
double smoothed_loss(const float* logits, std::int64_t target, double smoothing) {
  const auto p = softmax(logits);
  double mean = 0;
  for (const double share : p) mean -= std::log(share) / static_cast<double>(p.size());
  return (1 - smoothing) * -std::log(p[static_cast<std::size_t>(target)]) + smoothing * mean;
}

TEST(CrossEntropy, ASmoothedLabelIsSpreadOverTheClasses) {
  auto logits = fixture::random_values(2 * kClasses, 1);
  for (float& logit : logits) logit *= 10;
  const auto before = logits;
  std::vector<std::int64_t> targets = {0, 1002};
  std::vector<float> loss(2);

  cross_entropy(serial_cpu(), view_of(std::span(logits)), view_of(std::span(targets)), view_of(std::span(loss)),
                Gradient::in_place, 0.25, 0.1);

  for (std::size_t row = 0; row < 2; ++row) {
    const double expected = smoothed_loss(before.data() + row * kClasses, targets[row], 0.1);
    EXPECT_NEAR(static_cast<double>(loss[row]), expected, 1e-5 * expected);
    // Central differences of the loss in f64: off by their step squared, and by rounding over their step.
    for (const std::size_t i : {std::size_t{0}, std::size_t{7}, std::size_t{500}, std::size_t{1002}}) {
      std::vector<float> up(before.begin() + static_cast<std::ptrdiff_t>(row * kClasses),
                            before.begin() + static_cast<std::ptrdiff_t>((row + 1) * kClasses));
      std::vector<float> down = up;
      up[i] += 0.0078125f;
      down[i] -= 0.0078125f;
      const double step = static_cast<double>(up[i]) - static_cast<double>(down[i]);
      const double slope =
          (smoothed_loss(up.data(), targets[row], 0.1) - smoothed_loss(down.data(), targets[row], 0.1)) / step;
      EXPECT_NEAR(static_cast<double>(logits[row * kClasses + i]), 0.25 * slope, 2e-6) << "row " << row << ", " << i;
    }
  }
}

TEST(CrossEntropy, WithoutSmoothingTheBitsAreThoseOfThePlainLoss) {
  const auto of = [](auto... smoothing) {
    auto logits = fixture::random_values(3 * kClasses, 4);
    std::vector<std::int64_t> targets = {0, 17, 1002};
    std::vector<float> loss(3);
    cross_entropy(serial_cpu(), view_of(std::span(logits)), view_of(std::span(targets)), view_of(std::span(loss)),
                  Gradient::in_place, 0.25, smoothing...);
    return std::pair(logits, loss);
  };
  EXPECT_EQ(of(0.0), of());
  EXPECT_NE(of(0.01), of());
}

TEST(CrossEntropy, LeavesLogitsAloneWithoutGradient) {
  auto logits = fixture::random_values(kClasses, 2);
  const auto before = logits;
  std::vector<std::int64_t> targets = {5};
  std::vector<float> loss(1);
  cross_entropy(serial_cpu(), view_of(std::span(logits)), view_of(std::span(targets)), view_of(std::span(loss)),
                Gradient::none, 1);
  EXPECT_EQ(logits, before);
}

TEST(CrossEntropy, RefusesATargetThatIsNoClass) {
  auto logits = fixture::random_values(kClasses, 2);
  std::vector<std::int64_t> targets = {kClasses};
  std::vector<float> loss(1);
  EXPECT_THROW(cross_entropy(serial_cpu(), view_of(std::span(logits)), view_of(std::span(targets)),
                             view_of(std::span(loss)), Gradient::none, 1),
               Error);
}

}  // namespace
}  // namespace pst::kernels
