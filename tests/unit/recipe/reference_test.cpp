// SPDX-License-Identifier: Apache-2.0
#include <gmock/gmock.h>

#include <cstdlib>

#include "core/file.hpp"
#include "recipe/load.hpp"
#include "source_tree.hpp"

namespace pst::recipe {
namespace {

TEST(Reference, PageInTheRepositoryIsUpToDate) {
  const fs::path page = fs::path(PST_SOURCE_DIR) / "docs/recipe.md";
  if (std::getenv("PST_UPDATE_DOCS") != nullptr) write_durably(page, reference_page());

  EXPECT_EQ(read_file(page), reference_page()) << "docs/recipe.md is not what src/recipe declares; run "
                                                  "PST_UPDATE_DOCS=1 recipe_test --gtest_filter='Reference.*'";
}

TEST(Reference, DescribesKeysOfEverySection) {
  const std::string page = reference_page();

  for (const char* row : {"| `name` |", "## adapter\n", "| `r` | integer, at least 1 | `16` |", "## data.train[]\n",
                          "| `target_modules` |", "| `every_steps` | integer or `null`, at least 1 | `50` |"})
    EXPECT_THAT(page, ::testing::HasSubstr(row));
}

}  // namespace
}  // namespace pst::recipe
