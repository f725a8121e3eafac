// SPDX-License-Identifier: Apache-2.0
// A wavelet's filter is its own proof: it is orthogonal to itself moved by two places, and its high-pass kin is
// orthogonal to polynomials, of a degree that the name says. No digit of it could be another.
#include "methods/wavelets.hpp"

#include <gmock/gmock.h>

#include <cmath>
#include <string>

namespace pst::methods {
namespace {

class EveryWavelet : public testing::TestWithParam<Wavelet> {
 protected:
  std::span<const double> filter() const { return GetParam().filter; }
  std::size_t order() const {
    const std::string name(GetParam().name);
    return std::stoul(name.substr(name.find_first_of("0123456789")));
  }
  bool is_coiflet() const { return GetParam().name.starts_with("coif"); }
};

TEST_P(EveryWavelet, HasTheLengthThatItsNameSays) { EXPECT_EQ(filter().size(), (is_coiflet() ? 6 : 2) * order()); }

TEST_P(EveryWavelet, IsOrthogonalToItselfTwoPlacesFurther) {
  for (std::size_t shift = 0; shift < filter().size(); shift += 2) {
    double product = 0;
    for (std::size_t i = 0; i + shift < filter().size(); ++i) product += filter()[i] * filter()[i + shift];
    EXPECT_NEAR(product, shift == 0 ? 1 : 0, 1e-14) << shift;
  }
}

TEST_P(EveryWavelet, HasTheVanishingMomentsThatItsNameSays) {
  const std::size_t moments = is_coiflet() ? 2 * order() : order();
  const double centre = static_cast<double>(filter().size() - 1) / 2;
  for (std::size_t power = 0; power < moments; ++power) {
    double moment = 0, size = 0;
    for (std::size_t i = 0; i < filter().size(); ++i) {
      const double term = std::pow((static_cast<double>(i) - centre) / centre, power) * filter()[i];
      moment += i % 2 == 0 ? term : -term;
      size += std::abs(term);
    }
    EXPECT_NEAR(moment, 0, 1e-14 * size) << power;
  }
  double sum = 0;
  for (const double value : filter()) sum += value;
  EXPECT_NEAR(sum, std::sqrt(2.0), 1e-14);
}

INSTANTIATE_TEST_SUITE_P(Table, EveryWavelet, testing::ValuesIn(wavelets().begin(), wavelets().end()),
                         [](const auto& of) { return std::string(of.param.name); });

TEST(Wavelets, AreFoundByName) {
  ASSERT_NE(find_wavelet("sym4"), nullptr);
  EXPECT_EQ(find_wavelet("sym4")->filter.size(), 8u);
  EXPECT_EQ(find_wavelet("coif4"), nullptr) << "PEFT's table has no wavelet under this name";
  EXPECT_EQ(find_wavelet("haar"), nullptr) << "PEFT refuses it";
}

}  // namespace
}  // namespace pst::methods
