// SPDX-License-Identifier: Apache-2.0
#include <gmock/gmock.h>

#include "core/file.hpp"
#include "core/strings.hpp"
#include "recipe/load.hpp"
#include "source_tree.hpp"

namespace pst::recipe {
namespace {

std::vector<fs::path> shipped_recipes() {
  std::vector<fs::path> files;
  for (const auto& entry : fs::recursive_directory_iterator(fs::path(PST_SOURCE_DIR) / "configs/recipes"))
    if (entry.path().extension() == ".yaml") files.push_back(entry.path());
  return files;
}

TEST(ShippedRecipes, AreValidAndSayHowToRunThem) {
  const auto files = shipped_recipes();
  ASSERT_FALSE(files.empty());

  for (const auto& file : files) {
    SCOPED_TRACE(file.string());
    EXPECT_NO_THROW(load(file));
    const auto command = cat("peft-studio submit ", fs::relative(file, PST_SOURCE_DIR).string());
    EXPECT_THAT(read_file(file), ::testing::HasSubstr(command));
  }
}

}  // namespace
}  // namespace pst::recipe
