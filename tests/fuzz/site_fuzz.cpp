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
                  .bombs = {fuzz::pattern}}},
       .read = [](const fuzz::Part&, const std::string& input) {
         const auto site = site::parse(input, "site.yaml");
         for (const auto& expression : site.match.host) (void)site::is_found(expression, std::string(64, 'a'));
         if (!site.inherits) (void)site::parse(site::to_yaml(site), "again.yaml");
       }});
}
