// SPDX-License-Identifier: Apache-2.0
// What `auto` chooses fits wherever anything does: cards, models and rows as people combine them.
#include <gtest/gtest.h>

#include "core/strings.hpp"
#include "plan/prediction.hpp"
#include "plan/resolve.hpp"
#include "unit/plan/models.hpp"

namespace {

using namespace pst;

constexpr double kGib = 1 << 30;
constexpr double kUsable = 0.95;  // of a card: the driver and other contexts have the rest

struct Model {
  const char* name;
  families::ModelSpec spec;
};

std::vector<Model> models() {
  return {{"1B", fixture::llama(128256, 2048, 8192, 16, 32, 8, true)},
          {"3B", fixture::llama(128256, 3072, 8192, 28, 24, 8, true)},
          {"8B", fixture::llama3_8b()},
          {"13B", fixture::llama(32000, 5120, 13824, 40, 40, 40, false)},
          {"34B", fixture::llama(32000, 8192, 22016, 48, 64, 8, false)},
          {"70B", fixture::llama(128256, 8192, 28672, 80, 64, 8, false)}};
}

plan::Inputs on_card(const Model& model, double gib, int micro, int length, int ranks) {
  auto in = fixture::inputs(model.spec, "h100", 4, micro * ranks, length);
  in.machine.memory_bytes = static_cast<std::uint64_t>(gib * kGib);
  in.recipe.train.micro_batch_size = micro;
  in.recipe.slurm.ranks_per_node = ranks;
  return in;
}

plan::Choice chosen(const plan::Inputs& in) {
  std::vector<plan::Decision> decisions;
  return plan::choice_of(in, decisions);
}

double peak(const plan::Inputs& in, const plan::Choice& choice) { return plan::predict(in, choice).memory.peak(); }

TEST(AutoMemory, FitsWhereverAnythingDoes) {
  int fitted = 0;
  for (const Model& model : models())
    for (const double gib : {16, 24, 40, 48, 80, 141})
      for (const int ranks : {1, 4, 8})
        for (const auto& [micro, length] : {std::pair{1, 1024}, {1, 2048}, {1, 4096}, {4, 2048}, {8, 1024}}) {
          SCOPED_TRACE(cat(model.name, " on ", ranks, " x ", gib, " GiB, ", micro, " x ", length));
          const auto in = on_card(model, gib, micro, length, ranks);
          const plan::Choice choice = chosen(in);
          plan::Choice least = choice;
          least.recompute = true;
          if (ranks > 1) least.placement = plan::Placement::shard;
          const double room = kUsable * gib * kGib;
          if (peak(in, least) > room) continue;  // nothing does
          ++fitted;
          EXPECT_LE(peak(in, choice) / kGib, room / kGib)
              << plan::name_of(choice.placement) << (choice.recompute ? ", recomputed" : "");
        }
  EXPECT_GT(fitted, 250);
}

TEST(AutoMemory, KeepsWhatFitsWithEase) {
  for (const Model& model : models())
    for (const double gib : {24, 80, 141}) {
      SCOPED_TRACE(cat(model.name, " on ", gib, " GiB"));
      const auto in = on_card(model, gib, 1, 1024, 4);
      plan::Choice whole = chosen(in);
      whole.recompute = false;
      whole.placement = plan::Placement::replicate;
      if (peak(in, whole) > 0.5 * gib * kGib) continue;

      EXPECT_FALSE(chosen(in).recompute);
      EXPECT_EQ(chosen(in).placement, plan::Placement::replicate);
    }
}

TEST(AutoMemory, OfTheCardsThatPeopleAskAbout) {
  // Weights of 15 GiB leave 9 of 24: kept layers would not fit. They were left out of the sum before.
  EXPECT_TRUE(chosen(on_card(models()[2], 24, 1, 2048, 1)).recompute);
  EXPECT_TRUE(chosen(on_card(models()[3], 40, 1, 4096, 1)).recompute);
  EXPECT_EQ(chosen(on_card(models()[3], 40, 1, 4096, 4)).placement, plan::Placement::replicate);
  EXPECT_EQ(chosen(on_card(models()[5], 80, 1, 1024, 4)).placement, plan::Placement::shard);
}

}  // namespace
