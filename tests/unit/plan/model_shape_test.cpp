// SPDX-License-Identifier: Apache-2.0
#include "plan/model_shape.hpp"

#include <gtest/gtest.h>

#include "unit/plan/models.hpp"

namespace {

using namespace pst;

TEST(ModelShape, CountsTheParametersOfPublishedModels) {
  const methods::Adapter r16 = fixture::lora({.r = 16});

  EXPECT_EQ(plan::shape_of(fixture::llama3_8b(), r16, 4096).frozen, 8'030'261'248);   // Meta's model card
  EXPECT_EQ(plan::shape_of(fixture::smollm2_135m(), r16, 4096).frozen, 134'515'008);  // its safetensors header
}

TEST(ModelShape, CountsTheAdapterAsPeftDoes) {
  // print_trainable_parameters() of PEFT with target_modules="all-linear".
  EXPECT_EQ(plan::shape_of(fixture::llama3_8b(), fixture::lora({.r = 16}), 4096).trainable, 41'943'040);
  EXPECT_EQ(plan::shape_of(fixture::smollm2_135m(), fixture::lora({.r = 16}), 4096).trainable, 4'884'480);
}

TEST(ModelShape, KeepsLayersApartThatDiffer) {
  methods::Adapter adapter = fixture::lora({.r = 8});
  adapter.targeting.layers_to_transform = {0, 1};

  const auto shape = plan::shape_of(fixture::smollm2_135m(), adapter, 1024);

  ASSERT_EQ(shape.layers.size(), 2u);
  EXPECT_EQ(shape.layers[0].count, 2);
  EXPECT_EQ(shape.layers[1].count, 28);
  EXPECT_EQ(shape.layers[1].linears[0].rank, 0);
  EXPECT_EQ(shape.adapted_layers, 14);
}

}  // namespace
