// SPDX-License-Identifier: Apache-2.0
#include <algorithm>
#include <map>

#include "core/strings.hpp"
#include "doctor/machine_facts.hpp"
#include "doctor/machine_limits.hpp"

namespace pst::doctor {
namespace {

Finding cpu(const Machine& m) {
  Finding finding{.subject = "CPU", .text = cat(m.usable_cores, " of ", m.cores, " cores of ", m.cpu)};
  if (!m.cpu_features.empty()) finding.text += "; " + join(m.cpu_features, " ");
  const bool has_avx2 = std::find(m.cpu_features.begin(), m.cpu_features.end(), "avx2") != m.cpu_features.end();
  if (!has_avx2) {
    finding.health = Health::warn;
    finding.remedy = "without AVX2 training is several times slower; another node type may have it";
  }
  return finding;
}

Finding memory(const Machine& m) {
  Finding finding{.subject = "memory",
                  .text = cat(human_bytes(m.memory_available_bytes), " of ", human_bytes(m.memory_bytes), " free")};
  if (m.memory_available_bytes < m.memory_bytes / 10) {
    finding.health = Health::warn;
    finding.remedy = "somebody else uses it; take the node for yourself with slurm.exclusive";
  }
  return finding;
}

Finding huge_pages(const Machine& m) {
  Finding finding{.subject = "huge pages", .text = m.huge_pages.empty() ? "unknown" : m.huge_pages};
  if (m.huge_pages == "never") {
    finding.health = Health::warn;
    finding.remedy = "training runs, a few per cent slower; sites offer it as a constraint such as thp_always";
  }
  return finding;
}

std::vector<Finding> limits(const Machine& m) {
  Finding files{.subject = "open files", .text = m.open_files < 0 ? "no limit" : std::to_string(m.open_files)};
  if (m.open_files >= 0 && m.open_files < 1024) {
    files.health = Health::warn;
    files.remedy = "ulimit -n 4096 in the shell that submits";
  }
  Finding locked{
      .subject = "locked memory",
      .text = m.locked_memory_bytes < 0 ? "no limit" : human_bytes(static_cast<std::uint64_t>(m.locked_memory_bytes))};
  if (m.infiniband_ports > 0 && m.locked_memory_bytes >= 0) {
    locked.health = Health::warn;
    locked.remedy = "InfiniBand wants ulimit -l unlimited; with Slurm: PropagateResourceLimitsExcept=MEMLOCK";
  }
  return {files, locked};
}

Finding gpus(const Machine& m) {
  if (m.gpus.empty()) return {.subject = "GPU", .text = "none: training runs on the CPU"};
  std::map<std::string, int> counts;
  for (const auto& gpu : m.gpus) ++counts[gpu];
  std::vector<std::string> parts;
  for (const auto& [model, count] : counts) parts.push_back(cat(count, " x ", model));
  return {.subject = "GPU", .text = cat(join(parts, ", "), "; driver ", m.gpu_driver)};
}

Finding network(const Machine& m) {
  if (m.infiniband_ports == 0) return {.subject = "InfiniBand", .text = "none: MPI goes over Ethernet"};
  Finding finding{.subject = "InfiniBand", .text = cat(m.infiniband_ports_up, " of ", m.infiniband_ports, " ports up")};
  if (m.infiniband_ports_up == 0) {
    finding.health = Health::warn;
    finding.remedy = "MPI will fall back to Ethernet; ask the site about this node";
  }
  return finding;
}

Finding disk(const Disk& d) {
  Finding finding{.subject = "disk", .text = d.folder};
  if (!d.failure.empty()) {
    finding.health = Health::fail;
    finding.text += ": " + d.failure;
    finding.remedy = "use another folder, free space, or ask the site whether it is mounted on this node";
    return finding;
  }
  finding.text += cat(": ", human_bytes(d.free_bytes), " free, ", fixed(d.write_mb_s, 0), " MB/s with fsync, rename ",
                      fixed(d.rename_ms, 1), " ms");
  if (d.free_bytes < kLittleSpace) {
    finding.health = Health::warn;
    finding.remedy = "free some: a run writes its prepared data, checkpoints and logs";
  } else if (d.write_mb_s < 20) {
    finding.health = Health::warn;
    finding.remedy = "slow for checkpoints; a parallel file system is the place for output_dir";
  }
  return finding;
}

}  // namespace

std::vector<Finding> check(const Machine& machine) {
  std::vector<Finding> all = {cpu(machine), memory(machine), huge_pages(machine)};
  for (auto& finding : limits(machine)) all.push_back(std::move(finding));
  all.push_back(gpus(machine));
  all.push_back(network(machine));
  for (const Disk& d : machine.disks) all.push_back(disk(d));
  return all;
}

std::vector<Finding> check_together(const std::vector<Machine>& machines) {
  const auto groups = [&](const auto& key_of) {
    std::map<std::string, std::vector<std::string>> hosts;
    for (const Machine& machine : machines) hosts[key_of(machine)].push_back(machine.host);
    return hosts;
  };
  const auto same = [&](const char* subject, const auto& key_of, Health health, const char* remedy) {
    const auto hosts = groups(key_of);
    if (hosts.size() <= 1)
      return Finding{.subject = subject,
                     .text = hosts.empty() ? ""
                                           : "the same everywhere: " +
                                                 (hosts.begin()->first.empty() ? "none" : hosts.begin()->first)};
    std::vector<std::string> parts;
    for (const auto& [key, names] : hosts) parts.push_back(cat(key.empty() ? "none" : key, " on ", join(names, ",")));
    return Finding{health, subject, join(parts, "; "), remedy};
  };
  std::vector<Finding> all = {same(
                                  "versions", [](const Machine& m) { return m.version; }, Health::fail,
                                  "install one version where all nodes see it"),
                              same(
                                  "CPUs", [](const Machine& m) { return m.cpu; }, Health::warn,
                                  "results have the same bits on equal CPUs only; slurm.constraint chooses one type"),
                              same(
                                  "GPUs", [](const Machine& m) { return join(m.gpus, ", "); }, Health::warn,
                                  "the slowest decides the pace; slurm.constraint chooses one type")};
  if (machines.size() > 1) {
    std::vector<double> times;
    for (const Machine& machine : machines) times.push_back(machine.wall_s);
    std::sort(times.begin(), times.end());
    const double middle = times[times.size() / 2];
    Finding clock{.subject = "clocks",
                  .text = cat("within ", fixed(times.back() - times.front(), 1), " s (asked one after the other)")};
    for (const Machine& machine : machines)
      if (const double off = machine.wall_s - middle; off > kClockFail_s || off < -kClockFail_s) {
        clock.health = Health::fail;
        clock.text = cat(machine.host, " is ", human_seconds(off > 0 ? off : -off), off > 0 ? " ahead" : " behind");
        clock.remedy = "its time service is down: leave it out with slurm.exclude and tell the site";
      }
    all.push_back(clock);
  }
  return all;
}

}  // namespace pst::doctor
