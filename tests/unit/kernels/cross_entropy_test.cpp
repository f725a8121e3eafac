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
