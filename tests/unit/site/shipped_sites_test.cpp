// SPDX-License-Identifier: Apache-2.0
#include <gmock/gmock.h>

#include "core/strings.hpp"
#include "source_tree.hpp"
#include "unit/site/profiles.hpp"

namespace pst::site {
namespace {

using testing::HasSubstr;

TEST(ShippedSites, AreValidAndSayWhereTheyAreFrom) {
  const auto entries = list({fixture::kShipped});
  ASSERT_GE(entries.size(), 9u);

  for (const auto& entry : entries) {
    SCOPED_TRACE(entry.name);
    const Site site = load(entry.file, {fixture::kShipped});
    const std::string text = read_file(entry.file);
    EXPECT_FALSE(site.title.empty());
    EXPECT_FALSE(site.sources.empty());
    EXPECT_EQ(text.front(), '#') << "a header says what it is";
    if (site.tested == Tested::documentation) {
      EXPECT_THAT(text.substr(0, 400), HasSubstr("not run there"));
      EXPECT_THAT(text, HasSubstr("https://"));
    }
  }
}

TEST(Reference, PageInTheRepositoryIsUpToDate) {
  const fs::path page = fs::path(PST_SOURCE_DIR) / "docs/sites.md";
  if (std::getenv("PST_UPDATE_DOCS") != nullptr) write_durably(page, reference_page());

  EXPECT_EQ(read_file(page), reference_page()) << "docs/sites.md is not what src/site declares; run "
                                                  "PST_UPDATE_DOCS=1 site_test --gtest_filter='Reference.*'";
}

TEST(Reference, TheExampleOfThePageIsAProfile) {
  const std::string page = reference_page();
  const auto begin = page.find("```yaml\n") + 8;
  const fixture::Profiles files;
  const auto file = files.write("a", "our-cluster", page.substr(begin, page.find("```", begin) - begin));

  const Site site = load(file, {fixture::kShipped});

  EXPECT_EQ(site.partitions.size(), 2u);
}

}  // namespace
}  // namespace pst::site
