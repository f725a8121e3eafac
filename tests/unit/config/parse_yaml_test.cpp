// SPDX-License-Identifier: Apache-2.0
#include "config/parse_yaml.hpp"

#include <gmock/gmock.h>

namespace pst::config {
namespace {

TEST(Parse, KeepsOrderPlacesAndQuotes) {
  Problems problems;

  const Node root = parse_yaml("b: 1\na:\n  - \"2\"\n  - ~\n", "f.yaml", problems);

  ASSERT_EQ(root.entries.size(), 2u);
  EXPECT_EQ(root.entries[0].key, "b");
  EXPECT_FALSE(root.entries[0].value.quoted);
  const Node* const list = root.find("a");
  ASSERT_NE(list, nullptr);
  EXPECT_TRUE(list->items[0].quoted);
  EXPECT_EQ(list->items[0].mark.text(), "f.yaml:3:5");
  EXPECT_EQ(list->items[1].kind, Node::Kind::null);
  EXPECT_TRUE(problems.empty());
}

TEST(Parse, ReportsADuplicateKeyAndGoesOn) {
  Problems problems;

  parse_yaml("a: 1\nb: 2\na: 3\nb: 4\n", "f.yaml", problems);

  EXPECT_THAT(problems.lines(), ::testing::ElementsAre("f.yaml:3:1: key \"a\" is already there in line 1",
                                                       "f.yaml:4:1: key \"b\" is already there in line 2"));
}

TEST(Parse, TakesWindowsLineEndsAndAByteOrderMark) {
  Problems problems;

  const Node root = parse_yaml(
      "\xef\xbb\xbf"
      "a: x\r\nb: y\r\n",
      "f.yaml", problems);

  EXPECT_EQ(root.find("a")->text, "x");
  EXPECT_EQ(root.find("b")->text, "y");
}

}  // namespace
}  // namespace pst::config
