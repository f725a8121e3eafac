// SPDX-License-Identifier: Apache-2.0
#include "comm_nccl/transport.hpp"

#include <algorithm>
#include <cctype>
#include <filesystem>

#include "core/strings.hpp"

namespace pst::comm {
namespace {

std::optional<std::string_view> behind(std::string_view line, std::string_view mark) {
  const auto at = line.find(mark);
  if (at == std::string_view::npos) return std::nullopt;
  return trim(line.substr(at + mark.size()));
}

/// "NET/AWS Libfabric/0/GDRDMA(PCI)" and "NET/IB/2" without what tells single devices apart: the network's name.
/// "P2P/CUMEM/read" and "SHM/direct/direct" are taken as they are.
std::string way_of(std::string_view text) {
  if (!text.starts_with("NET/")) return std::string(text);
  const auto end = text.find('/', 4);
  return std::string(text.substr(0, end));
}

void read_channel(Transport& found, std::string_view line) {
  if (line.find(" -> ") == std::string_view::npos) return;
  const auto via = behind(line, " via ");
  if (!via) return;
  // The way may have blanks in its name; what comes behind it begins with " comm ".
  const std::string_view way = via->substr(0, via->find(" comm "));
  const std::string name = way_of(way);
  if (!name.starts_with("P2P") && !name.starts_with("SHM") && !name.starts_with("NET/")) return;
  ++found.channels[name];
  if (name.starts_with("NET/") && way.find("GDRDMA") != std::string_view::npos) ++found.gpu_direct;
}

bool any_in(const std::filesystem::path& folder) {
  std::error_code failure;
  std::filesystem::directory_iterator entry(folder, failure);
  return !failure && entry != std::filesystem::directory_iterator();
}

bool is_network(const std::string& way) { return way.starts_with("NET/"); }

}  // namespace

Transport transport_in(std::string_view log) {
  Transport found;
  while (!log.empty()) {
    const auto end = log.find('\n');
    const std::string_view line = log.substr(0, end);
    log.remove_prefix(end == std::string_view::npos ? log.size() : end + 1);
    if (const auto warning = behind(line, " NCCL WARN ")) {
      const std::string text = quoted(*warning);
      if (found.warnings.size() < 8 &&
          std::find(found.warnings.begin(), found.warnings.end(), text) == found.warnings.end())
        found.warnings.push_back(text);
      continue;
    }
    const auto info = behind(line, " NCCL INFO ");
    if (!info && line.find("NCCL version ") == std::string_view::npos) continue;
    if (const auto version = behind(line, "NCCL version "))
      found.version = version->substr(0, version->find(' '));
    else if (const auto network = behind(*info, "Using network "))
      found.network = *network;
    else if (info->find("Channel ") != std::string_view::npos)
      read_channel(found, *info);
  }
  return found;
}

ExpectedTransport expected_transport(Getenv getenv, const std::string& sys) {
  const auto value = [&](const char* name) {
    const char* const text = getenv(name);
    return std::string(text == nullptr ? "" : text);
  };
  ExpectedTransport expected;
  expected.network = value("NCCL_NET");
  expected.has_fabric = any_in(sys + "/class/infiniband") || any_in(sys + "/class/cxi");
  const std::string level = value("NCCL_NET_GDR_LEVEL");
  expected.wants_gpu_direct = !level.empty() && level != "LOC" && level != "0";
  return expected;
}

std::vector<std::string> compare(const Transport& seen, const ExpectedTransport& expected) {
  std::vector<std::string> said;
  int over_network = 0;
  for (const auto& [way, count] : seen.channels)
    if (is_network(way)) over_network += count;

  if (!expected.network.empty() && !seen.network.empty() && lower(seen.network) != lower(expected.network))
    said.push_back(
        cat("NCCL uses the network ", quoted(seen.network), ", and NCCL_NET asks for ", quoted(expected.network)));
  else if (seen.network == "Socket" && expected.has_fabric && expected.network.empty())
    said.push_back(
        "NCCL goes over TCP sockets though this node has a faster fabric: its plugin or driver is not found; the site "
        "profile's env or modules should name it (NCCL_NET makes it fail rather than fall back)");
  if (expected.wants_gpu_direct && over_network > 0 && seen.gpu_direct == 0)
    said.push_back(cat("none of ", over_network,
                       " channels over the network bypasses host memory (GPUDirect RDMA), and NCCL_NET_GDR_LEVEL "
                       "asks for it"));
  const bool peer =
      std::any_of(seen.channels.begin(), seen.channels.end(), [](const auto& c) { return c.first.starts_with("P2P"); });
  const bool shared =
      std::any_of(seen.channels.begin(), seen.channels.end(), [](const auto& c) { return c.first.starts_with("SHM"); });
  if (shared && !peer)
    said.push_back(
        "GPUs of one node exchange by way of host memory (SHM): they do not see one another; with Slurm, "
        "--gpu-bind=none and "
        "no --gpus-per-task lets every rank see all GPUs of its node");
  return said;
}

}  // namespace pst::comm
