// SPDX-License-Identifier: Apache-2.0
#include <gmock/gmock.h>

#include "example_section.hpp"

namespace pst::config::example {
namespace {

std::pair<Whole, std::vector<std::string>> with(const std::string& text, const std::vector<std::string>& overrides) {
  Problems problems;
  Whole whole;
  Node document = parse_yaml(text, "f.yaml", problems);
  for (const auto& assignment : overrides) apply_override(document, assignment, problems);
  read(document, whole, problems);
  return {whole, problems.lines()};
}

TEST(Override, ReplacesAddsAndReachesIntoLists) {
  const auto [whole, problems] =
      with("name: x\ninner:\n  r: 3\nitems: [{path: a}, {path: b}]\n",
           {"inner.r=5", "flag=true", "words=[p, q]", "items.1.path=c", "inner.threads=auto", "name=a b"});

  EXPECT_THAT(problems, ::testing::IsEmpty());
  EXPECT_EQ(whole.inner.r, 5);
  EXPECT_TRUE(whole.flag);
  EXPECT_THAT(whole.words, ::testing::ElementsAre("p", "q"));
  EXPECT_EQ(whole.items[1].path, "c");
  EXPECT_EQ(whole.name, "a b");
}

TEST(Override, WorksOnAnEmptyFile) { EXPECT_EQ(with("", {"name=x", "inner.r=2"}).first.inner.r, 2); }

TEST(Override, LastOneWins) { EXPECT_EQ(with("name: x", {"inner.r=2", "inner.r=7"}).first.inner.r, 7); }

TEST(Override, MistakesAreLocatedAtTheOverride) {
  const std::pair<const char*, const char*> cases[] = {
      {"inner.r=0", "--set inner.r=0: inner.r is 0; it must be at least 1"},
      {"inner.alhpa=1", "--set inner.alhpa=1: unknown key 'inner.alhpa'; did you mean 'alpha'?"},
      {"inner", "--set inner: an override is written key.sub=value"},
      {"=3", "--set =3: an override is written key.sub=value"},
      {"inner..r=3", "an override is written key.sub=value"},
      {"name.x=3", "--set name.x=3: 'name' is a value and not a section"},
      {"items.4.path=3", "'items' is a list of 1; \"4\" is not one of its places"},
      {"items.a.path=3", "\"a\" is not one of its places"},
      {"inner.r=[1", "--set inner.r=[1: the value is not valid YAML"},
      {"inner.r=", "--set inner.r=: inner.r is empty; it must be an integer"},
      {"name=\"a\\nb\"", "it must be text without control characters"},
  };
  for (const auto& [assignment, message] : cases) {
    SCOPED_TRACE(assignment);
    EXPECT_THAT(with("name: x\nitems: [{path: a}]\n", {assignment}).second,
                ::testing::Contains(::testing::HasSubstr(message)));
  }
}

TEST(Override, IsShownWithoutControlCharacters) {
  const auto problems = with("name: x", {std::string("bad\x1b[2J=1")}).second;

  ASSERT_EQ(problems.size(), 1u);
  EXPECT_THAT(problems[0], ::testing::Not(::testing::HasSubstr("\x1b")));
}

TEST(Override, DoesNotNestWithoutEnd) {
  std::string deep = "a";
  for (int i = 0; i < 100000; ++i) deep += ".a";

  EXPECT_THAT(with("name: x", {deep + "=1"}).second, ::testing::Contains(::testing::HasSubstr("levels deep")));
}

}  // namespace
}  // namespace pst::config::example
