// SPDX-License-Identifier: Apache-2.0
#include "cluster/quota.hpp"

#include <sys/stat.h>
#include <sys/statfs.h>
#include <sys/statvfs.h>
#include <unistd.h>

#include <algorithm>
#include <cctype>
#include <vector>

#include "cluster/capture.hpp"
#include "core/error.hpp"
#include "core/strings.hpp"

namespace pst::cluster {
namespace {

namespace fs = std::filesystem;

constexpr auto kLustre = 0x0BD00BD0;  // not in linux/magic.h

/// "1234", "1234*" (above the limit) or "[1234]" (some servers did not answer).
std::optional<std::uint64_t> number_of(std::string_view word) {
  while (!word.empty() && (word.back() == '*' || word.back() == ']')) word.remove_suffix(1);
  if (!word.empty() && word.front() == '[') word.remove_prefix(1);
  const auto value = to_int(std::string(word));
  return value && *value >= 0 ? std::optional(static_cast<std::uint64_t>(*value)) : std::nullopt;
}

fs::path existing(const fs::path& folder) {
  std::error_code status;
  fs::path at = fs::absolute(folder, status);
  while (at != at.root_path() && !fs::exists(at, status)) at = at.parent_path();
  return at;
}

/// Where the file system of a folder begins: the highest parent on the same device.
fs::path mount_of(fs::path at) {
  struct stat here {
  }, above{};
  if (::stat(at.c_str(), &here) != 0) return at;
  while (at != at.root_path() && ::stat(at.parent_path().c_str(), &above) == 0 && above.st_dev == here.st_dev)
    at = at.parent_path();
  return at;
}

}  // namespace

std::optional<Quota> parse_quota(std::string_view words) {
  if (words.find("): none") != std::string_view::npos) return Quota{};  // quota's word for a user without limits
  std::vector<std::string> all;
  for (const char c : words) {
    const bool space = std::isspace(static_cast<unsigned char>(c)) != 0;
    if (space) {
      if (all.empty() || !all.back().empty()) all.emplace_back();
    } else {
      if (all.empty()) all.emplace_back();
      all.back() += c;
    }
  }
  // The file system's name, then used, soft, hard, grace, twice.
  for (std::size_t i = 0; i + 8 < all.size(); ++i) {
    if (all[i].find('/') == std::string::npos) continue;
    std::vector<std::uint64_t> numbers;
    for (const std::size_t field : {1, 2, 3, 5, 6, 7})
      if (const auto value = number_of(all[i + field])) numbers.push_back(*value);
    if (numbers.size() != 6) continue;
    const auto limit = [](std::uint64_t soft, std::uint64_t hard) { return hard > 0 ? hard : soft; };
    return Quota{.used_bytes = numbers[0] * 1024,
                 .bytes = limit(numbers[1], numbers[2]) * 1024,
                 .used_files = numbers[3],
                 .files = limit(numbers[4], numbers[5])};
  }
  return std::nullopt;
}

QuotaAnswer quota_of(const fs::path& folder) {
  const fs::path at = existing(folder);
  struct statfs system {};
  const bool lustre = ::statfs(at.c_str(), &system) == 0 && system.f_type == kLustre;
  const std::string user = cat(::getuid());
  const Command command = lustre ? Command{.argv = {"lfs", "quota", "-q", "-u", user, at.string()}, .timeout_s = 10}
                                 : Command{.argv = {"quota", "-w", "-p", "-f", mount_of(at).string()}, .timeout_s = 10};
  const std::string program = lustre ? "lfs quota" : "quota";
  try {
    // `quota` exits with 1 when a limit is exceeded: its words count, whatever the status.
    return {parse_quota(capture(command).out), program};
  } catch (const Error& error) {
    return {std::nullopt, error.fault() == Fault::unfit ? cat("no program ", command.argv[0], " here")
                                                        : cat(program, " did not answer within ten seconds")};
  }
}

std::optional<std::uint64_t> free_files(const fs::path& folder) {
  struct statvfs system {};
  if (::statvfs(existing(folder).c_str(), &system) != 0 || system.f_files == 0) return std::nullopt;  // btrfs, some NFS
  return system.f_favail;
}

}  // namespace pst::cluster
