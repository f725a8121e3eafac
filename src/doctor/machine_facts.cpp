// SPDX-License-Identifier: Apache-2.0
#include "doctor/machine_facts.hpp"

#include <sched.h>
#include <sys/resource.h>
#include <sys/utsname.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <fstream>
#include <nlohmann/json.hpp>
#include <sstream>
#include <thread>

#include "core/clock.hpp"
#include "core/proc_value.hpp"
#include "core/strings.hpp"

namespace pst::doctor {
namespace {

namespace fs = std::filesystem;

std::string content(const fs::path& file) {
  std::ifstream in(file);
  std::ostringstream text;
  text << in.rdbuf();
  return std::move(text).str();
}

std::uint64_t kibibytes(const std::string& text) {
  return static_cast<std::uint64_t>(std::max<std::int64_t>(0, to_int(split(text, ' ')[0]).value_or(0))) * 1024;
}

/// "always [madvise] never" -> madvise
std::string chosen_word(const std::string& text) {
  const auto begin = text.find('['), end = text.find(']');
  return begin == std::string::npos || end == std::string::npos ? "" : text.substr(begin + 1, end - begin - 1);
}

std::int64_t soft_limit(__rlimit_resource resource) {
  rlimit limit{};
  if (::getrlimit(resource, &limit) != 0) return 0;
  return limit.rlim_cur == RLIM_INFINITY ? -1 : static_cast<std::int64_t>(limit.rlim_cur);
}

std::vector<fs::path> entries(const fs::path& folder) {
  std::vector<fs::path> found;
  std::error_code status;
  for (fs::directory_iterator at(folder, status), end; !status && at != end; at.increment(status))
    found.push_back(at->path());
  std::sort(found.begin(), found.end());
  return found;
}

void look_at_cpu(Machine& machine) {
  machine.cpu = cpu_model();
  const std::string flags = " " + proc_value("/proc/cpuinfo", "flags") + " ";
  for (const char* feature : {"avx2", "avx512f", "avx512_bf16", "amx_bf16"})
    if (flags.find(cat(" ", feature, " ")) != std::string::npos) machine.cpu_features.emplace_back(feature);
  machine.cores = static_cast<int>(std::thread::hardware_concurrency());
  cpu_set_t set;
  CPU_ZERO(&set);
  machine.usable_cores = ::sched_getaffinity(0, sizeof set, &set) == 0 ? CPU_COUNT(&set) : machine.cores;
}

void look_at_gpus(Machine& machine) {
  for (const auto& gpu : entries("/proc/driver/nvidia/gpus"))
    machine.gpus.push_back(proc_value(gpu / "information", "Model"));
  machine.gpu_driver = split(content("/sys/module/nvidia/version"), '\n')[0];
}

void look_at_network(Machine& machine) {
  for (const auto& device : entries("/sys/class/infiniband"))
    for (const auto& port : entries(device / "ports")) {
      ++machine.infiniband_ports;
      machine.infiniband_ports_up += content(port / "state").find("ACTIVE") != std::string::npos;
    }
}

}  // namespace

Machine look_at(const std::string& version, const std::vector<fs::path>& folders) {
  Machine machine{.version = version};
  std::array<char, 256> name{};
  if (::gethostname(name.data(), name.size() - 1) == 0) machine.host = name.data();
  utsname system{};
  if (::uname(&system) == 0) machine.kernel = system.release;
  look_at_cpu(machine);
  machine.memory_bytes = kibibytes(proc_value("/proc/meminfo", "MemTotal"));
  machine.memory_available_bytes = kibibytes(proc_value("/proc/meminfo", "MemAvailable"));
  machine.huge_pages = chosen_word(content("/sys/kernel/mm/transparent_hugepage/enabled"));
  machine.open_files = soft_limit(RLIMIT_NOFILE);
  machine.locked_memory_bytes = soft_limit(RLIMIT_MEMLOCK);
  look_at_gpus(machine);
  look_at_network(machine);
  for (const auto& folder : folders) machine.disks.push_back(probe_disk(folder));
  machine.wall_s = unix_seconds();
  return machine;
}

void to_json(nlohmann::ordered_json& json, const Machine& m) {
  json = {{"host", m.host},
          {"version", m.version},
          {"kernel", m.kernel},
          {"wall_s", m.wall_s},
          {"cpu", m.cpu},
          {"cpu_features", m.cpu_features},
          {"cores", m.cores},
          {"usable_cores", m.usable_cores},
          {"memory_bytes", m.memory_bytes},
          {"memory_available_bytes", m.memory_available_bytes},
          {"huge_pages", m.huge_pages},
          {"open_files", m.open_files},
          {"locked_memory_bytes", m.locked_memory_bytes},
          {"gpus", m.gpus},
          {"gpu_driver", m.gpu_driver},
          {"infiniband_ports", m.infiniband_ports},
          {"infiniband_ports_up", m.infiniband_ports_up},
          {"disks", nlohmann::ordered_json::array()}};
  for (const Disk& disk : m.disks)
    json["disks"].push_back({{"folder", disk.folder},
                             {"free_bytes", disk.free_bytes},
                             {"total_bytes", disk.total_bytes},
                             {"write_mb_s", disk.write_mb_s},
                             {"rename_ms", disk.rename_ms},
                             {"failure", disk.failure}});
}

void from_json(const nlohmann::ordered_json& json, Machine& m) {
  const auto get = [&](const char* key, auto& value) { json.at(key).get_to(value); };
  get("host", m.host), get("version", m.version), get("kernel", m.kernel), get("wall_s", m.wall_s), get("cpu", m.cpu);
  get("cpu_features", m.cpu_features), get("cores", m.cores), get("usable_cores", m.usable_cores);
  get("memory_bytes", m.memory_bytes), get("memory_available_bytes", m.memory_available_bytes);
  get("huge_pages", m.huge_pages), get("open_files", m.open_files), get("locked_memory_bytes", m.locked_memory_bytes);
  get("gpus", m.gpus), get("gpu_driver", m.gpu_driver);
  get("infiniband_ports", m.infiniband_ports), get("infiniband_ports_up", m.infiniband_ports_up);
  m.disks.clear();
  for (const auto& item : json.at("disks"))
    m.disks.push_back({.folder = item.at("folder"),
                       .free_bytes = item.at("free_bytes"),
                       .total_bytes = item.at("total_bytes"),
                       .write_mb_s = item.at("write_mb_s"),
                       .rename_ms = item.at("rename_ms"),
                       .failure = item.at("failure")});
}

}  // namespace pst::doctor
