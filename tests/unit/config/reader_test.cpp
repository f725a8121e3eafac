// SPDX-License-Identifier: Apache-2.0
#include "config/reader.hpp"

#include <gmock/gmock.h>

#include "config/catalogue.hpp"
#include "core/strings.hpp"
#include "example_section.hpp"

namespace pst::config::example {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;

TEST(Reader, ReadsEveryKindOfField) {
  const Whole whole = must_read(R"(
name: x1
flag: true
seed: 18446744073709551615
words: [k_proj, "q proj"]
ranks: {"layers.*.q": 8}
inner:
  r: 4
  alpha: 1.6e1
  steps: 10
  threads: auto
  betas: [0.5, 0.25]
items:
  - {path: a.jsonl, colour: green}
  - path: b.jsonl
)");

  EXPECT_EQ(whole.name, "x1");
  EXPECT_TRUE(whole.flag);
  EXPECT_EQ(whole.seed, 18446744073709551615ull);
  EXPECT_THAT(whole.words, ElementsAre("k_proj", "q proj"));
  EXPECT_EQ(whole.ranks.at("layers.*.q"), 8);
  EXPECT_EQ(whole.inner.r, 4);
  EXPECT_EQ(whole.inner.alpha, 16);
  EXPECT_EQ(whole.inner.steps, 10);
  EXPECT_EQ(whole.inner.threads, std::nullopt);
  EXPECT_THAT(whole.inner.betas, ElementsAre(0.5, 0.25));
  ASSERT_EQ(whole.items.size(), 2u);
  EXPECT_EQ(whole.items[0].colour, Colour::green);
  EXPECT_EQ(whole.items[1].path, "b.jsonl");
}

TEST(Reader, ReportsEveryMistakeAtItsPlaceAtOnce) {
  Problems problems;
  Whole whole;

  read(parse_yaml("name: x\ninner:\n    alhpa: 3\n    r:      -8\n", "recipes/a.yaml", problems), whole, problems);

  try {
    problems.throw_if_any();
    FAIL() << "no error";
  } catch (const Error& error) {
    EXPECT_EQ(error.fault(), Fault::usage);
    EXPECT_EQ(error.message(),
              "recipes/a.yaml:3:5: unknown key 'inner.alhpa'; did you mean 'alpha'?\n"
              "recipes/a.yaml:4:13: inner.r is -8; it must be at least 1 (2 problems, nothing started)");
  }
  EXPECT_EQ(whole.inner.r, 16) << "a wrong value must not reach the program";
}

struct Case {
  const char* text;
  const char* message;
};

TEST(Reader, NamesWhatIsWrongAndWhatToWrite) {
  const Case cases[] = {
      {"flag: true", "f.yaml:1:1: 'name' is missing: What it is called."},
      {"", "'name' is missing"},
      {"name: ''", "f.yaml:1:7: name is \"\"; it must be non-empty"},
      {"name: [a]", "name is a list; it must be text"},
      {"name:", "name is empty; it must be text"},
      {"name: \"a\\nb\"", "name is \"a\\x0ab\"; it must be text without control characters; remove \\x0a"},
      {"name: \"a\\x85b\"", "text without control characters; remove U+0085"},
      {"name: \"a\\u2028b\"", "text without control characters; remove U+2028"},
      {"name: x\nflag: yes", "f.yaml:2:7: flag is yes; it must be true or false; write true"},
      {"name: x\nflag: off", "flag is off; it must be true or false; write false"},
      {"name: x\nflag: 'true'", "write true"},
      {"name: x\nflag: 3", "flag is 3; it must be true or false"},
      {"name: x\nseed: -1", "seed is -1; it must be an integer from 0 to 18446744073709551615"},
      {"name: x\ninner: {r: 16.5}", "f.yaml:2:12: inner.r is 16.5; it must be an integer"},
      {"name: x\ninner: {r: '16'}", "inner.r is \"16\"; it must be an integer; remove the quotes"},
      {"name: x\ninner: {r: abc}", "inner.r is abc; it must be an integer"},
      {"name: x\ninner: {r: 3000000000}", "an integer from -2147483648 to 2147483647"},
      {"name: x\ninner: {r: 99999999999999999999}", "it must be an integer"},
      {"name: x\ninner: {r: 0x10}", "it must be an integer"},
      {"name: x\ninner: {alpha: 0}", "inner.alpha is 0; it must be above 0"},
      {"name: x\ninner: {alpha: .nan}", "inner.alpha is .nan; it must be a number"},
      {"name: x\ninner: {alpha: inf}", "it must be a number"},
      {"name: x\ninner: {alpha: nan}", "it must be a number"},
      {"name: x\ninner: {alpha: 1e999}", "it must be a number"},
      {"name: x\ninner: {alpha: 1,5}", "unknown key 'inner.5'"},
      {"name: x\ninner: {steps: auto}", "inner.steps is auto; it must be an integer"},
      {"name: x\ninner: {threads: null}", "inner.threads is empty; it must be an integer"},
      {"name: x\ninner: {betas: [0.9]}", "inner.betas is a list; it must be a list of 2 values; this one has 1"},
      {"name: x\ninner: {betas: [0.9, 1]}", "inner.betas[1] is 1; it must be at least 0 and below 1"},
      {"name: x\ninner: 3", "inner is 3; it must be a section (key: value)"},
      {"name: x\nwords: q_proj", "words is q_proj; it must be a list of text; write [q_proj]"},
      {"name: x\nranks: {q: 0}", "ranks.q is 0; it must be at least 1"},
      {"name: x\nranks: [1]", "ranks is a list; it must be a map"},
      {"name: x\nranks: {\"a\\nb\": 1}", "a key in ranks has the control character \\x0a"},
      {"name: x\nitems: {path: a}", "items is a section; it must be a list of sections"},
      {"name: x\nitems: [a.jsonl]", "f.yaml:2:9: items[0] is a.jsonl; it must be a section"},
      {"name: x\nitems: [{colour: red}]", "f.yaml:2:9: 'items[0].path' is missing"},
      {"name: x\nitems: [{path: a, colour: gren}]", "it must be auto, red or green; did you mean 'green'?"},
      {"name: x\nitems: [{path: a, color: red}]", "unknown key 'items[0].color'; did you mean 'colour'?"},
      {"name: x\ntotally_else: 1", "unknown key 'totally_else'; known here: name, flag"},
      {"name: x\n\"bad\\nkey\": 1", "unknown key 'bad\\x0akey'"},
      {"- a\n- b", "the file is a list; it must be a section"},
      {"just words", "the file is just words; it must be a section"},
  };
  for (const auto& [text, message] : cases) {
    SCOPED_TRACE(text);
    EXPECT_THAT(problems_of(text), ::testing::Contains(HasSubstr(message)));
  }
}

TEST(Reader, TakesNumbersInTheirUsualSpellings) {
  for (const auto& [text, value] :
       {std::pair{"16", 16.0}, {"2.0e-4", 2e-4}, {"1e-4", 1e-4}, {"0.5", 0.5}, {"1E3", 1e3}})
    EXPECT_EQ(must_read(std::string("name: x\ninner: {alpha: ") + text + "}").inner.alpha, value) << text;
}

TEST(Reader, AnEmptySectionIsAllDefaults) { EXPECT_EQ(must_read("name: x\ninner:\n").inner.r, 16); }

TEST(Reader, AdviceComesBeforeSpelling) {
  Problems problems;
  Whole whole;
  const Advice advice = [](const std::string& path) -> std::optional<std::string> {
    if (path == "lora_r") return "write inner.r";
    return std::nullopt;
  };

  read(parse_yaml("name: x\nlora_r: 3\n", "f.yaml", problems), whole, problems, advice);

  EXPECT_THAT(problems.lines(), ElementsAre("f.yaml:2:1: unknown key 'lora_r'; write inner.r"));
}

TEST(Reader, PlacesFallBackToTheSectionAround) {
  Problems problems;
  Whole whole;

  const Places places = read(parse_yaml("name: x\ninner:\n  r: 3\n", "f.yaml", problems), whole, problems);

  EXPECT_EQ(places.of("inner.r").text(), "f.yaml:3:6");
  EXPECT_EQ(places.of("inner.alpha").text(), "f.yaml:3:3");
  EXPECT_EQ(places.of("items[0].path").text(), "f.yaml:1:1");
}

TEST(Reader, ShowsFiftyProblemsAndCountsTheRest) {
  std::string text = "name: x\n";
  for (int i = 0; i < 80; ++i) text += cat("unknown_number_", i, ": 1\n");
  Problems problems;
  Whole whole;
  read(parse_yaml(text, "f.yaml", problems), whole, problems);

  try {
    problems.throw_if_any();
    FAIL();
  } catch (const Error& error) {
    EXPECT_THAT(error.message(), HasSubstr("... and 30 more (80 problems, nothing started)"));
  }
}

TEST(Catalogue, DescribesEveryKeyAndItsDefault) {
  Whole whole;

  const std::string page = to_markdown(catalogue([&](Fields& fields) { bind(fields, whole); }));

  EXPECT_THAT(page, HasSubstr("| `name` | text, non-empty | required | What it is called. |"));
  EXPECT_THAT(page, HasSubstr("## inner\n"));
  EXPECT_THAT(page, HasSubstr("| `threads` | integer or `auto`, at least 1 | `auto` | Threads. |"));
  EXPECT_THAT(page, HasSubstr("| `betas` | list of 2 x number, at least 0 and below 1 | `[0.9, 0.999]` |"));
  EXPECT_THAT(page, HasSubstr("## items[]\n"));
  EXPECT_THAT(page, HasSubstr("| `colour` | `auto`, `red`, `green` | `auto` | Its colour. |"));
}

}  // namespace
}  // namespace pst::config::example
