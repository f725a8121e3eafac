// SPDX-License-Identifier: Apache-2.0
// What transformers and PEFT gave; recorded by tools/parity/record_fixtures.py.
#include "support/parity_case.hpp"
#include "support/tensors.hpp"

namespace pst {
namespace {

/// Both sides compute in f32 and sum in orders of their own: a few units of 2^-24 for each of some dozen operations in
/// a row, of the tensor's largest value. A window that is one key too wide moves logits by 5e-2, an epsilon of 1e-6 for
/// 1e-5 by 4e-4.
constexpr double kRounding = 1e-5;

MATCHER_P(equals_but_for_rounding, expected, "") {
  return ExplainMatchResult(fixture::close_to(expected, kRounding * expected.abs().max().item().toDouble()), arg,
                            result_listener);
}

class Recorded : public testing::TestWithParam<std::string> {};

TEST_P(Recorded, LogitsLossAndGradientsOfAPackedBatch) {
  fixture::ParityCase of(GetParam());

  const fixture::NamedTensors actual = of.actual(), expected = of.expected();

  EXPECT_EQ(actual.size(), expected.size());
  for (const auto& [name, tensor] : expected) {
    ASSERT_TRUE(actual.contains(name)) << name;
    EXPECT_THAT(actual.at(name), equals_but_for_rounding(tensor)) << name;
  }
}

TEST_P(Recorded, LogitsOfDecoding) {
  const fixture::ParityCase of(GetParam());
  EXPECT_THAT(of.decoded_logits(), equals_but_for_rounding(of.expected().at("logits")));
}

INSTANTIATE_TEST_SUITE_P(Cases, Recorded, testing::ValuesIn(fixture::ParityCase::all()), [](const auto& given) {
  std::string name = given.param;
  std::replace(name.begin(), name.end(), '/', '_');
  return name;
});

TEST(Recorded, EveryCaseIsRun) { EXPECT_GE(fixture::ParityCase::all().size(), 18u); }

}  // namespace
}  // namespace pst
