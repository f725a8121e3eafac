// SPDX-License-Identifier: Apache-2.0
#include "app/node_checks.hpp"

#include <cstdlib>
#include <vector>

#include "core/error.hpp"
#include "core/view.hpp"
#include "doctor/preflight.hpp"
#include "rundir/attempt.hpp"
#include "rundir/unfit.hpp"
#include "version/version.hpp"

namespace pst::app {
namespace {

const char* environment(const char* name) { return std::getenv(name); }

std::vector<doctor::RankFacts> gather(const Ranks& ranks, const rundir::RunDir& run) {
  comm::Communicator& world = ranks.world;
  world.barrier();  // so that clocks are read at about the same time
  const std::string mine =
      doctor::encode(doctor::look_before_start(world.rank(), ranks.local_size, version(), run.root(), environment));
  std::vector<std::uint8_t> send(doctor::kFactsBytes, ' ');
  std::copy(mine.begin(), mine.end(), send.begin());
  std::vector<std::uint8_t> all(send.size() * static_cast<std::size_t>(world.size()));
  world.all_gather(const_view_of(std::span<const std::uint8_t>(send)), view_of(std::span(all)));
  std::vector<doctor::RankFacts> facts;
  for (std::size_t at = 0; at < all.size(); at += doctor::kFactsBytes)
    facts.push_back(doctor::decode({reinterpret_cast<const char*>(all.data()) + at, doctor::kFactsBytes}));
  return facts;
}

int expected_ranks(const rundir::RunDir& run, int attempt) {
  try {
    return rundir::read_attempt(run, attempt).ranks;
  } catch (const Error&) {
    return 0;  // started by hand, or a disk that this node does not see: judge() says more
  }
}

}  // namespace

void check_scratch(const rundir::RunDir& run, int attempt) {
  doctor::RankFacts here = doctor::look_before_start(0, 1, version(), run.root(), environment);
  here.run_failure.clear();  // preflight() says it better: it knows whether others see the folder
  const auto found = doctor::judge({here}, 0);
  if (!found.objection) return;
  rundir::write_unfit(run, attempt, {found.objection->hosts, found.objection->text});
  throw Error(found.objection->fault, found.objection->text, found.objection->remedy);
}

void preflight(const Ranks& ranks, const rundir::RunDir& run, int attempt) {
  comm::Communicator& world = ranks.world;
  const auto facts = gather(ranks, run);
  std::int64_t expected = world.is_root() ? expected_ranks(run, attempt) : 0;
  world.broadcast(view_of(std::span(&expected, 1)), 0);  // all have to come to the same answer
  const doctor::Preflight found = doctor::judge(facts, static_cast<int>(expected));
  if (world.is_root()) {
    for (const std::string& warning : found.warnings)
      run.try_event("preflight", {{"attempt", attempt}, {"warning", warning}});
    if (found.objection && !found.objection->hosts.empty())
      rundir::write_unfit(run, attempt, {found.objection->hosts, found.objection->text});
  }
  world.barrier();  // unfit.json is there before anybody's exit ends the launcher
  if (found.objection) throw Error(found.objection->fault, found.objection->text, found.objection->remedy);
}

}  // namespace pst::app
