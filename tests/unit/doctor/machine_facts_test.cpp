// SPDX-License-Identifier: Apache-2.0
#include "doctor/machine_facts.hpp"

#include <gmock/gmock.h>

#include <nlohmann/json.hpp>

namespace pst::doctor {
namespace {

using ::testing::AllOf;
using ::testing::Contains;
using ::testing::Field;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::Not;

Machine sound(const std::string& host) {
  return {.host = host,
          .version = "1.0",
          .wall_s = 1e9,
          .cpu = "a CPU",
          .cpu_features = {"avx2"},
          .cores = 8,
          .usable_cores = 8,
          .memory_bytes = std::uint64_t{64} << 30,
          .memory_available_bytes = std::uint64_t{60} << 30,
          .huge_pages = "madvise",
          .open_files = 65536,
          .locked_memory_bytes = -1,
          .disks = {{.folder = "/x",
                     .free_bytes = std::uint64_t{1} << 40,
                     .total_bytes = std::uint64_t{2} << 40,
                     .write_mb_s = 500}}};
}

const Finding& about(const std::vector<Finding>& findings, const std::string& subject) {
  for (const Finding& finding : findings)
    if (finding.subject == subject) return finding;
  static const Finding kNone;
  ADD_FAILURE() << "nothing about " << subject;
  return kNone;
}

TEST(Doctor, ASoundMachineIsWell) {
  const auto findings = check(sound("n1"));

  EXPECT_EQ(worst(findings), Health::ok);
  for (const Finding& finding : findings) EXPECT_THAT(finding.remedy, IsEmpty()) << finding.subject;
}

TEST(Doctor, WhatIsNotWellComesWithARemedy) {
  const std::vector<std::tuple<std::string, Health, std::function<void(Machine&)>>> cases = {
      {"CPU", Health::warn, [](Machine& m) { m.cpu_features.clear(); }},
      {"memory", Health::warn, [](Machine& m) { m.memory_available_bytes = 1; }},
      {"huge pages", Health::warn, [](Machine& m) { m.huge_pages = "never"; }},
      {"open files", Health::warn, [](Machine& m) { m.open_files = 256; }},
      {"locked memory", Health::warn, [](Machine& m) { m.infiniband_ports = 1, m.locked_memory_bytes = 65536; }},
      {"InfiniBand", Health::warn, [](Machine& m) { m.infiniband_ports = 2; }},
      {"disk", Health::warn, [](Machine& m) { m.disks[0].free_bytes = 1; }},
      {"disk", Health::warn, [](Machine& m) { m.disks[0].write_mb_s = 1; }},
      {"disk", Health::fail, [](Machine& m) { m.disks[0].failure = "cannot write: No space left on device"; }},
  };
  for (const auto& [subject, health, spoil] : cases) {
    SCOPED_TRACE(subject);
    Machine machine = sound("n1");
    spoil(machine);
    const auto findings = check(machine);
    EXPECT_EQ(about(findings, subject).health, health);
    EXPECT_THAT(about(findings, subject).remedy, Not(IsEmpty()));
    EXPECT_THAT(to_text(findings), AllOf(HasSubstr(name_of(health)), HasSubstr("try: ")));
  }
}

TEST(Doctor, NodesAreComparedWithOneAnother) {
  std::vector<Machine> nodes = {sound("n1"), sound("n2"), sound("n3")};
  EXPECT_EQ(worst(check_together(nodes)), Health::ok);

  nodes[1].version = "0.9";
  nodes[2].wall_s -= 3600;
  nodes[2].cpu = "another";
  const auto findings = check_together(nodes);

  EXPECT_THAT(about(findings, "versions"),
              AllOf(Field(&Finding::health, Health::fail), Field(&Finding::text, HasSubstr("0.9 on n2"))));
  EXPECT_THAT(about(findings, "clocks").text, HasSubstr("n3 is 1 h 00 min behind"));
  EXPECT_EQ(about(findings, "CPUs").health, Health::warn);
}

TEST(Doctor, SeesThisMachineAndSaysItAsJson) {
  const Machine machine = look_at("1.2", {"/proc/self/nothing"});

  EXPECT_GT(machine.usable_cores, 0);
  EXPECT_GT(machine.memory_bytes, machine.memory_available_bytes);
  EXPECT_THAT(machine.disks.at(0).failure, Not(IsEmpty()));
  const Machine back = nlohmann::ordered_json::parse(nlohmann::ordered_json(machine).dump()).get<Machine>();
  EXPECT_EQ(back.cpu, machine.cpu);
  EXPECT_EQ(back.wall_s, machine.wall_s);
  EXPECT_EQ(back.disks.at(0).failure, machine.disks.at(0).failure);
}

}  // namespace
}  // namespace pst::doctor
