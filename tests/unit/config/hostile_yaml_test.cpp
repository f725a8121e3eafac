// SPDX-License-Identifier: Apache-2.0
#include <gmock/gmock.h>
#include <sys/resource.h>

#include "config/parse_yaml.hpp"
#include "core/clock.hpp"
#include "core/strings.hpp"

namespace pst::config {
namespace {

std::string repeated(const std::string& text, std::size_t times) {
  std::string all;
  for (std::size_t i = 0; i < times; ++i) all += text;
  return all;
}

struct Hostile {
  const char* name;
  std::string text;
  const char* message;
};

std::vector<Hostile> hostile_documents() {
  std::string bomb = "a0: &a0 [x,x]\n";
  for (int i = 1; i < 40; ++i) bomb += cat("a", i, ": &a", i, " [*a", i - 1, ",*a", i - 1, "]\n");
  std::string deep_block;
  for (int i = 0; i < 700; ++i) deep_block += std::string(static_cast<std::size_t>(i), ' ') + "k:\n";
  return {
      {"syntax", "a: [1, 2\nb: 3\n", "f.yaml:2:"},
      {"bad indentation", "a: 1\n   b: 2\n", "f.yaml:2:5: not valid YAML"},
      {"unclosed quote", "a: 1\nb: \"x\n", "f.yaml:2:4: the quote that opens here is not closed"},
      {"unclosed quote after Unicode", "é☃: \"é\\\"\n", "f.yaml:1:8: the quote that opens here is not closed"},
      {"unclosed single quote", "a: [b, 'x'']", "illegal EOF in scalar"},
      {"unclosed bracket", "a: [1, 2", "not valid YAML"},
      {"tab", "a:\n\tb: 1\n", "f.yaml:2:1: a tab in the indentation"},
      {"alias bomb", bomb, "f.yaml:1:5: anchors (&name) are not used here"},
      {"alias", "a: *x\n", "f.yaml:1:4:"},
      {"tag", "a: !!python/object x\n", "tags are not used here"},
      {"binary", std::string("a: \0b\n", 6), "f.yaml:1:4: control character \"\\x00\""},
      {"escape", "a: \x1b[31m\n", "control character"},
      {"not UTF-8", "a: 1\nb: \xff\n", "f.yaml:2:1: this line is not UTF-8"},
      {"two documents", "a: 1\n---\nb: 2\n", "a second document starts here"},
      {"too large", std::string((1 << 20) + 1, 'x'), "f.yaml:1:1: the file has 1.0 MiB; at most 1.0 MiB"},
      {"deep flow", "a: " + std::string(500, '['), "nested more than 16 levels deep"},
      {"deep flow maps", "a: " + repeated("{a: ", 500), "nested more than 16 levels deep"},
      {"very deep flow", "a: " + std::string(1000000, '['), "nested more than 16 levels deep"},
      {"very deep flow maps", "a: " + std::string(1000000, '{'), "nested more than 16 levels deep"},
      {"deep block", deep_block, "nested more than 16 levels deep"},
      {"deep compact lists", repeated("- ", 500000), "nested more than 16 levels deep"},
      {"deep question marks", repeated("? ", 500000), "nested more than 16 levels deep"},
      {"list as key", "? [a, b]\n: 1\n", "a key must be a word, but this is a list"},
      {"many values", "a: [" + repeated("1,", 100000) + "1]\n", "more than 50000 values"},
      {"many keys",
       [] {
         std::string text;
         for (int i = 0; i < 60000; ++i) text += cat("k", i, ": 1\n");
         return text;
       }(),
       "more than 50000 values"},
  };
}

TEST(HostileYaml, GetsALocatedErrorInReasonableTime) {
  for (const auto& [name, text, message] : hostile_documents()) {
    SCOPED_TRACE(name);
    Problems problems;
    const double start_s = thread_cpu_seconds();

    try {
      parse_yaml(text, "f.yaml", problems);
      ADD_FAILURE() << "was accepted";
    } catch (const Error& error) {
      EXPECT_EQ(error.fault(), Fault::usage);
      EXPECT_THAT(error.message(), ::testing::HasSubstr(message));
      EXPECT_LT(error.message().size(), 500u);
    }

    // Far above what is needed (milliseconds), far below what something quadratic takes on a megabyte.
    EXPECT_LT(thread_cpu_seconds() - start_s, 10);
  }
}

/// Inside of brackets the scanner remembers all of it before the first event: 225 bytes for each of them.
TEST(HostileYaml, MemoryIsBoundedForTheLargestFiles) {
  constexpr ParseLimits kCorpus = {.max_bytes = std::size_t{64} << 20, .max_nodes = 1'000'000, .max_depth = 8};
  const std::pair<std::string, const char*> cases[] = {
      {"a: " + std::string(20'000'000, '['), "nested more than 8 levels deep"},
      {std::string(20'000'000, '{'), "nested more than 8 levels deep"},
      {"[" + repeated("a,", 10'000'000) + "a]", "a value with more than 200,000 brackets and commas"},
      {"a: " + repeated("[\n", 10'000'000), "nested more than 8 levels deep"},
  };
  for (const auto& [text, message] : cases) {
    SCOPED_TRACE(text.substr(0, 20));
    Problems problems;
    try {
      parse_yaml(text, "f.yaml", problems, kCorpus);
      ADD_FAILURE() << "was accepted";
    } catch (const Error& error) {
      EXPECT_THAT(error.message(), ::testing::HasSubstr(message));
    }
  }
  rusage usage{};
  ::getrusage(RUSAGE_SELF, &usage);
  EXPECT_LT(usage.ru_maxrss, 1'000'000);  // KiB; without the limit 4.5 GB
}

TEST(HostileYaml, LongTextsAndManyShortListsAreTaken) {
  constexpr ParseLimits kCorpus = {.max_bytes = std::size_t{64} << 20, .max_nodes = 1'000'000, .max_depth = 8};
  Problems problems;
  EXPECT_NO_THROW(parse_yaml("a: \"" + repeated("word, ", 100'000) + "\"", "f.yaml", problems, kCorpus));
  EXPECT_NO_THROW(parse_yaml("a:\n" + repeated("- [b, c]\n", 200'000), "f.yaml", problems, kCorpus));
  EXPECT_NO_THROW(parse_yaml("a: [" + repeated("b, ", 150'000) + "c]", "f.yaml", problems, kCorpus));
}

/// Legal documents of the largest size, in shapes that scanners dislike: whatever the verdict, it must come soon.
TEST(HostileYaml, OddShapesOfAMegabyteEnd) {
  const std::size_t megabyte = 1000000;
  const std::string shapes[] = {
      "a: " + std::string(megabyte, 'x'),
      "a: \"" + repeated("\\\"", megabyte / 2) + "\"",
      "a: |\n" + repeated("  x\n", megabyte / 4),
      repeated("#", megabyte),
      repeated("a:\n", megabyte / 3),
      repeated(": ", megabyte / 2),
      repeated("[]", megabyte / 2),
      repeated("'", megabyte),
      repeated("a: - ", megabyte / 5),
      repeated("%", megabyte),
      repeated("---\n", megabyte / 4),
      repeated("&a ", megabyte / 3),
      repeated("!t ", megabyte / 3),
      "[" + repeated("a,", megabyte / 2),
      "[" + repeated("a: ", megabyte / 3),
      std::string(megabyte, ' ') + "a",
      repeated("\n", megabyte),
      "a: >\n" + repeated("\n", megabyte),
      "a:" + repeated("\n ", megabyte / 2) + "b",
  };
  for (const auto& text : shapes) {
    SCOPED_TRACE(text.substr(0, 20));
    const double start_s = thread_cpu_seconds();
    Problems problems;
    try {
      parse_yaml(text, "f.yaml", problems);
    } catch (const Error& error) {
      EXPECT_EQ(error.fault(), Fault::usage) << error.what();
    }
    EXPECT_LT(thread_cpu_seconds() - start_s, 10) << text.substr(0, 20);
  }
}

/// Each mistake was compared with those that are shown by the texts of their places, made anew each time.
TEST(HostileYaml, AMistakeInEachLine) {
  Problems problems;
  const double start_s = thread_cpu_seconds();
  parse_yaml(repeated("a: 1\n", 300'000), "f.yaml", problems, {.max_bytes = 2 << 20, .max_nodes = 1'000'000});
  EXPECT_LT(thread_cpu_seconds() - start_s, 5);
  EXPECT_EQ(problems.count(), 299'999u);
}

}  // namespace
}  // namespace pst::config
