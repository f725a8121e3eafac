#include "recipe/slurm.hpp"

#include <algorithm>

#include "config/fields.hpp"
#include "core/strings.hpp"
#include "recipe/text_checks.hpp"

namespace pst::recipe {
namespace {

bool is_digits(std::string_view text, std::size_t most = 9) {
  return !text.empty() && text.size() <= most &&
         std::all_of(text.begin(), text.end(), [](char c) { return c >= '0' && c <= '9'; });
}

bool is_below(std::string_view text, int bound) { return is_digits(text, 2) && *to_int(text) < bound; }

}  // namespace

bool is_slurm_time(std::string_view text) {
  if (text == "UNLIMITED") return true;
  const auto dash = text.find('-');
  const bool has_days = dash != std::string_view::npos;
  if (has_days && !is_digits(text.substr(0, dash), 6)) return false;
  const auto parts = split(has_days ? text.substr(dash + 1) : text, ':');
  if (parts.size() > 3) return false;
  if (has_days) {  // days-hours, days-hours:minutes, days-hours:minutes:seconds
    constexpr int kBounds[] = {24, 60, 60};
    for (std::size_t i = 0; i < parts.size(); ++i)
      if (!is_below(parts[i], kBounds[i])) return false;
    return true;
  }
  // minutes, minutes:seconds, hours:minutes:seconds; only the first may be large
  if (!is_digits(parts[0], 6)) return false;
  return std::all_of(parts.begin() + 1, parts.end(), [](const std::string& part) { return is_below(part, 60); });
}

std::optional<std::int64_t> slurm_seconds(std::string_view text) {
  if (!is_slurm_time(text) || text == "UNLIMITED") return std::nullopt;
  const auto dash = text.find('-');
  const bool has_days = dash != std::string_view::npos;
  std::vector<std::int64_t> parts;
  for (const auto& part : split(has_days ? text.substr(dash + 1) : text, ':')) parts.push_back(*to_int(part));
  constexpr std::int64_t kMinute = 60, kHour = 3600, kDay = 86400;
  if (has_days) {
    parts.resize(3);
    return *to_int(text.substr(0, dash)) * kDay + parts[0] * kHour + parts[1] * kMinute + parts[2];
  }
  if (parts.size() == 3) return parts[0] * kHour + parts[1] * kMinute + parts[2];
  return parts[0] * kMinute + (parts.size() == 2 ? parts[1] : 0);
}

bool is_slurm_memory(std::string_view text) {
  if (!text.empty() && std::string_view("KMGT").find(text.back()) != std::string_view::npos) text.remove_suffix(1);
  return is_digits(text, 12);
}

config::Constraint directive_word() {
  return config::text_that("one word without blanks, quotes, `\\`, `$` or `#`", [](std::string_view text) {
    return !text.empty() && text.find_first_of(" \t\"'`\\$#;") == std::string_view::npos;
  });
}

void bind(config::Fields& field, Slurm& s) {
  using config::Absent;
  constexpr int kMany = 100'000;
  field("nodes", &s.nodes, config::between(1, kMany), "Nodes of the job.");
  field("ranks_per_node", &s.ranks_per_node, config::between(1, 1024),
        "Worker processes on each; with GPUs, one for each GPU.");
  field("cpus_per_rank", &s.cpus_per_rank, Absent::automatic, config::between(1, kMany),
        "Cores of a rank (`--cpus-per-task`); `auto`: left to Slurm.");
  field("gpus_per_node", &s.gpus_per_node, Absent::null, config::between(1, 1024), "GPUs to ask for on every node.");
  field("mem", &s.mem, Absent::null, config::text_that("a number with K, M, G or T, such as 16G", is_slurm_memory),
        "Memory of a node; `null`: the partition's default.");
  field("time", &s.time,
        config::text_that("a time limit in one of Slurm's forms, such as 90, 01:30:00 or 2-12:00:00", is_slurm_time),
        "Time limit: minutes, minutes:seconds, hours:minutes:seconds, days-hours, days-hours:minutes, "
        "days-hours:minutes:seconds.");
  field("account", &s.account, Absent::null, directive_word(), "Account to charge.");
  field("partition", &s.partition, Absent::null, directive_word(), "Partition; `null`: the default one.");
  field("qos", &s.qos, Absent::null, directive_word(), "Quality of service.");
  field("constraint", &s.constraint, Absent::null, directive_word(), "Node features to ask for.");
  field("reservation", &s.reservation, Absent::null, directive_word(), "Reservation to run in.");
  field("nodelist", &s.nodelist, Absent::null, directive_word(), "Nodes that must be among the job's.");
  field("exclude", &s.exclude, Absent::null, directive_word(), "Nodes that must not be.");
  field("exclusive", &s.exclusive, "Share the nodes with no other job.");
  field("spares", &s.spares, config::between(0, kMany), "Nodes to ask for beyond `nodes`, to replace one that dies.");
  field("shrink", &s.shrink,
        "Go on with half of the nodes when too few are left; the result has the same bits. `false`: requeue.");
  field("max_restarts", &s.max_restarts, config::between(0, kMany),
        "How often the workers are started again before the run is given up.");
  field("mpi", &s.mpi, directive_word(), "How srun starts the ranks (`srun --mpi=`).");
}

}  // namespace pst::recipe
