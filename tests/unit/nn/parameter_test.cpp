// SPDX-License-Identifier: Apache-2.0
#include "nn/parameter.hpp"

#include <ATen/ops/arange.h>
#include <ATen/ops/zeros.h>

#include "support/odd_parameters.hpp"
#include "support/tensors.hpp"

namespace pst::nn {
namespace {

void number(const ParameterSet& parameters) {
  at::NoGradGuard no_gradients;
  parameters.flat().copy_(at::arange(parameters.size(), at::kFloat));
}

TEST(ParameterSet, KeepsAShareOfTheMastersAndAllTheirCopies) {
  ParameterSet parameters;
  fixture::odd_parameters(parameters, at::kBFloat16);
  number(parameters);
  parameters.refresh_compute();
  const at::Tensor masters = parameters.flat().clone(), copies = parameters.flat_compute().clone();

  parameters.keep(1024, 20480);

  EXPECT_EQ(parameters.begin(), 1024);
  EXPECT_EQ(parameters.end(), 20480);
  EXPECT_EQ(parameters.flat().storage().nbytes(), 4u * (20480 - 1024));  // the others' memory is free
  EXPECT_THAT(parameters.flat(), fixture::bitwise_equal(masters.narrow(0, 1024, 20480 - 1024)));
  parameters.flat().neg_();
  parameters.refresh_compute();
  at::Tensor expected = copies.clone();
  expected.narrow(0, 1024, 20480 - 1024).neg_();
  EXPECT_THAT(parameters.flat_compute(), fixture::bitwise_equal(expected));

  parameters.keep_all();
  EXPECT_EQ(parameters.begin(), 0);
  expected = at::zeros({parameters.size()}, at::kFloat);
  expected.narrow(0, 1024, 20480 - 1024).copy_(masters.narrow(0, 1024, 20480 - 1024).neg());
  EXPECT_THAT(parameters.flat(), fixture::bitwise_equal(expected));
  EXPECT_THAT(parameters.all()[1].value.detach(),
              fixture::bitwise_equal(expected.narrow(0, parameters.all()[1].offset, 1536 * 16).view({1536, 16})));
}

TEST(ParameterSet, KeepsAllWhereProductsUseTheMasters) {
  ParameterSet parameters;
  fixture::odd_parameters(parameters);
  parameters.keep(1024, 20480);
  EXPECT_EQ(parameters.flat().numel(), parameters.size());
  EXPECT_TRUE(parameters.flat().is_same(parameters.flat_compute()));
}

TEST(ParameterSet, GradientsArriveWhereverTheMastersAre) {
  for (const bool all : {true, false}) {
    ParameterSet parameters;
    fixture::odd_parameters(parameters, at::kBFloat16);
    if (!all) parameters.keep(64, 128);
    const at::Tensor gradient = parameters.new_gradient();
    parameters.accumulate_into(gradient);
    for (int time = 0; time < 2; ++time)
      for (const Parameter& parameter : parameters.all())
        (parameter.value.sum() * static_cast<double>(parameter.offset)).backward();
    for (const Parameter& parameter : parameters.all()) {
      const at::Tensor part = gradient.narrow(0, parameter.offset, parameter.count());
      EXPECT_TRUE(part.eq(2 * static_cast<double>(parameter.offset)).all().item().toBool()) << parameter.name;
    }
  }
}

}  // namespace
}  // namespace pst::nn
