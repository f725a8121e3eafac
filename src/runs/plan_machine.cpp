// SPDX-License-Identifier: Apache-2.0
#include <unistd.h>

#include <algorithm>
#include <filesystem>

#include "core/cache_folder.hpp"
#include "core/error.hpp"
#include "core/file.hpp"
#include "core/proc_value.hpp"
#include "core/strings.hpp"
#include "runs/plan_inputs.hpp"
#include "runs/usable_cores.hpp"

namespace pst::runs {
namespace {

constexpr std::uint64_t kMostBytes = 16u << 20;  // of a machine's file; probe writes about 100 kB

plan::Machine read(const fs::path& path) {
  return doing(cat("reading the measurements ", path.string()),
               [&] { return plan::parse_machine(read_file(path, kMostBytes), path.string()); });
}

/// In the order of their names. A file that is damaged is an error: somebody may count on it.
std::vector<plan::Machine> probed_machines() {
  std::vector<fs::path> files;
  std::error_code ignored;
  for (const auto& entry : fs::directory_iterator(cache_folder() / "machines", ignored))
    if (entry.path().extension() == ".json") files.push_back(entry.path());
  std::sort(files.begin(), files.end());
  std::vector<plan::Machine> machines;
  for (const auto& file : files) machines.push_back(read(file));
  return machines;
}

std::string this_cpu() {
  const std::string model = cpu_model();
  return model.empty() ? "unknown CPU" : model;  // as telemetry names it in what `probe` keeps
}

std::string list_of(const std::vector<plan::Machine>& machines) {
  if (machines.empty()) return "none was probed yet";
  std::vector<std::string> names;
  for (const auto& machine : machines) names.push_back(cat(quoted(machine.name), " (", machine.cores, " cores)"));
  return cat("probed: ", join(names, ", "));
}

}  // namespace

namespace {

const char* const kUntimed = "not measured: its times are not known";

/// What the user's word means among published, probed and recorded machines; nothing when it means none of them.
std::optional<plan::Machine> machine_of(const std::string& wanted, std::vector<plan::Machine> machines) {
  const auto choose = [&](auto&& fits) { return std::find_if(machines.begin(), machines.end(), fits); };
  auto found = machines.end();
  if (!wanted.empty())
    found = choose([&](const auto& m) { return lower(m.name).find(lower(wanted)) != std::string::npos; });
  else if (machines.size() == 1)
    found = machines.begin();
  else
    found =
        choose([cpu = this_cpu(), cores = usable_cores()](const auto& m) { return m.name == cpu && m.cores == cores; });
  return found != machines.end() ? std::optional(std::move(*found)) : std::nullopt;
}

}  // namespace

plan::Machine find_machine(const std::string& wanted) {
  if (const auto published = plan::published_machine(lower(wanted))) return *published;
  std::error_code ignored;
  if (!wanted.empty() && fs::is_regular_file(wanted, ignored)) return read(wanted);
  const auto machines = probed_machines();
  if (auto found = machine_of(wanted, machines)) return *std::move(found);
  throw Error(Fault::usage,
              wanted.empty() ? cat("it is not known how fast the machine is; ", list_of(machines))
                             : cat("there is no machine ", quoted(wanted), ": neither a file nor a published one; ",
                                   list_of(machines)),
              cat("run `peft-studio probe` on a node of that type, or plan with published figures: --machine ",
                  join(plan::published_names(), " | ")));
}

plan::Machine find_machine_or_this(const std::string& wanted) {
  if (!wanted.empty()) return find_machine(wanted);
  const auto machines = probed_machines();
  if (auto found = machine_of("", machines)) return *std::move(found);
  const auto page = ::sysconf(_SC_PAGESIZE), pages = ::sysconf(_SC_PHYS_PAGES);
  return {
      .name = this_cpu(),
      .source = machines.empty() ? std::string(kUntimed) : cat(kUntimed, "; ", list_of(machines)),
      .cores = usable_cores(),
      .memory_bytes = page > 0 && pages > 0 ? static_cast<std::uint64_t>(page) * static_cast<std::uint64_t>(pages) : 0};
}

}  // namespace pst::runs
