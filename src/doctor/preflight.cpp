// SPDX-License-Identifier: Apache-2.0
#include "doctor/preflight.hpp"

#include <sys/statvfs.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <cmath>
#include <cstring>
#include <map>
#include <nlohmann/json.hpp>
#include <set>

#include "core/clock.hpp"
#include "core/proc_value.hpp"
#include "core/strings.hpp"
#include "core/trial_file.hpp"
#include "doctor/machine_facts.hpp"
#include "doctor/machine_limits.hpp"
#include "json/parse.hpp"

namespace pst::doctor {
namespace {

namespace fs = std::filesystem;
using Names = std::vector<std::string>;

std::string text_of(Getenv getenv, const char* name) {
  const char* const value = getenv(name);
  return value ? value : "";
}

/// Makes a file of a few bytes, fsyncs and removes it. @return why that failed, or nothing
std::string cannot_write(const fs::path& folder, const std::string& name) {
  TrialFile file(folder / name);
  file.write(std::string(4096, '\0'));
  file.flush();
  return file.failure();
}

std::string listed(const Names& names) {
  return names.size() <= 4 ? join(names, ", ") : cat(names[0], ", ", names[1], " and ", names.size() - 2, " more");
}

Names hosts_where(const std::vector<RankFacts>& ranks, const auto& holds) {
  Names hosts;
  for (const RankFacts& rank : ranks)
    if (holds(rank) && std::find(hosts.begin(), hosts.end(), rank.host) == hosts.end()) hosts.push_back(rank.host);
  return hosts;
}

/// The clock to believe: rank 0's, whose node the supervisor shares, unless most others contradict it.
double true_time(const std::vector<RankFacts>& ranks) {
  std::vector<double> times;
  for (const RankFacts& rank : ranks) times.push_back(rank.wall_s);
  const double first = times.front();
  const auto agree =
      std::count_if(times.begin(), times.end(), [&](double t) { return std::abs(t - first) <= kClockFail_s; });
  if (2 * static_cast<std::size_t>(agree) >= times.size()) return first;
  std::nth_element(times.begin(), times.begin() + static_cast<std::ptrdiff_t>(times.size() / 2), times.end());
  return times[times.size() / 2];
}

std::string how_far(double off) { return cat(human_seconds(off > 0 ? off : -off), off > 0 ? " ahead of" : " behind"); }

}  // namespace

RankFacts look_before_start(int rank, int ranks_here, const std::string& version, const fs::path& run, Getenv getenv) {
  RankFacts facts{.rank = rank, .ranks_here = ranks_here, .version = version, .cpu = cpu_model()};
  facts.host = text_of(getenv, "SLURMD_NODENAME");  // as Slurm calls it, which is what slurm.exclude takes
  if (facts.host.empty()) {
    std::array<char, 256> name{};
    if (::gethostname(name.data(), name.size() - 1) == 0) facts.host = name.data();
  }
  if (const std::string gpus = text_of(getenv, "SLURM_STEP_GPUS"); !gpus.empty())
    facts.gpus_of_step = static_cast<int>(split(gpus, ',').size());

  const std::string scratch = text_of(getenv, "TMPDIR");
  facts.scratch = scratch.empty() ? "/tmp" : scratch;
  struct statvfs space {};
  if (::statvfs(facts.scratch.c_str(), &space) != 0)
    facts.scratch_failure = std::strerror(errno);
  else
    facts.scratch_free = std::uint64_t{space.f_bavail} * space.f_frsize;
  const std::string name = cat(".peft-studio-", facts.host, "-", ::getpid());
  if (facts.scratch_failure.empty()) facts.scratch_failure = cannot_write(facts.scratch, name);
  std::error_code status;
  if (!fs::exists(run / "recipe.yaml", status))
    facts.run_failure = "it is not there";
  else if (fs::exists(run / "attempts", status))
    facts.run_failure = cannot_write(run / "attempts", name);
  facts.wall_s = unix_seconds();
  return facts;
}

std::string encode(const RankFacts& facts) {
  const auto brief = [](std::string text) {
    text.resize(std::min<std::size_t>(text.size(), 100));
    for (char& c : text)
      if (c < 0x20 || c > 0x7e || c == '"' || c == '\\') c = '?';
    return text;
  };
  const std::string text = nlohmann::json{{"rank", facts.rank},
                                          {"here", facts.ranks_here},
                                          {"host", brief(facts.host)},
                                          {"version", brief(facts.version)},
                                          {"cpu", brief(facts.cpu)},
                                          {"t", facts.wall_s},
                                          {"gpus", facts.gpus_of_step},
                                          {"free", facts.scratch_free},
                                          {"scratch", brief(facts.scratch)},
                                          {"scratch_failure", brief(facts.scratch_failure)},
                                          {"run_failure", brief(facts.run_failure)}}
                               .dump();
  PST_ASSERT(text.size() <= kFactsBytes, "a thousand bytes hold seven texts of a hundred");
  return text;
}

RankFacts decode(std::string_view text) {
  try {
    nlohmann::json facts;
    if (!json::read(text, facts))
      return {.rank = facts.at("rank"),
              .ranks_here = facts.at("here"),
              .host = facts.at("host"),
              .version = facts.at("version"),
              .cpu = facts.at("cpu"),
              .wall_s = facts.at("t"),
              .gpus_of_step = facts.at("gpus"),
              .scratch_free = facts.at("free"),
              .scratch = facts.at("scratch"),
              .scratch_failure = facts.at("scratch_failure"),
              .run_failure = facts.at("run_failure")};
  } catch (const nlohmann::json::exception&) {  // one is missing, or of another type
  }
  throw Error(Fault::usage, "a rank said something at the start that this version does not understand",
              "all nodes need the same version of peft-studio");
}

Preflight judge(const std::vector<RankFacts>& ranks, int expected_ranks) {
  Preflight found;
  const auto object = [&](Objection objection) {
    if (!found.objection) found.objection = std::move(objection);
  };
  const RankFacts& first = ranks.front();

  if (expected_ranks > 0 && static_cast<int>(ranks.size()) != expected_ranks)
    object({Fault::usage,
            cat(ranks.size(), " ranks were started, and this run was to start with ", expected_ranks),
            "start it with peft-studio resume RUN; if job.sh was edited, undo that: the number is slurm.nodes x "
            "slurm.ranks_per_node",
            {}});

  const auto other = hosts_where(ranks, [&](const RankFacts& r) { return r.version != first.version; });
  if (!other.empty()) {
    const auto rank =
        std::find_if(ranks.begin(), ranks.end(), [&](const RankFacts& r) { return r.version != first.version; });
    object({Fault::usage,
            cat("the worker on ", listed(other), " is version ", rank->version, ", that on ", first.host, " ",
                first.version),
            "install one version where all nodes see it",
            {}});
  }

  for (const RankFacts& rank : ranks)
    if (rank.gpus_of_step > 0 && rank.gpus_of_step < rank.ranks_here) {
      object({Fault::usage,
              cat(rank.ranks_here, " ranks on ", rank.host, " would share ", rank.gpus_of_step,
                  rank.gpus_of_step == 1 ? " GPU" : " GPUs", ", which is all that Slurm gave the step there"),
              "slurm.gpus_per_node and slurm.ranks_per_node have to be equal",
              {}});
      break;
    }

  const auto report = [&](const Names& hosts, const std::string& text, const std::string& remedy) {
    if (!hosts.empty()) object({Fault::unfit, text, remedy, hosts});
  };
  const std::string leave_out =
      "leave the named nodes out (peft-studio resume RUN --set slurm.exclude=NODE,NODE) and tell the site";
  const auto blind = hosts_where(ranks, [](const RankFacts& r) { return !r.run_failure.empty(); });
  for (const RankFacts& rank : ranks)
    if (!rank.run_failure.empty()) {
      report(blind, cat("the run's folder cannot be used on ", listed(blind), ": ", rank.run_failure),
             "output_dir has to be on a file system that all nodes share; where it is, " + leave_out);
      break;
    }

  const auto full = hosts_where(
      ranks, [](const RankFacts& r) { return !r.scratch_failure.empty() || r.scratch_free < kScratchNeeded; });
  for (const RankFacts& rank : ranks)
    if (!full.empty() && rank.host == full.front()) {
      report(
          full,
          rank.scratch_failure.empty()
              ? cat("too little space in ", rank.scratch, " on ", listed(full), ": ", human_bytes(rank.scratch_free),
                    " free, ", human_bytes(kScratchNeeded), " needed")
              : cat("cannot write to ", rank.scratch, " on ", listed(full), ": ", rank.scratch_failure),
          "MPI keeps temporary files there; set scratch in the site profile (or TMPDIR before you submit) to another "
          "folder, or " +
              leave_out);
      break;
    }

  const double now = true_time(ranks);
  const auto wrong_clock =
      hosts_where(ranks, [&](const RankFacts& r) { return std::abs(r.wall_s - now) > kClockFail_s; });
  for (const RankFacts& rank : ranks) {
    const double off = rank.wall_s - now;
    if (!wrong_clock.empty() && rank.host == wrong_clock.front()) {
      report(wrong_clock, cat("the clock of ", listed(wrong_clock), " is ", how_far(off), " the others'"), leave_out);
      break;
    }
  }
  if (wrong_clock.empty())
    for (const std::string& host :
         hosts_where(ranks, [&](const RankFacts& r) { return std::abs(r.wall_s - now) > kClockWarn_s; }))
      found.warnings.push_back(cat("the clock of ", host, " is more than ", fixed(kClockWarn_s, 0),
                                   " s off; time lines of nodes will not match"));

  if (const auto cpus = hosts_where(ranks, [&](const RankFacts& r) { return r.cpu != first.cpu; }); !cpus.empty())
    found.warnings.push_back(cat("the CPU of ", listed(cpus), " is another than that of ", first.host, " (", first.cpu,
                                 "): the result will not have the bits of a run on equal CPUs"));
  return found;
}

}  // namespace pst::doctor
