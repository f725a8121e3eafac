// SPDX-License-Identifier: Apache-2.0
#include "plan/machine.hpp"

#include <gtest/gtest.h>

#include "core/error.hpp"
#include "core/strings.hpp"
#include "plan/costs.hpp"

namespace {

using namespace pst;
using plan::Machine;

Machine measured() {
  Machine machine{.name = "A CPU",
                  .source = "measured in a test",
                  .cores = 4,
                  .memory_bytes = 8ull << 30,
                  .fast_bf16 = true,
                  .disk = plan::Disk{1e9, 1e-3, "measured"}};
  plan::Layout layout{.ranks = 1, .threads = 4, .baseline_bytes = 150 << 20, .start_s = 0.5};
  for (const auto op : plan::all_ops())
    for (const auto dtype : {plan::Dtype::f32, plan::Dtype::bf16}) {
      std::vector<plan::Table::Axis> axes(plan::axes_of(op), {"size", {16, 256}});
      const std::vector<double> seconds(std::size_t{1} << axes.size(), 1e-3);
      layout.tables.insert_or_assign(plan::table_name(op, dtype), plan::Table("t", axes, seconds));
    }
  machine.layouts.push_back(layout);
  return machine;
}

std::string replaced(std::string text, const std::string& from, const std::string& to) {
  const auto at = text.find(from);
  EXPECT_NE(at, text.npos) << from;
  return text.replace(at, from.size(), to);
}

TEST(Machine, ReadsWhatItWrote) {
  const Machine machine = measured();

  const Machine again = plan::parse_machine(plan::to_json(machine), "m.json");

  EXPECT_EQ(plan::to_json(again), plan::to_json(machine));
  EXPECT_EQ(again.layouts.at(0).tables.size(), machine.layouts.at(0).tables.size());
  EXPECT_EQ(again.disk->fsync_s, 1e-3);
}

TEST(Machine, RefusesWhatProbeWouldNotWrite) {
  const std::string good = plan::to_json(measured());
  const std::pair<const char*, const char*> damages[] = {
      {"\"format\": 2", "\"format\": 1"},
      {"\"cores\": 4", "\"cores\": -1"},
      {"\"cores\": 4", "\"cores\": 4.5"},
      {"\"cores\": 4", "\"cores\": \"four\""},
      {"\"name\": \"A CPU\"", "\"name\": \"A\\nCPU\""},
      {"\"threads\": 4", "\"threads\": 0"},
      {"\"bytes_per_s\": 1000000000.0", "\"bytes_per_s\": 0"},
      {"\"adamw\"", "\"adamx\""},
      {"0.001", "-0.001"},
      {"0.001,", ""},
      {"\"layouts\"", "\"layout\""},
      {"\"fast_bf16\": true", "\"fast_bf16\": 1"},
  };
  for (const auto& [from, to] : damages) {
    SCOPED_TRACE(cat(from, " -> ", to));
    try {
      plan::parse_machine(replaced(good, from, to), "m.json");
      ADD_FAILURE() << "was taken";
    } catch (const Error& error) {
      EXPECT_EQ(error.fault(), Fault::data);
      EXPECT_NE(std::string(error.what()).find("m.json"), std::string::npos) << error.what();
      EXPECT_FALSE(error.remedy().empty());
    }
  }
  for (const std::string text : {"", "[]", "{}", "nonsense", "{\"format\":2"})
    EXPECT_THROW(plan::parse_machine(text, "m.json"), Error);
}

TEST(Machine, RefusesToPlanWithATableMissing) {
  Machine machine = measured();
  machine.layouts[0].tables.erase("swiglu_forward.f32");

  EXPECT_NO_THROW(plan::Costs(machine, 1, 4, plan::Dtype::bf16));
  EXPECT_THROW(plan::Costs(machine, 1, 4, plan::Dtype::f32), Error);
}

TEST(Machine, SaysWhenALayoutWasScaled) {
  const Machine machine = measured();

  EXPECT_EQ(plan::Costs(machine, 1, 4, plan::Dtype::f32).source(), "measured in a test");
  EXPECT_NE(plan::Costs(machine, 2, 2, plan::Dtype::f32).source().find("scaled to 2 x 2"), std::string::npos);
  EXPECT_DOUBLE_EQ(plan::Costs(machine, 2, 2, plan::Dtype::f32)(plan::Op::adamw, {16}), 2e-3);
}

TEST(Machine, MergesLayouts) {
  Machine more = measured();
  more.layouts[0].ranks = 2;
  more.layouts[0].threads = 2;
  Machine again = measured();
  again.layouts[0].start_s = 7;

  const Machine both = plan::merged(plan::merged(measured(), more), again);

  ASSERT_EQ(both.layouts.size(), 2u);
  EXPECT_EQ(both.layout(1, 4)->start_s, 7);
  EXPECT_EQ(both.layout(2, 2)->ranks, 2);
}

TEST(Machine, PublishedOnesSayThatNothingWasMeasured) {
  for (const auto& name : plan::published_names()) {
    const auto machine = plan::published_machine(name);
    ASSERT_TRUE(machine) << name;
    const std::string source = plan::Costs(*machine, 1, 1, plan::Dtype::bf16).source();
    EXPECT_NE(source.find("published, not measured"), std::string::npos);
    EXPECT_NE(source.find(machine->cudnn_attention ? "; seen on an H200 to attain" : "; assumed to attain"),
              std::string::npos)
        << source;
  }
  EXPECT_FALSE(plan::published_machine("h1000"));
}

}  // namespace
