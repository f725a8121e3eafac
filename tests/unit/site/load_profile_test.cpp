// SPDX-License-Identifier: Apache-2.0
#include <gmock/gmock.h>

#include "support/strangers.hpp"
#include "unit/site/profiles.hpp"

namespace pst::site {
namespace {

using fixture::complaint;
using testing::ElementsAre;
using testing::HasSubstr;
using testing::Not;

TEST(Profile, HasDefaultsThatAskForNothing) {
  const Site site = parse("name: x\n", "s.yaml");

  EXPECT_TRUE(site.partitions.empty());
  EXPECT_EQ(site.launcher, Launcher::srun_pmix);
  EXPECT_EQ(site.gpus.bind, "none");
  EXPECT_TRUE(site.requeue.allowed);
}

TEST(Profile, TheEffectiveOneReadsBackTheSame) {
  for (const auto& entry : list({fixture::kShipped})) {
    SCOPED_TRACE(entry.name);
    const std::string effective = to_yaml(load(entry.file, {fixture::kShipped}));
    EXPECT_EQ(to_yaml(parse(effective, "site.yaml")), effective);
  }
}

TEST(Profile, EveryMistakeIsReportedAtOnceWithItsPlace) {
  const std::string words = complaint(
      "name: x\n"
      "acount_required: true\n"
      "launcher: srun_pmx\n"
      "partitions:\n"
      "  - { name: a, max_time: soon }\n"
      "  - { name: a, default: true, qos: q, asked_by: qos }\n"
      "match: { host: ['('] }\n");

  EXPECT_THAT(words, HasSubstr("s.yaml:2:1: unknown key 'acount_required'; did you mean 'account_required'?"));
  EXPECT_THAT(words, HasSubstr("s.yaml:3:11: launcher is srun_pmx; it must be"));
  EXPECT_THAT(words, HasSubstr("s.yaml:5:26: partitions[0].max_time is soon"));
  EXPECT_THAT(words, HasSubstr("partition a is listed twice"));
  EXPECT_THAT(words, HasSubstr("asked for by its own name as QOS"));
  EXPECT_THAT(words, HasSubstr("match.host[0] is \"(\"; it must be an extended regular expression"));
  EXPECT_THAT(words, HasSubstr("(6 problems, nothing started)"));
}

TEST(Profile, APartitionOfManyTimesIsReportedOnceEach) {
  std::string text = "name: x\npartitions:\n";
  for (int i = 0; i < 300; ++i) text += "  - { name: a }\n";

  EXPECT_THAT(complaint(text), HasSubstr("(299 problems")) << "not one for each pair: the reader would need minutes";
}

TEST(Profile, RefusesWhatTheJobScriptWritesItself) {
  EXPECT_THAT(complaint("name: x\nextra_sbatch: [--nodes=9]\n"), HasSubstr("extra_sbatch[0] is \"--nodes=9\""));
  EXPECT_THAT(complaint("name: x\nextra_srun: [--mpi=none]\n"), HasSubstr("extra_srun[0] is \"--mpi=none\""));
  EXPECT_THAT(complaint("name: x\nextra_sbatch: [-N9]\n"), HasSubstr("one option with two dashes"));
  EXPECT_EQ(complaint("name: x\nextra_sbatch: [--network=disable_rdzv_get]\n"), "");
}

TEST(Profile, RefusesControlCharactersEverywhere) {
  for (const char* key : {"setup: [\"a\\nb\"]", "modules: [\"a\\nb\"]", "environment: {A: \"x\\ny\"}",
                          "container: {kind: apptainer, image: \"a\\tb\"}", "scratch: \"/a\\nb\"", "title: \"a\\rb\""})
    EXPECT_NE(complaint(std::string("name: x\n") + key + "\n"), "") << key;
}

TEST(Profile, RefusesVariablesThatAreNone) {
  EXPECT_THAT(complaint("name: x\nenvironment: {'A;B': x}\n"), HasSubstr("is no name of a variable"));
  EXPECT_THAT(complaint("name: x\nenvironment: {PATH: /evil}\n"), HasSubstr("environment.PATH would break the job"));
  EXPECT_THAT(complaint("name: x\nexport: ['A*B']\n"), HasSubstr("export[0]"));
  EXPECT_THAT(complaint("name: x\nscratch: '/tmp/$(id)'\n"), HasSubstr("scratch is"));
  EXPECT_EQ(complaint("name: x\nscratch: '/mnt/bb/$USER/x'\n"), "");
}

TEST(Profile, AContainerNeedsItsParts) {
  EXPECT_THAT(complaint("name: x\ncontainer: {kind: pyxis}\n"), HasSubstr("container.kind needs container.image"));
  EXPECT_THAT(complaint("name: x\nlauncher: ibrun\ncontainer: {kind: pyxis, image: i}\n"), HasSubstr("plugin of srun"));
  EXPECT_THAT(complaint("name: x\ncontainer: {image: i}\n"), HasSubstr("container.kind is none"));
  EXPECT_THAT(complaint("name: x\ncontainer: {kind: apptainer, image: i, binds: ['/a,/b']}\n"), HasSubstr("binds[0]"));
}

TEST(Inheritance, SectionsAreMergedAndListsReplaced) {
  const fixture::Profiles files;
  files.write("a", "base",
              "name: base\ntitle: the base\nmodules: [one, two]\nenvironment: {A: x, B: y}\n"
              "match: {host: [base]}\ngpus: {request: gres, gres: 'gpu:a100'}\n");
  const auto child = files.write("a", "child", "name: child\ninherits: base\nmodules: [three]\nenvironment: {B: z}\n");

  const Site site = load(child, {});

  EXPECT_EQ(site.name, "child");
  EXPECT_EQ(site.title, "") << "a title says who a profile is";
  EXPECT_TRUE(site.match.host.empty()) << "two profiles would fit the same host";
  EXPECT_THAT(site.modules, ElementsAre("three"));
  EXPECT_EQ(site.environment.at("A"), "x");
  EXPECT_EQ(site.environment.at("B"), "z");
  EXPECT_EQ(site.gpus.gres, "gpu:a100");
  EXPECT_FALSE(site.inherits);
}

TEST(Inheritance, AMistakeInAParentIsReportedWhereItStands) {
  const fixture::Profiles files;
  const auto base = files.write("a", "base", "name: base\nlauncher: nonsense\n");
  const auto child = files.write("b", "child", "name: child\ninherits: base\ncolour: red\n");

  const std::string words = pst::fixture::error_of(Fault::usage, [&] {
    load(child, {files.folder("b"), files.folder("a")});
  });

  EXPECT_THAT(words, HasSubstr(base.string() + ":2:11: launcher is nonsense"));
  EXPECT_THAT(words, HasSubstr(child.string() + ":3:1: unknown key 'colour'"));
}

TEST(Inheritance, CirclesAndMissingParentsNameFileAndLine) {
  const fixture::Profiles files;
  const auto one = files.write("a", "one", "name: one\ninherits: two\n");
  const auto two = files.write("a", "two", "name: two\ninherits: one\n");
  const auto lonely = files.write("a", "lonely", "name: lonely\ninherits: nobody\n");
  const auto self = files.write("a", "self", "name: self\n\ninherits: self\n");

  const auto words = [](const fs::path& file) { return pst::fixture::error_of(Fault::usage, [&] { load(file, {}); }); };
  EXPECT_THAT(words(one),
              HasSubstr(two.string() + ":2:11: inherits is one, which inherits from this profile: a circle"));
  EXPECT_THAT(words(lonely),
              HasSubstr(lonely.string() + ":2:11: inherits is \"nobody\", and there is no nobody.yaml in "));
  EXPECT_THAT(words(self), HasSubstr(self.string() + ":3:11: inherits is \"self\", and there is no further self.yaml"));
}

TEST(Inheritance, TheSameNameMeansTheNextFolder) {
  const fixture::Profiles files;
  files.write("system", "ours", "name: ours\naccount_required: true\nmodules: [a]\n");
  const auto mine = files.write("user", "ours", "name: ours\ninherits: ours\nmodules: [b]\n");

  const Site site = load(mine, {files.folder("user"), files.folder("system")});

  EXPECT_TRUE(site.account_required);
  EXPECT_THAT(site.modules, ElementsAre("b"));
}

TEST(Profile, TheFileIsCalledAsItsName) {
  const fixture::Profiles files;
  const auto file = files.write("a", "other", "name: ours\n");
  EXPECT_THAT(pst::fixture::error_of(Fault::usage, [&] { load(file, {}); }),
              HasSubstr(":1:7: name is ours, and the file is other.yaml"));
  EXPECT_EQ(load_effective(file).name, "ours") << "site.yaml of a run is called so for every site";
}

TEST(LoadSite, AProfileThatOthersMayWriteIsNotBelieved) {
  const fixture::Profiles profiles;
  const auto file = profiles.write("a", "mine", "name: mine\nsetup: [echo]\n");
  EXPECT_NO_THROW(load(file, {}));
  pst::fixture::set_mode(file, 0666);
  EXPECT_THAT(pst::fixture::error_of(Fault::usage, [&] { load(file, {}); }), HasSubstr("everybody may write it"));
  EXPECT_THAT(pst::fixture::error_of(Fault::usage, [&] { load_effective(file); }), HasSubstr("everybody may write it"));
}

TEST(LoadSite, AnotherClusterIsForEveryCommandToAsk) {
  EXPECT_THAT(complaint("name: x\nextra_sbatch: [--clusters=alps]\n"), HasSubstr("SLURM_CLUSTERS"));
}

TEST(LoadSite, SrunsOwnVariablesAreArguments) {
  EXPECT_THAT(complaint("name: x\nenvironment: { SLURM_LABELIO: '1' }\n"),
              HasSubstr("environment.SLURM_LABELIO is not given to srun; write the option itself as extra_srun"));
}

}  // namespace
}  // namespace pst::site
