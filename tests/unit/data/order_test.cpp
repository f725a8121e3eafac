// SPDX-License-Identifier: Apache-2.0
#include "data/order.hpp"

#include <gmock/gmock.h>

#include <numeric>

#include "core/strings.hpp"
#include "written_store.hpp"

namespace pst::data {
namespace {

using ::testing::Each;
using ::testing::ElementsAre;

class Order : public ::testing::Test {
 protected:
  PreparedSet store_of(const std::vector<std::uint32_t>& lengths) {
    const fs::path store = folder_ / cat("store-", count_++);
    fixture::write_store(store, lengths);
    return PreparedSet::open(store, "train");
  }
  pst::fixture::TemporaryDirectory folder_;
  int count_ = 0;
};

std::vector<int> times_seen(const DataOrder& order, std::int64_t first_step, std::int64_t steps,
                            std::size_t documents) {
  std::vector<int> seen(documents, 0);
  for (std::int64_t step = first_step; step < first_step + steps; ++step)
    for (const Row& row : order.rows_of_step(step))
      for (const auto document : row) ++seen.at(document);
  return seen;
}

TEST_F(Order, EveryDocumentExactlyOnceInEveryEpoch) {
  const PreparedSet documents = store_of(fixture::random_lengths(333, 100, 1));
  for (const bool packing : {true, false})
    for (const bool is_shuffled : {true, false}) {
      SCOPED_TRACE(cat("packing ", packing, ", shuffle ", is_shuffled));
      const DataOrder order(documents,
                            {.packing = packing, .shuffle = is_shuffled, .max_length = 100, .global_batch_size = 7});
      const auto steps = order.steps_in(1);
      for (const int epoch : {0, 1, 2, 5})
        EXPECT_THAT(times_seen(order, epoch * steps, steps, documents.size()), Each(1)) << "epoch " << epoch;
    }
}

TEST_F(Order, NoRowIsLongerThanMaxLengthAndPackingFillsRows) {
  const PreparedSet documents = store_of(fixture::random_lengths(500, 60, 2));
  const DataOrder order(documents, {.max_length = 128, .global_batch_size = 4});
  std::int64_t tokens = 0, rows = 0;
  for (std::int64_t step = 0; step < order.steps_in(1); ++step)
    for (const Row& row : order.rows_of_step(step)) {
      std::size_t length = 0;
      for (const auto document : row) length += documents.document(document).ids.size();
      EXPECT_LE(length, 128u);
      tokens += static_cast<std::int64_t>(length);
      ++rows;
    }

  EXPECT_EQ(rows, order.rows_per_epoch());
  EXPECT_EQ(tokens, documents.tokens());
  EXPECT_GT(static_cast<double>(tokens) / static_cast<double>(rows * 128), 0.97);
}

TEST_F(Order, AStepIsTheSameInWhateverOrderItIsAskedFor) {
  const PreparedSet documents = store_of(fixture::random_lengths(100, 50, 3));
  const OrderSettings settings{.max_length = 64, .global_batch_size = 4, .seed = 9};
  const DataOrder forward(documents, settings);
  std::vector<std::vector<Row>> expected;
  for (std::int64_t step = 0; step < 60; ++step) expected.push_back(forward.rows_of_step(step));

  const DataOrder other(documents, settings);
  for (const std::int64_t step : {59, 0, 31, 30, 58, 1, 31, 7, 45, 44})
    EXPECT_EQ(other.rows_of_step(step), expected[static_cast<std::size_t>(step)]) << step;
}

TEST_F(Order, EpochsAndSeedsDiffer) {
  const PreparedSet documents = store_of(fixture::random_lengths(100, 50, 3));
  const DataOrder one(documents, {.max_length = 64, .seed = 1}), two(documents, {.max_length = 64, .seed = 2});
  const auto steps = one.steps_in(1);
  ASSERT_GE(steps, 2);

  EXPECT_NE(one.rows_of_step(0), std::vector<Row>(one.rows_of_step(steps)));
  EXPECT_NE(one.rows_of_step(0), two.rows_of_step(0));
}

TEST_F(Order, WithoutShuffleTheFilesOrderStays) {
  const PreparedSet documents = store_of({10, 20, 5, 30, 8});
  const OrderSettings settings{.packing = false, .shuffle = false, .max_length = 30, .global_batch_size = 2};
  const DataOrder plain(documents, settings);

  EXPECT_THAT(plain.rows_of_step(0), ElementsAre(ElementsAre(0), ElementsAre(1)));
  EXPECT_THAT(plain.rows_of_step(2), ElementsAre(ElementsAre(4)));
  EXPECT_THAT(plain.rows_of_step(3), ElementsAre(ElementsAre(0), ElementsAre(1)));
  const DataOrder packed(documents, {.packing = true, .shuffle = false, .max_length = 30, .global_batch_size = 2});
  EXPECT_THAT(packed.rows_of_step(0), ElementsAre(ElementsAre(0, 1), ElementsAre(2)));
  EXPECT_THAT(packed.rows_of_step(1), ElementsAre(ElementsAre(3), ElementsAre(4)));
}

TEST_F(Order, StepsAreCountedAsTransformersDoes) {
  const PreparedSet documents = store_of(std::vector<std::uint32_t>(33, 5));
  const DataOrder order(documents, {.packing = false, .max_length = 8, .global_batch_size = 16});

  EXPECT_EQ(order.steps_in(1), 3);
  EXPECT_EQ(order.rows_of_step(2).size(), 1u);
  EXPECT_EQ(order.steps_in(3), 9);
  EXPECT_EQ(order.steps_in(0.5), 2);
  EXPECT_EQ(order.steps_in(0.01), 1);
}

TEST_F(Order, WhatIsLeftOfAnEpochIsAStepCarriedOrDropped) {
  const PreparedSet documents = store_of(std::vector<std::uint32_t>(33, 5));
  OrderSettings settings{.packing = false, .max_length = 8, .global_batch_size = 16};
  const auto sizes = [&](recipe::Remainder remainder, std::int64_t steps) {
    settings.remainder = remainder;
    const DataOrder order(documents, settings);
    std::vector<std::size_t> all;
    for (std::int64_t step = 0; step < steps; ++step) all.push_back(order.rows_of_step(step).size());
    return all;
  };

  EXPECT_THAT(sizes(recipe::Remainder::step, 6), ElementsAre(16, 16, 1, 16, 16, 1));
  EXPECT_THAT(sizes(recipe::Remainder::drop, 4), Each(16));
  EXPECT_THAT(sizes(recipe::Remainder::carry, 33), Each(16));
  settings.remainder = recipe::Remainder::drop;
  const DataOrder drops(documents, settings);
  EXPECT_EQ(drops.steps_in(3), 6);
  EXPECT_EQ(drops.rows_left(), 1);
  settings.remainder = recipe::Remainder::carry;
  const DataOrder carries(documents, settings);
  EXPECT_EQ(carries.steps_in(1), 3) << "33 rows and 15 of the next epoch";
  EXPECT_EQ(carries.steps_in(16), 33);
  EXPECT_THAT(times_seen(carries, 0, 33, documents.size()), Each(16)) << "16 epochs are 33 full steps";
}

TEST_F(Order, CarriedRowsAreThoseOfTheEpochsOneAfterTheOther) {
  const PreparedSet documents = store_of(fixture::random_lengths(11, 50, 4));
  for (const int batch : {1, 4, 11, 12, 30}) {  // an epoch may be shorter than a step
    SCOPED_TRACE(batch);
    const OrderSettings one{.packing = false, .max_length = 64, .global_batch_size = 11};
    OrderSettings settings = one;
    settings.global_batch_size = batch;
    settings.remainder = recipe::Remainder::carry;
    const DataOrder epochs(documents, one), carries(documents, settings);
    std::vector<Row> expected, rows;
    for (std::int64_t epoch = 0; epoch < 60; ++epoch)
      expected.insert(expected.end(), epochs.rows_of_step(epoch).begin(), epochs.rows_of_step(epoch).end());
    for (std::int64_t step = 0; step < 20; ++step)
      rows.insert(rows.end(), carries.rows_of_step(step).begin(), carries.rows_of_step(step).end());

    expected.resize(rows.size());
    EXPECT_EQ(rows.size(), static_cast<std::size_t>(20 * batch));
    EXPECT_EQ(rows, expected);
    const std::vector<Row> seventh = carries.rows_of_step(7);
    EXPECT_EQ(DataOrder(documents, settings).rows_of_step(7), seventh) << "in whatever order it is asked for";
  }
}

TEST_F(Order, DroppingAllThereIsIsRefused) {
  const PreparedSet documents = store_of({10, 20});

  EXPECT_THROW(DataOrder(documents, {.packing = false, .remainder = recipe::Remainder::drop}), Error);
}

TEST_F(Order, ValidationRowsKeepTheOrder) {
  const PreparedSet documents = store_of({10, 20, 5});

  EXPECT_THAT(rows_in_order(documents, true, 30), ElementsAre(ElementsAre(0, 1), ElementsAre(2)));
  EXPECT_THAT(rows_in_order(documents, false, 30), ElementsAre(ElementsAre(0), ElementsAre(1), ElementsAre(2)));
}

TEST_F(Order, RefusesAnEmptySetAndRowsThatAreTooShort) {
  const PreparedSet empty = store_of({});
  EXPECT_THROW(DataOrder(empty, {}), Error);
  EXPECT_TRUE(rows_in_order(empty, true, 30).empty());

  const PreparedSet documents = store_of({10, 20});
  EXPECT_THROW(DataOrder(documents, {.max_length = 19}), Error);
  EXPECT_THROW(rows_in_order(documents, true, 19), Error);
}

}  // namespace
}  // namespace pst::data
