// SPDX-License-Identifier: Apache-2.0
#include <gmock/gmock.h>

#include "source_tree.hpp"
#include "unit/site/profiles.hpp"

namespace pst::site {
namespace {

using fixture::host;
using testing::ElementsAre;
using testing::HasSubstr;

std::vector<fs::path> canonical(std::vector<fs::path> folders) {
  for (auto& folder : folders) folder = fs::weakly_canonical(folder);
  return folders;
}

TEST(Folders, AreSearchedInTheirOrderAndOnlyWhereTheyExist) {
  const pst::fixture::TemporaryDirectory dir;
  for (const char* folder : {"one", "two", "home/.config/peft-studio/sites", "prefix/etc/peft-studio/sites",
                             "prefix/share/peft-studio/sites", "xdg/peft-studio/sites"})
    make_directories(dir / folder);
  const std::string paths = (dir / "one").string() + ":" + (dir / "absent").string() + ":" + (dir / "two").string();

  EXPECT_EQ(
      folders(host("h", {{"PST_SITES", paths}, {"HOME", (dir / "home").string()}}), dir / "prefix/bin/peft-studio"),
      canonical({dir / "one", dir / "two", dir / "home/.config/peft-studio/sites", dir / "prefix/etc/peft-studio/sites",
                 dir / "prefix/share/peft-studio/sites"}));
  EXPECT_EQ(folders(host("h", {{"XDG_CONFIG_HOME", (dir / "xdg").string()}, {"HOME", (dir / "home").string()}}),
                    "/nowhere/bin/peft-studio"),
            canonical({dir / "xdg/peft-studio/sites"}));
}

TEST(Folders, OfTheSourceTreeAreFoundFromABuildFolderWhereverThatIs) {
  const auto found = folders(host("h"), fs::path(PST_BUILD_DIR) / "bin/peft-studio");
  EXPECT_THAT(found, ElementsAre(fs::weakly_canonical(fixture::kShipped)));
}

TEST(Find, TheFirstFolderWinsAndNamesAreUnique) {
  const fixture::Profiles files;
  files.write("user", "ours", "name: ours\ntitle: mine\n");
  files.write("system", "ours", "name: ours\ntitle: theirs\n");
  files.write("system", "zebra", "name: zebra\n");
  const std::vector<fs::path> all = {files.folder("user"), files.folder("system")};

  const auto entries = list(all);
  ASSERT_EQ(entries.size(), 2u);
  EXPECT_EQ(entries[0].name, "ours");
  EXPECT_EQ(entries[1].name, "zebra");
  EXPECT_EQ(choose("ours", host("h"), all).site.title, "mine");
}

TEST(Find, AnUnknownNameGetsTheNames) {
  const std::string words =
      pst::fixture::error_of(Fault::usage, [] { choose("olcf-fronteer", host("h"), {fixture::kShipped}); });
  EXPECT_THAT(words, HasSubstr("there is no site profile \"olcf-fronteer\"; there are: cscs-alps, generic"));
  EXPECT_THAT(words, HasSubstr("did you mean olcf-frontier?"));
}

TEST(Find, AFileIsTakenAsItIs) {
  const fixture::Profiles files;
  const auto file = files.write("elsewhere", "ours", "name: ours\ninherits: generic\ntitle: by path\n");
  EXPECT_EQ(choose(file.string(), host("h"), {fixture::kShipped}).site.title, "by path");
}

TEST(Auto, TakesTheProfileThatFitsTheHostAndSaysWhy) {
  const auto on = [](const Host& host) { return choose("auto", host, {fixture::kShipped}); };

  const Choice frontier = on(host("login07.frontier.olcf.ornl.gov"));
  EXPECT_EQ(frontier.site.name, "olcf-frontier");
  EXPECT_EQ(frontier.reason, "its match.host fits \"login07.frontier.olcf.ornl.gov\"");
  const Choice perlmutter = on(host("login01", {{"NERSC_HOST", "perlmutter"}}));
  EXPECT_EQ(perlmutter.site.name, "nersc-perlmutter");
  EXPECT_EQ(perlmutter.reason, "its match.environment fits NERSC_HOST=\"perlmutter\"");
  EXPECT_EQ(on(host("login1.vista.tacc.utexas.edu")).site.name, "tacc-vista");
  EXPECT_EQ(on(host("clariden-ln002")).site.name, "cscs-alps");
  EXPECT_EQ(on(host("lumi-uan03.csc.fi")).site.name, "lumi-g");
}

TEST(Auto, IsGenericWhereNothingFits) {
  const Choice choice = choose("auto", host("somewhere"), {fixture::kShipped});
  EXPECT_EQ(choice.site.name, "generic");
  EXPECT_EQ(choice.reason, "no profile fits this host, \"somewhere\"");
  EXPECT_EQ(choose("auto", host("somewhere"), {}).site.name, "generic") << "without any file either";
}

TEST(Auto, DoesNotGuessBetweenTwo) {
  const fixture::Profiles files;
  files.write("a", "one", "name: one\nmatch: {host: [login]}\n");
  files.write("a", "two", "name: two\nmatch: {environment: {CLUSTER: '^x$'}}\n");
  const auto words = pst::fixture::error_of(Fault::usage, [&] {
    choose("auto", host("login1", {{"CLUSTER", "x"}}), {files.folder("a")});
  });
  EXPECT_THAT(words, HasSubstr("2 site profiles fit this host: one (its match.host fits \"login1\"), two ("));
  EXPECT_THAT(words, HasSubstr("slurm.site"));
}

}  // namespace
}  // namespace pst::site
