// SPDX-License-Identifier: Apache-2.0
// Site profiles, and the expressions in them on a host's name. A profile that is taken is printed and read again.
#include "core/strings.hpp"
#include "fuzz/driver.hpp"
#include "site/load_profile.hpp"
#include "site/profile_text_checks.hpp"

namespace pst::fuzz {
namespace {

std::string pattern(Draw& draw) {
  std::string inner = "a";
  for (std::size_t i = 0, n = draw.size(300); i < n; ++i)
    inner = cat("(", inner, draw.of(std::vector<std::string>{"+)", "*)", "|a)", "{9})", "?)+", "{0,99})"}));
  return cat("name: x\nmatch: {host: ['", inner, "b']}\n");
}

/// Lists of everything, each entry with the same mistakes or none.
std::string partitions(Draw& draw) {
  static const std::vector<std::string> kKeys = {"max_nodes: 2147483648",
                                                 "max_time: 99999999-00:00:00",
                                                 "max_time: '1'",
                                                 "max_node_time: 2147483647-23:59:59",
                                                 "is_default: true",
                                                 "gpus_per_node: 2147483647",
                                                 "memory_per_node: 99999999999999999999G",
                                                 "memory_per_node: 1.5T",
                                                 "cpus_per_node: 0",
                                                 "no_such: 1",
                                                 "asked_by: qos"};
  std::string one = "  - {name: p, ";
  for (std::size_t i = 0, n = draw.below(4); i < n; ++i) one += cat(draw.of(kKeys), ", ");
  std::string steps;
  for (std::size_t i = 0, n = draw.size(3000); i < n; ++i)
    steps += cat("{nodes_up_to: ", draw.size(2'147'483'647), ", time: ", draw.size(999'999), ":00:00}, ");
  one += cat("max_time_by_nodes: [", steps, "]}\n");
  return cat("name: x\npartitions:\n", repeated(one, 1 + draw.size(1'000'000) / one.size()));
}
/// Patterns times the name that each is searched in; options, exports and paths of any length.
std::string lists(Draw& draw) {
  static const std::vector<std::string> kOpen = {
      "match: {host: [", "match: {environment: {A: ", "extra_sbatch: [",   "extra_srun: [", "exports: [", "modules: [",
      "setup: [",        "container: {binds: [",      "environment: {B: ", "sources: ["};
  static const std::vector<std::string> kUnits = {
      "'(a*)*b', ",      "'a?a?a?a?a?a?a?aaaaaaa', ", "--mem=1, ",         "'--export=ALL', ", "NAME_*, ",
      "'$HOME/../..', ", "\"\\x1b[31m\", ",           "'a{1,99}{1,99}', ", "'[[:alpha:]-z]', "};
  return cat("name: x\n", draw.of(kOpen), repeated(draw.of(kUnits), draw.size(30'000)), draw.one_in(2) ? "]}" : "]",
             "\nscratch: /", repeated(draw.one_in(2) ? "$A/" : "../", draw.size(20'000)), "\n");
}

}  // namespace
}  // namespace pst::fuzz

int main(int argc, char** argv) {
  using namespace pst;
  return fuzz::run(
      argc, argv,
      {.name = "site",
       .parts = {{.name = "site",
                  .seeds = fuzz::files_below("configs/sites"),
                  .words = {"[", "{", "- ", ": ", "null", "true", "\"\\n\"", "'$(id)'", "inherits: generic\n",
                            "match: {host: ['(a+)+$']}\n", "srun", "--mpi=pmix", "gres", "2-00:00:00"},
                  .bombs = {fuzz::pattern, fuzz::partitions, fuzz::lists}}},
       .read = [](const fuzz::Part&, const std::string& input) {
         const auto site = site::parse(input, "site.yaml");
         for (const auto& expression : site.match.host) (void)site::is_found(expression, std::string(64, 'a'));
         if (!site.inherits) (void)site::parse(site::to_yaml(site), "again.yaml");
       }});
}
