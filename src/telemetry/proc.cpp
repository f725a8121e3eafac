// SPDX-License-Identifier: Apache-2.0
#include "telemetry/proc.hpp"

#include <fcntl.h>
#include <unistd.h>

#include <array>

#include "core/clock.hpp"
#include "core/proc_value.hpp"
#include "core/strings.hpp"

namespace pst::telemetry {
namespace {

namespace fs = std::filesystem;

/// Files of /proc and /sys have no size: read until nothing more comes, 64 KiB at most.
std::string content_of(const fs::path& path) {
  std::string text;
  const int descriptor = ::open(path.c_str(), O_RDONLY | O_CLOEXEC);
  if (descriptor < 0) return text;
  std::array<char, 8192> block{};
  for (ssize_t got; text.size() < 65536 && (got = ::read(descriptor, block.data(), block.size())) > 0;)
    text.append(block.data(), static_cast<std::size_t>(got));
  ::close(descriptor);
  return text;
}

/// The blank-separated words of a text.
std::vector<std::string_view> words(std::string_view text) {
  std::vector<std::string_view> all;
  for (std::size_t at = 0; (at = text.find_first_not_of(" \t\n", at)) != std::string_view::npos;) {
    const auto end = std::min(text.find_first_of(" \t\n", at), text.size());
    all.push_back(text.substr(at, end - at));
    at = end;
  }
  return all;
}

std::int64_t number_at(const std::vector<std::string_view>& all, std::size_t index) {
  return index < all.size() ? to_int(all[index]).value_or(0) : 0;
}

/// The number after "key" and blanks at the beginning of a line.
std::optional<std::int64_t> after(std::string_view text, std::string_view key) {
  for (std::size_t at = 0; at < text.size();) {
    const auto end = std::min(text.find('\n', at), text.size());
    const auto line = text.substr(at, end - at);
    if (line.starts_with(key)) {
      const auto rest = words(line.substr(key.size()));
      return rest.empty() ? std::nullopt : to_int(rest[0]);
    }
    at = end + 1;
  }
  return std::nullopt;
}

double ticks_to_seconds(std::int64_t ticks) {
  static const auto per_second = static_cast<double>(::sysconf(_SC_CLK_TCK));
  return static_cast<double>(ticks) / per_second;
}

std::optional<ProcessCounters> read_process(const Watched& watched, const fs::path& proc) {
  const fs::path folder = proc / cat(watched.pid);
  const std::string stat = content_of(folder / "stat");
  const auto name_ends = stat.rfind(')');  // the name before it may hold anything
  if (name_ends == std::string::npos) return std::nullopt;
  const auto fields = words(std::string_view(stat).substr(name_ends + 1));  // fields[0] is number 3, the state
  ProcessCounters counters{.rank = watched.rank};
  counters.minor_faults = number_at(fields, 7);
  counters.major_faults = number_at(fields, 9);
  counters.cpu_s = ticks_to_seconds(number_at(fields, 11) + number_at(fields, 12));
  counters.resident_bytes = number_at(fields, 21) * ::sysconf(_SC_PAGESIZE);
  const std::string status = content_of(folder / "status");
  counters.switches = after(status, "voluntary_ctxt_switches:");
  counters.forced_switches = after(status, "nonvoluntary_ctxt_switches:");
  const std::string io = content_of(folder / "io");
  counters.read_bytes = after(io, "read_bytes:");
  counters.written_bytes = after(io, "write_bytes:");
  return counters;
}

void read_cpu(const std::string& stat, MachineCounters& machine) {
  const auto fields = words(std::string_view(stat).substr(0, stat.find('\n')));  // cpu user nice system idle iowait ...
  std::int64_t total = 0;
  for (std::size_t i = 1; i < fields.size() && i <= 8; ++i) total += number_at(fields, i);  // guest is inside user
  machine.total_s = ticks_to_seconds(total);
  machine.busy_s = ticks_to_seconds(total - number_at(fields, 4) - number_at(fields, 5));
}

TrafficCounters read_network(const std::string& dev) {
  TrafficCounters sum;
  for (const auto& line : split(dev, '\n')) {
    const auto colon = line.find(':');
    if (colon == std::string::npos || trim(std::string_view(line).substr(0, colon)) == "lo") continue;
    const auto fields = words(std::string_view(line).substr(colon + 1));
    sum.received_bytes += number_at(fields, 0);
    sum.sent_bytes += number_at(fields, 8);
  }
  return sum;
}

std::optional<TrafficCounters> read_infiniband(const fs::path& sys) {
  std::error_code status;
  std::optional<TrafficCounters> sum;
  for (fs::directory_iterator device(sys / "class/infiniband", status), end; !status && device != end;
       device.increment(status)) {
    std::error_code inner;
    for (fs::directory_iterator port(device->path() / "ports", inner); !inner && port != end; port.increment(inner)) {
      if (!sum) sum.emplace();
      // The counters count words of four bytes (InfiniBand architecture specification, volume 1, 16.1.3.5).
      const auto bytes = [&](const char* name) {
        return 4 * to_int(trim(content_of(port->path() / "counters" / name))).value_or(0);
      };
      sum->received_bytes += bytes("port_rcv_data");
      sum->sent_bytes += bytes("port_xmit_data");
    }
  }
  return sum;
}

}  // namespace

MachineCounters read_machine(const std::vector<Watched>& processes, const fs::path& proc, const fs::path& sys) {
  MachineCounters machine{.at_s = monotonic_seconds()};
  read_cpu(content_of(proc / "stat"), machine);
  const std::string memory = content_of(proc / "meminfo");
  machine.memory_bytes = after(memory, "MemTotal:").value_or(0) * 1024;
  machine.available_bytes = after(memory, "MemAvailable:").value_or(0) * 1024;
  machine.network = read_network(content_of(proc / "self/net/dev"));
  machine.infiniband = read_infiniband(sys);
  for (const auto& watched : processes)
    if (auto counters = read_process(watched, proc)) machine.processes.push_back(*counters);
  return machine;
}

std::string cpu_name(const fs::path& proc) {
  const std::string model = cpu_model(proc);
  return model.empty() ? "unknown CPU" : model;
}

}  // namespace pst::telemetry
