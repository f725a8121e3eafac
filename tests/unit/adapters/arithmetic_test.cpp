// SPDX-License-Identifier: Apache-2.0
#include "adapters/arithmetic.hpp"

#include <gmock/gmock.h>

#include "methods/lora.hpp"
#include "support/errors.hpp"
#include "support/temporary_directory.hpp"
#include "unit/adapters/stored_lora.hpp"

namespace pst::adapters {
namespace {

using testing::HasSubstr;

constexpr const char* kQ = "model.layers.0.self_attn.q_proj";
constexpr const char* kV = "model.layers.0.self_attn.v_proj";
constexpr double kF32 = 1e-10;  // squares of what f32 loses of values near one, over a few dozen of them

void expect_close(const Update& is, const Update& should) {
  EXPECT_LT(squares(sum(is, should, -1)), kF32 * squares(should));
}

class Arithmetic : public testing::Test {
 protected:
  Arithmetic() {
    write_random_lora(a_, {{.module = kQ}, {.module = kV, .out = 4}}, 1);
    write_random_lora(b_, {{.module = kQ}}, 2, R"({"lora_alpha": 2, "use_rslora": true})");
  }
  Update q(const fs::path& folder) const { return updates_of(folder).at(kQ); }

  fixture::TemporaryDirectory dir_;
  fs::path a_ = dir_ / "a", b_ = dir_ / "b", to_ = dir_ / "to";
};

TEST_F(Arithmetic, CatIsTheWeightedSumOfTheUpdates) {
  combine({{a_, 0.5}, {b_, -2}}, Combination::cat, {}, to_);

  expect_close(q(to_), sum(sum(q(a_), q(a_), -0.5), q(b_), -2));
  expect_close(updates_of(to_).at(kV), sum(updates_of(a_).at(kV), updates_of(a_).at(kV), -0.5));
  const AdapterFolder made = AdapterFolder::open(to_);
  EXPECT_EQ(lora_layers(made).at(0).rank(), 6);
  EXPECT_EQ(lora_layers(made).at(1).rank(), 3) << "of the adapter that has it";
  for (const LoraLayer& layer : lora_layers(made)) EXPECT_EQ(layer.scale, 1);
  EXPECT_FALSE(made.needed().as<methods::Lora>().use_rslora);
}

/// A = the sum of sign(w) sqrt|w| A_i and B = that of sqrt|w| B_i: with the same adapter twice, (2 sqrt w)^2.
TEST_F(Arithmetic, LinearAddsTheFactors) {
  combine({{b_, 0.5}, {b_, 0.5}}, Combination::linear, {}, to_);
  expect_close(q(to_), sum(q(b_), q(b_), 1));

  combine({{b_, -1}, {b_, 0}}, Combination::linear, {}, dir_ / "negative");
  expect_close(q(dir_ / "negative"), sum(q(b_), q(b_), -2));
}

TEST_F(Arithmetic, SvdIsTheSumCutToARank) {
  combine({{a_, 1}, {b_, 1}}, Combination::cat, {}, dir_ / "cat");
  combine({{a_, 1}, {b_, 1}}, Combination::svd, 6, dir_ / "all");
  combine({{a_, 1}, {b_, 1}}, Combination::svd, {}, to_);

  const Update whole = q(dir_ / "cat");
  expect_close(q(dir_ / "all"), whole);
  const AdapterFolder made = AdapterFolder::open(to_), cat = AdapterFolder::open(dir_ / "cat");
  EXPECT_EQ(lora_layers(made).at(0).rank(), 3);
  const auto values = lora_layers(cat).at(0).singular_values();
  double dropped = 0;
  for (std::size_t i = 3; i < values.size(); ++i) dropped += values[i] * values[i];
  EXPECT_NEAR(squares(sum(q(to_), whole, -1)), dropped, 1e-5 * dropped);
}

TEST_F(Arithmetic, RefusesWhatIsNoSum) {
  const auto refusal = [&](Fault fault, const std::vector<Weighted>& all, Combination how) {
    return fixture::error_of(fault, [&] { combine(all, how, {}, to_); });
  };
  EXPECT_THAT(refusal(Fault::usage, {{a_, 1}}, Combination::cat), HasSubstr("nothing to combine"));
  write_random_lora(dir_ / "wide", {{.module = kQ, .rank = 5}}, 3);
  EXPECT_THAT(refusal(Fault::usage, {{a_, 1}, {dir_ / "wide", 1}}, Combination::linear),
              HasSubstr("have ranks 3 and 5"));
  write_random_lora(dir_ / "other", {{.module = kQ, .out = 8}}, 3);
  EXPECT_THAT(refusal(Fault::data, {{a_, 1}, {dir_ / "other", 1}}, Combination::cat), HasSubstr("is [8, 7]"));
  write_random_lora(dir_ / "dora", {{.module = kQ}}, 3, R"({"use_dora": true})");
  EXPECT_THAT(refusal(Fault::usage, {{a_, 1}, {dir_ / "dora", 1}}, Combination::cat), HasSubstr("use_dora"));
  fs::create_directories(to_ / "inside");
  EXPECT_THAT(refusal(Fault::usage, {{a_, 1}, {b_, 1}}, Combination::cat), HasSubstr("to"));
}

TEST_F(Arithmetic, ResizedToItsRankAnAdapterIsTheSame) {
  const Resized resized = resize(a_, 8, 1, to_);

  expect_close(q(to_), q(a_));
  EXPECT_NEAR(resized.kept, 1, 1e-12);
  EXPECT_EQ(resized.before, resized.after);
}

TEST_F(Arithmetic, ALowerRankKeepsTheLargestSingularValues) {
  const Resized resized = resize(a_, 2, 1, to_);

  const AdapterFolder before = AdapterFolder::open(a_), after = AdapterFolder::open(to_);
  const auto values = lora_layers(before).at(0).singular_values(), left = lora_layers(after).at(0).singular_values();
  ASSERT_EQ(left.size(), 2u);
  EXPECT_NEAR(left[0], values[0], 1e-5 * values[0]);
  EXPECT_NEAR(left[1], values[1], 1e-5 * values[0]);
  EXPECT_NEAR(squares(sum(q(to_), q(a_), -1)), values[2] * values[2], 1e-5 * values[2] * values[2]);
  EXPECT_LT(resized.kept, 1);
  EXPECT_LT(resized.worst_kept, resized.kept);
  EXPECT_EQ(resized.after, 2 * (9 + 7) + 2 * (4 + 7));
}

TEST_F(Arithmetic, EnergyGivesLayersRanksOfTheirOwn) {
  const AdapterFolder before = AdapterFolder::open(a_);
  const auto q_values = lora_layers(before).at(0).singular_values();
  const double first = q_values[0] * q_values[0] / squares(q(a_));

  resize(a_, 3, first - 1e-6, to_);

  const AdapterFolder after = AdapterFolder::open(to_);
  EXPECT_EQ(lora_layers(after).at(0).rank(), 1);
  for (const LoraLayer& layer : lora_layers(after)) EXPECT_EQ(layer.scale, 1);
}

}  // namespace
}  // namespace pst::adapters
