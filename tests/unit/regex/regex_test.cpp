// SPDX-License-Identifier: Apache-2.0
#include "regex/regex.hpp"

#include <gmock/gmock.h>
#include <sys/resource.h>

#include "core/clock.hpp"
#include "core/strings.hpp"

using namespace pst;

namespace {

std::string verdict(std::string_view expression, std::string_view text, Regex::Fits fits = Regex::Fits::found_in) {
  Regex::Mistake mistake;
  const auto regex = Regex::compile(expression, fits, mistake);
  if (!regex) return cat(mistake.at, ": ", mistake.what);
  const auto found = regex->fits(text);
  return !found ? "too many steps" : *found ? "yes" : "no";
}

TEST(Regex, FindsAPartOrAllOfAText) {
  EXPECT_EQ(verdict("^lumi-uan[0-9]+", "lumi-uan04.csc.fi"), "yes");
  EXPECT_EQ(verdict("^lumi-uan[[:digit:]]+$", "lumi-uan04.csc.fi"), "no");
  EXPECT_EQ(verdict("q|k", "q_proj", Regex::Fits::all_of), "no");
  EXPECT_EQ(verdict("q.*|k", "q_proj", Regex::Fits::all_of), "yes");
  EXPECT_EQ(verdict("a$", "a\n"), "no");
}

TEST(Regex, AMistakeSaysWhere) {
  EXPECT_THAT(verdict("ab(", ""), testing::StartsWith("3: "));
  EXPECT_THAT(verdict(std::string(20'000, 'a'), ""), testing::HasSubstr("more than 10000 bytes"));
}

/// With regcomp(3) the nested ones filled the memory, in glibc before anything was matched.
TEST(Regex, HostileOnesEndSoon) {
  std::string nested = "a", counts = "a", alternatives = "a";
  for (int i = 0; i < 200; ++i) nested = cat("(", nested, "+)");
  for (int i = 0; i < 20; ++i) counts = cat("(", counts, "{99})");
  for (int i = 0; i < 200; ++i) alternatives = cat("(", alternatives, "|a?)*");
  const double start_s = thread_cpu_seconds();

  for (const auto& expression :
       {nested + "b", counts, alternatives + "b", std::string("(a*)*b"), std::string("(a|a)*b"),
        std::string("((a+)+)+$b"), std::string("(?R)"), std::string("(a(?1)?)b")})
    verdict(expression, std::string(5000, 'a'));

  EXPECT_LT(thread_cpu_seconds() - start_s, 5);
  rusage usage{};
  getrusage(RUSAGE_SELF, &usage);
  EXPECT_LT(usage.ru_maxrss, 400 * 1024);  // KiB
}

}  // namespace
