// SPDX-License-Identifier: Apache-2.0
#include "config/print.hpp"

#include <gmock/gmock.h>

#include "example_section.hpp"

namespace pst::config::example {
namespace {

TEST(Print, ShowsDefaultsInReadableYaml) {
  Whole whole;
  whole.name = "x";
  whole.items = {{"data/a.jsonl", Colour::red}};

  EXPECT_EQ(print(whole), R"(name: x
flag: false
seed: 42
words: [a]
ranks: {}
inner:
  r: 16
  alpha: 32
  steps: null
  threads: auto
  betas: [0.9, 0.999]
items:
  - {path: data/a.jsonl, colour: red}
)");
}

TEST(Print, ReadsBackToTheSameValues) {
  Whole whole;
  whole.flag = true;
  whole.seed = 18446744073709551615ull;
  whole.inner = {.r = 3, .alpha = 1.0 / 3.0, .steps = 7, .threads = 2, .betas = {0, 1e-8}};
  whole.ranks = {{"model.layers.*: {#}", 4}, {"q", 2}};
  whole.items = {{"a, b", Colour::automatic}, {"- c", Colour::green}};
  const std::vector<std::string> awkward = {
      "null", "~",   "true", "yes",        "1e5",      "0x10", "01:00:00",  "",        " lead", "trail ", "a: b",
      "#no",  "a#b", "[x]",  "{y}",        "*z",       "&w",   "\"quote\"", "back\\s", "it's",  "é☃𝄞",    "%YAML",
      "---",  "- x", "auto", "all-linear", "/abs/p-q", "a b",  "!t",        "@",       "`",     ".inf"};
  for (const auto& text : awkward) {
    SCOPED_TRACE(text);
    whole.name = text.empty() ? "x" : text;
    whole.words = awkward;

    const Whole back = must_read(print(whole));

    EXPECT_EQ(back.name, whole.name);
    EXPECT_EQ(back.words, whole.words);
    EXPECT_EQ(print(back), print(whole));
  }
  const Whole back = must_read(print(whole));
  EXPECT_EQ(back.inner.alpha, whole.inner.alpha);
  EXPECT_EQ(back.inner.betas, whole.inner.betas);
  EXPECT_EQ(back.inner.steps, whole.inner.steps);
  EXPECT_EQ(back.ranks, whole.ranks);
  EXPECT_EQ(back.items[1].path, "- c");
}

}  // namespace
}  // namespace pst::config::example
