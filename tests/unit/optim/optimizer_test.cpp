// SPDX-License-Identifier: Apache-2.0
#include "optim/optimizer.hpp"

#include <ATen/ops/tensor.h>

#include "config/one_of.hpp"
#include "plan/memory.hpp"
#include "support/odd_parameters.hpp"
#include "support/tensors.hpp"

namespace pst::optim {
namespace {

/// Each row of the table with its defaults.
std::vector<recipe::Optimizer> all_optimizers() {
  std::vector<recipe::Optimizer> all;
  recipe::Optimizer optimizer{.lr = 0.01, .weight_decay = 0.1};
  config::for_each_kind(optimizer.rule, [&](const std::string&) { all.push_back(optimizer); });
  return all;
}

at::Tensor after_three_updates(const recipe::Optimizer& settings, int ranks) {
  nn::ParameterSet parameters;
  fixture::odd_parameters(parameters);
  parameters.flat().copy_(fixture::random({parameters.size()}, 1));
  const parallel::FlatShares shares(parameters, ranks,
                                    recipe::piece_of(recipe::cut_of(settings), nn::ParameterSet::kBorder));
  std::vector<Optimizer> of_ranks;
  for (int rank = 0; rank < ranks; ++rank) of_ranks.emplace_back(settings, parameters, shares, rank);
  for (std::int64_t number = 1; number <= 3; ++number) {
    const at::Tensor gradient = fixture::random({parameters.size()}, static_cast<std::uint64_t>(10 + number));
    for (Optimizer& optimizer : of_ranks)
      optimizer.update(parameters, gradient, {.lr = 0.01, .number = number, .gradient_factor = 0.5});
  }
  return parameters.flat();
}

TEST(Optimizer, SharesHaveTheBitsOfTheWhole) {
  for (const auto& settings : all_optimizers()) {
    SCOPED_TRACE(settings.rule.index());
    const at::Tensor whole = after_three_updates(settings, 1);

    EXPECT_THAT(after_three_updates(settings, 3), fixture::bitwise_equal(whole));
    EXPECT_THAT(after_three_updates(settings, 8), fixture::bitwise_equal(whole));
  }
}

TEST(Optimizer, APlanCountsItsState) {
  for (const auto& settings : all_optimizers()) {
    SCOPED_TRACE(settings.rule.index());
    nn::ParameterSet parameters;
    fixture::odd_parameters(parameters);
    plan::ModelShape shape{.vocabulary = 100};  // the head has rows
    shape.trainable_padded = parameters.size();
    for (const nn::Parameter& parameter : parameters.all()) shape.trained.push_back({parameter.shape, 1});

    const Optimizer optimizer(settings, parameters, parallel::FlatShares(parameters, 1), 0);

    double bytes = 0;
    for (const State& state : optimizer.state()) bytes += static_cast<double>(state.values.nbytes());
    EXPECT_EQ(plan::memory_of({.model = shape, .optimizer = settings}, {}).optimizer, bytes);
    const double another = 4 * static_cast<double>(parameters.size());
    EXPECT_EQ(plan::memory_of({.model = shape, .optimizer = settings, .kept_arrays = 2}, {}).optimizer,
              bytes + 2 * another);
  }
}

TEST(Optimizer, EveryRankHasItsPartOfTheState) {
  for (const auto& settings : all_optimizers()) {
    SCOPED_TRACE(settings.rule.index());
    nn::ParameterSet parameters;
    fixture::odd_parameters(parameters);
    const std::vector<State> whole = make_state(settings, parameters, parallel::FlatShares(parameters, 1), 0);
    const parallel::FlatShares shares(parameters, 5,
                                      recipe::piece_of(recipe::cut_of(settings), nn::ParameterSet::kBorder));

    for (std::size_t s = 0; s < whole.size(); ++s)
      for (std::size_t w = 0; w < whole[s].windows.size(); ++w) {
        std::int64_t rows = 0;
        for (int rank = 0; rank < 5; ++rank) {
          const State::Window window = make_state(settings, parameters, shares, rank)[s].windows[w];
          if (window.rows.size() == 0) continue;
          EXPECT_EQ(window.rows.begin, rows) << "after those of the ranks before";
          rows = window.rows.end;
        }
        EXPECT_EQ(rows, whole[s].windows[w].rows.end) << whole[s].name;
      }
  }
}

TEST(Optimizer, AdamWOf8BitsKeepsCodesOfLargeTensorsOnly) {
  nn::ParameterSet parameters;
  parameters.add("small", {4095});
  parameters.add("large", {3, 1400});
  parameters.allocate(at::kFloat);

  const auto state = make_state({.rule = recipe::AdamW8bit{}}, parameters, parallel::FlatShares(parameters, 1), 0);

  ASSERT_EQ(state.size(), 6u);
  for (const State& array : state) {
    ASSERT_EQ(array.windows.size(), 1u);
    const bool large = array.windows[0].parameter == 1, scales = array.name.ends_with("absmax");
    EXPECT_EQ(array.values.scalar_type(), large && !scales ? at::kByte : at::kFloat) << array.name;
    if (scales) {
      EXPECT_EQ(array.windows[0].array.shape, std::vector<std::int64_t>{17});  // 4200 / 256
    }
  }
}

TEST(Optimizer, AdamWKeepsTwoMoments) {
  nn::ParameterSet parameters;
  fixture::odd_parameters(parameters);

  const Optimizer optimizer({}, parameters, parallel::FlatShares(parameters, 1), 0);

  ASSERT_EQ(optimizer.state().size(), 2u);
  EXPECT_EQ(optimizer.state()[0].name, "exp_avg");
  EXPECT_EQ(optimizer.state()[1].name, "exp_avg_sq");
}

/// Five updates of four values with a learning rate of 0.01 and weight decay 0.1, as those below were recorded.
void expect_recorded(const recipe::OptimizerRule& rule, const std::vector<float>& values,
                     const std::vector<float>& first_state) {
  nn::ParameterSet parameters;
  parameters.add("x", {4});
  parameters.allocate(at::kFloat);
  const at::Tensor x = parameters.flat().narrow(0, 0, 4);
  x.copy_(at::tensor({1.0f, -0.5f, 0.25f, 2.0f}));
  Optimizer optimizer({.rule = rule, .weight_decay = 0.1}, parameters, parallel::FlatShares(parameters, 1), 0);

  for (int number = 1; number <= 5; ++number) {
    const auto n = static_cast<float>(number);
    const at::Tensor gradient = parameters.new_gradient();
    gradient.narrow(0, 0, 4).copy_(
        at::tensor({0.5f * n, -0.25f, number % 2 == 0 ? 0.125f : -0.125f, std::ldexp(1.0f, -number)}));
    optimizer.update(parameters, gradient, {.lr = 0.01, .number = number});
  }

  EXPECT_THAT(x, fixture::close_to(at::tensor(values), 3e-7));
  EXPECT_THAT(optimizer.state()[0].values.narrow(0, 0, 4), fixture::close_to(at::tensor(first_state), 2e-6));
}

// Recorded from torch 2.11: torch.optim.AdamW(lr=0.01, betas=(0.9, 0.95), eps=1e-8, weight_decay=0.1).
TEST(Optimizer, AdamWFollowsTorch) {
  expect_recorded(recipe::AdamW{.betas = {0.9, 0.95}, .eps = 1e-8},
                  {0.9472571611404419f, -0.4476049542427063f, 0.2630574405193329f, 1.9475033283233643f},
                  {0.6572049856185913f, -0.1023774966597557f, -0.010463750921189785f, 0.06990500539541245f});
}

// Recorded from torch 2.11: torch.optim.SGD(lr=0.01, momentum=0.9, weight_decay=0.1), then with nesterov=True.
TEST(Optimizer, SgdFollowsTorch) {
  expect_recorded(recipe::Sgd{.momentum = 0.9},
                  {0.8286243677139282f, -0.4606606364250183f, 0.24979066848754883f, 1.9399269819259644f},
                  {6.964354515075684f, -1.223382830619812f, -0.002100631594657898f, 1.5088533163070679f});
  expect_recorded(recipe::Sgd{.momentum = 0.9, .nesterov = true},
                  {0.7661758065223694f, -0.449716180562973f, 0.24980850517749786f, 1.926462173461914f},
                  {6.9559173583984375f, -1.221192717552185f, -0.0021401047706604004f, 1.505288004875183f});
}

}  // namespace
}  // namespace pst::optim
