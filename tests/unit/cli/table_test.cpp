// SPDX-License-Identifier: Apache-2.0
#include "cli/table.hpp"

#include <gmock/gmock.h>

#include <cctype>
#include <set>

#include "cli/command_tree.hpp"
#include "core/strings.hpp"

namespace pst::cli {
namespace {

TEST(TheTableOfCommands, NamesEachOnce) {
  std::set<std::string> paths;
  std::size_t count = 0;
  for (const Section& section : sections())
    for (const Verb& verb : section.verbs) {
      ++count;
      EXPECT_TRUE(paths.insert(verb.path).second) << verb.path;
    }
  EXPECT_GT(count, 30u);
}

TEST(TheTableOfCommands, HasAGroupForEveryFirstWordAndNoOther) {
  std::set<std::string> used, known;
  for (const Section& section : sections())
    for (const Verb& verb : section.verbs)
      if (const auto words = split(verb.path, ' '); words.size() > 1) used.insert(words[0]);
  for (const Group& group : groups()) EXPECT_TRUE(known.insert(group.name).second) << group.name;
  EXPECT_EQ(used, known);
}

/// Says by itself what it is: a whole phrase that fits on a line or two of a terminal, not the rest of another one.
void expect_a_phrase(const std::string& text) {
  ASSERT_FALSE(text.empty());
  EXPECT_FALSE(std::isspace(static_cast<unsigned char>(text.front()))) << text;
  EXPECT_FALSE(text.starts_with("Of ")) << text;
  EXPECT_GE(split(text, ' ').size(), 3u) << text;
  EXPECT_LE(text.size(), 170u) << text;
  EXPECT_NE(text.back(), '.') << text;
}

TEST(TheTableOfCommands, ExplainsEveryCommandAndOption) {
  for (const Group& group : groups()) expect_a_phrase(group.help);
  for (const Section& section : sections())
    for (const Verb& verb : section.verbs) {
      SCOPED_TRACE(verb.path);
      expect_a_phrase(verb.help);
      CLI::App app(verb.help, "command");
      verb.add(app);
      for (const auto& option : describe(app).options) {
        SCOPED_TRACE(option.names.front());
        expect_a_phrase(option.help);
      }
    }
}

}  // namespace
}  // namespace pst::cli
