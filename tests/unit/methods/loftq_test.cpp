// SPDX-License-Identifier: Apache-2.0
#include "methods/loftq.hpp"

#include <gmock/gmock.h>

#include "methods/lora.hpp"
#include "support/adapters.hpp"
#include "support/errors.hpp"

namespace pst::methods {
namespace {

using ::testing::AllOf;
using ::testing::HasSubstr;
using weights::NumberFormat;

Adapter loftq(Loftq config = {}) {
  return fixture::lora({.init_lora_weights = LoraInit::loftq, .loftq_config = config});
}
std::string refusal(const Adapter& adapter, NumberFormat kept = NumberFormat::nf4,
                    NumberFormat stored = NumberFormat::none) {
  return fixture::error_of(Fault::usage, [&] { check_loftq(adapter, kept, stored); });
}

TEST(Loftq, NeedsTheBaseThatItsBitsSay) {
  EXPECT_NO_THROW(check_loftq(loftq(), NumberFormat::nf4, NumberFormat::none));
  EXPECT_NO_THROW(check_loftq(loftq({.loftq_bits = 8}), NumberFormat::int8, NumberFormat::none));
  EXPECT_NO_THROW(check_loftq(fixture::lora({}), NumberFormat::none, NumberFormat::nf4));
  EXPECT_THAT(refusal(loftq(), NumberFormat::none), AllOf(HasSubstr("loftq with 4 bits, and the base is kept in none"),
                                                          HasSubstr("write model.quantization.format: nf4")));
  EXPECT_THAT(refusal(loftq({.loftq_bits = 8})), HasSubstr("write model.quantization.format: int8"));
  EXPECT_THAT(refusal(loftq({.loftq_bits = 5})), HasSubstr("write 4 (NF4) or 8 (INT8)"));
  EXPECT_THAT(refusal(loftq(), NumberFormat::nf4, NumberFormat::nf4), HasSubstr("what was lost is not in it"));
}

TEST(Loftq, RefusesMoreRoundsAndKeysWithoutIt) {
  EXPECT_THAT(refusal(loftq({.loftq_iter = 5})), HasSubstr("a base that no file holds"));
  EXPECT_THAT(refusal(fixture::lora({.loftq_config = {.loftq_bits = 8}})),
              HasSubstr("loftq_config is for init_lora_weights: loftq alone"));
}

}  // namespace
}  // namespace pst::methods
