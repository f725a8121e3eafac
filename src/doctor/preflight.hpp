// SPDX-License-Identifier: Apache-2.0
#pragma once
#include <cstdint>
#include <filesystem>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "core/error.hpp"

namespace pst::doctor {

/// What a rank knows of itself before anything is loaded; small, since every rank gets those of all others.
struct RankFacts {
  int rank = 0, ranks_here = 1;
  std::string host, version, cpu;
  double wall_s = 0;     ///< Unix time
  int gpus_of_step = 0;  ///< that Slurm gave the step on this node; 0: none, or it does not say
  std::uint64_t scratch_free = 0;
  std::string scratch;          ///< the node's own folder for temporary files
  std::string scratch_failure;  ///< why nothing can be written there, or empty
  std::string run_failure;      ///< why the run's folder cannot be used from here, or empty
};

using Getenv = const char* (*)(const char*);  ///< tests bring their own

RankFacts look_before_start(int rank, int ranks_here, const std::string& version, const std::filesystem::path& run,
                            Getenv getenv);

std::string encode(const RankFacts& facts);  ///< at most kFactsBytes
RankFacts decode(std::string_view text);     ///< @throws Error(data)
inline constexpr std::size_t kFactsBytes = 1024;

/// What stands against a start.
struct Objection {
  Fault fault = Fault::unfit;  ///< usage: wrong launch, the same everywhere; unfit: another node could do it
  std::string text, remedy;
  std::vector<std::string> hosts;  ///< of Fault::unfit: the nodes to leave out
};

struct Preflight {
  std::optional<Objection> objection;  ///< the gravest
  std::vector<std::string> warnings;
};

/// The same answer on every rank, since all look at the same facts.
/// @param expected_ranks  that the supervisor wanted; 0: unknown
Preflight judge(const std::vector<RankFacts>& ranks, int expected_ranks);

}  // namespace pst::doctor
