// SPDX-License-Identifier: Apache-2.0
#include <gmock/gmock.h>
#include <sys/stat.h>

#include <fstream>

#include "checkpoint/fletcher32.hpp"
#include "checkpoint/rank_index.hpp"
#include "core/clock.hpp"
#include "core/digest.hpp"
#include "core/file.hpp"
#include "support/errors.hpp"
#include "unit/checkpoint/a_run.hpp"

namespace pst::checkpoint {
namespace {

using fixture::Ranks;
using fixture::RunState;
using fixture::small_state;
using fixture::TemporaryDirectory;
using testing::HasSubstr;

void put(const fs::path& path, const std::string& content) {
  std::ofstream(path, std::ios::binary | std::ios::trunc) << content;
}

const std::vector<std::string> kFiles = {"manifest.json", "state.h5", "rank-0.h5", "rank-1.h5"};

TEST(Damage, EveryFlippedBitAndEveryCutIsNoticed) {
  const TemporaryDirectory dir;
  RunState state = small_state();
  Ranks ranks(dir.path(), 2, state);
  ASSERT_EQ(ranks.save(10).phase, Writer::Phase::committed);
  ASSERT_EQ(ranks.save(20).phase, Writer::Phase::committed);
  int flips = 0, cuts = 0;
  double slowest_s = 0;

  const auto expect_noticed = [&](const std::string& file) {
    std::vector<Rejected> rejected;
    const double begin_s = monotonic_seconds();
    const auto found = newest_valid(dir.path(), rejected);
    slowest_s = std::max(slowest_s, monotonic_seconds() - begin_s);
    ASSERT_TRUE(found && found->manifest.step == 10) << file;
    ASSERT_EQ(rejected.size(), 1u);
    ASSERT_THAT(rejected[0].why, HasSubstr(file));
  };
  for (const auto& file : kFiles) {
    const fs::path path = dir / "step-00000020" / file;
    const std::string whole = read_file(path);
    for (std::size_t i = 0; i < 250; ++i, ++flips) {
      std::string damaged = whole;
      const std::size_t bit = (whole.size() * 8 - 1) * i / 249;  // the first and the last bit, and evenly between
      damaged[bit / 8] = static_cast<char>(damaged[bit / 8] ^ 1 << bit % 8);
      put(path, damaged);
      ASSERT_NO_FATAL_FAILURE(expect_noticed(file)) << "bit " << bit;
    }
    for (std::size_t i = 0; i < 25; ++i, ++cuts) {
      put(path, whole.substr(0, (whole.size() - 1) * i / 24));
      ASSERT_NO_FATAL_FAILURE(expect_noticed(file)) << "cut " << i;
    }
    put(path, whole);
  }
  EXPECT_EQ(flips, 1000);
  EXPECT_EQ(cuts, 100);
  RecordProperty("slowest_fallback_ms", static_cast<int>(slowest_s * 1e3));
  load(open_valid(dir / "step-00000020"), state.targets());  // put back, it is whole again
}

TEST(Damage, AFileThatIsSomethingElseIsRefused) {
  const TemporaryDirectory dir;
  ASSERT_EQ(Ranks(dir.path(), 2, small_state()).save(10).phase, Writer::Phase::committed);
  const fs::path folder = dir / "step-00000010", file = folder / "rank-1.h5";

  fs::rename(file, dir / "elsewhere");
  fs::create_symlink(dir / "elsewhere", file);
  EXPECT_THAT(fixture::error_of(Fault::data, [&] { open_valid(folder); }), HasSubstr("rank-1.h5 cannot be opened"));
  fs::remove(file);
  EXPECT_THAT(fixture::error_of(Fault::data, [&] { open_valid(folder); }), HasSubstr("rank-1.h5 is missing"));
  ASSERT_EQ(::mkfifo(file.c_str(), 0600), 0);
  EXPECT_THAT(fixture::error_of(Fault::data, [&] { open_valid(folder); }), HasSubstr("is no regular file"));
  fs::remove(file);
  fs::copy_file(folder / "rank-0.h5", file);  // of the same size, and whole, but not this file
  EXPECT_THAT(fixture::error_of(Fault::data, [&] { open_valid(folder); }), HasSubstr("rank-1.h5"));
}

TEST(Damage, ACheckpointUnderAnotherStepsNameIsRefused) {
  const TemporaryDirectory dir;
  ASSERT_EQ(Ranks(dir.path(), 1, small_state()).save(10).phase, Writer::Phase::committed);

  fs::rename(dir / "step-00000010", dir / "step-00000020");

  EXPECT_THAT(fixture::error_of(Fault::data, [&] { open_valid(dir / "step-00000020"); }), HasSubstr("is of step 10"));
}

// What an attacker writes has the right digests.
class Forged : public testing::Test {
 protected:
  Manifest manifest_;
  void SetUp() override {
    manifest_.files = {{"state.h5", 1, std::string(32, 'a')}, {"rank-0.h5", 1, std::string(32, 'a')}};
    manifest_.tensors = {{"adapter/a", {4, 6}}};
  }
  std::string refusal() const {
    return fixture::error_of(Fault::data, [&] { parse_manifest(to_text(manifest_), "m"); });
  }
};

TEST_F(Forged, IsReadWhenItIsGood) { EXPECT_EQ(parse_manifest(to_text(manifest_), "m").tensors, manifest_.tensors); }
TEST_F(Forged, NamesNeverLeadOutOfTheFolder) {
  for (const char* name :
       {"../rank-0.h5", "/etc/passwd", "rank-00.h5", "rank-1.h5", "rank-0.h5/../x", "state.h5", ""}) {
    manifest_.files[1].name = name;
    EXPECT_THAT(refusal(), HasSubstr("is no file of this checkpoint")) << name;
  }
}
TEST_F(Forged, ShapesAreBounded) {
  for (const auto& shape : std::vector<std::vector<std::int64_t>>{
           {-1}, {1ll << 45}, {1ll << 40, 1ll << 40}, {1, 1, 1, 1, 1, 1, 1, 1, 1}, {0, 1ll << 44, 1ll << 44}}) {
    manifest_.tensors[0].shape = shape;
    EXPECT_THAT(refusal(), HasSubstr("shape"));
  }
}
TEST_F(Forged, NumbersAreBounded) {
  manifest_.ranks = 1 << 30;
  EXPECT_THAT(refusal(), HasSubstr("m:6: 'ranks' is 1073741824; it must be a whole number from 1"));
  manifest_.ranks = 1, manifest_.step = -4;
  EXPECT_THAT(refusal(), HasSubstr("'step'"));
  manifest_.step = 0, manifest_.format = 2;
  EXPECT_THAT(refusal(), HasSubstr("has format 2; this program reads 1"));
}
/// A megabyte that claims to be two gigabytes: every row is the same bytes of the file. Its digests and checksums are
/// right.
TEST(ForgedFile, ChunksHaveNoBytesInCommon) {
  constexpr std::int64_t kRows = 2000, kValues = 1 << 18;
  const TemporaryDirectory dir;
  const fs::path folder = dir / "step-00000010";
  fs::create_directory(folder);
  const std::string row(4 * kValues, '\0');
  Fletcher32 sum;
  sum.add(std::as_bytes(std::span(row)));
  std::string checksum(4, '\0');
  for (std::size_t i = 0; i < 4; ++i) checksum[i] = static_cast<char>(sum.value() >> (8 * i) & 0xff);
  const TensorSpec tensor{"adapter/a", {kRows, kValues}};
  const auto forge = [&](const std::vector<StoredShare>& shares) {
    const std::string file = row + checksum + row + checksum + write_index({.rank = 0, .ranks = 1, .shares = shares});
    put(folder / "rank-0.h5", file);
    put(folder / "state.h5", "x");
    Manifest manifest{.step = 10, .adapter_config = "{}"};
    for (const auto& share : shares) manifest.tensors.push_back(share.tensor);
    manifest.files = {{"state.h5", 1, digest("x")}, {"rank-0.h5", file.size(), digest(file)}};
    put(folder / "manifest.json", to_text(manifest));
  };

  forge({{tensor, 0, kRows, 1, std::vector<std::uint64_t>(kRows, 0)}});
  EXPECT_THAT(fixture::error_of(Fault::data, [&] { open_valid(folder); }),
              HasSubstr("two chunks have bytes in common at byte 0: of \"adapter/a\" and of \"adapter/a\""));

  const TensorSpec one{"adapter/a", {1, kValues}}, other{"adapter/b", {1, kValues}};
  forge({{one, 0, 1, 1, {0}}, {other, 0, 1, 1, {row.size() + 3}}});
  EXPECT_THAT(fixture::error_of(Fault::data, [&] { open_valid(folder); }),
              HasSubstr("two chunks have bytes in common"));
  forge({{one, 0, 1, 1, {0}}, {other, 0, 1, 1, {row.size() + 4}}});
  EXPECT_NO_THROW(open_valid(folder));
}

TEST_F(Forged, NothingIsTwice) {
  manifest_.tensors.push_back(manifest_.tensors[0]);
  EXPECT_THAT(refusal(), HasSubstr("listed twice"));
}

}  // namespace
}  // namespace pst::checkpoint
