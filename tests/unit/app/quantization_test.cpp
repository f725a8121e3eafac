// SPDX-License-Identifier: Apache-2.0
#include "app/quantization.hpp"

#include <gmock/gmock.h>

#include "support/tiny_spec.hpp"

namespace pst::app {
namespace {

using weights::NumberFormat;

TEST(Quantization, TheRecipeSaysTheFormatAndTheFolderHowItIsStored) {
  families::ModelSpec model = fixture::tiny_spec();
  for (const auto& row : weights::number_formats()) {
    model.stored = row.format;
    const quant::Options options = quant_options({.format = row.format}, model, at::kFloat);
    EXPECT_EQ(options.format, row.format);
    EXPECT_EQ(options.stored, row.format);
    EXPECT_EQ(quant_options({}, model, at::kFloat).format, NumberFormat::none) << "what is stored is no wish";
  }
}

TEST(Quantization, DetailsAreTheRecipes) {
  const families::ModelSpec model = fixture::tiny_spec();

  const quant::Options usual = quant_options({.format = NumberFormat::nf4}, model, at::kBFloat16);
  EXPECT_EQ(usual.scales, lowbit::Scales::quantised);
  EXPECT_EQ(usual.compute, Dtype::bf16);

  const quant::Options other = quant_options(
      {.format = NumberFormat::nf4, .double_quantization = false, .skip = {"down_proj"}}, model, at::kFloat);
  EXPECT_EQ(other.scales, lowbit::Scales::plain);
  EXPECT_THAT(other.skip, testing::ElementsAre("down_proj"));
  EXPECT_EQ(other.compute, Dtype::f32);
}

TEST(Quantization, WithoutARecipeAFolderIsTakenAsItIs) {
  families::ModelSpec model = fixture::tiny_spec();
  for (const auto& row : weights::number_formats()) {
    model.stored = row.format;
    EXPECT_EQ(as_stored(model).format, row.format);
  }
}

}  // namespace
}  // namespace pst::app
