// SPDX-License-Identifier: Apache-2.0
#include <gmock/gmock.h>
#include <hdf5.h>

#include <chrono>
#include <cstring>
#include <thread>

#include "checkpoint/export_adapter.hpp"
#include "checkpoint/fletcher32.hpp"
#include "checkpoint/interval.hpp"
#include "core/strings.hpp"
#include "support/errors.hpp"
#include "unit/checkpoint/a_run.hpp"
#include "weights/safetensors.hpp"

namespace pst::checkpoint {
namespace {

using fixture::awkward_state;
using fixture::Ranks;
using fixture::RunState;
using fixture::TemporaryDirectory;
using testing::HasSubstr;

class OnRanks : public testing::TestWithParam<int> {};
INSTANTIATE_TEST_SUITE_P(Checkpoint, OnRanks, testing::Values(1, 2, 4, 5));

TEST_P(OnRanks, WhatIsSavedIsLoadedBitForBit) {
  const TemporaryDirectory dir;
  const RunState state = awkward_state();
  Ranks ranks(dir.path() / "checkpoints", GetParam(), state);
  Manifest manifest;
  manifest.state = {{"step", 120}, {"loss", 0.1}, {"rng", {1, 2, 3}}};

  const auto saved = ranks.save(120, manifest);

  ASSERT_EQ(saved.phase, Writer::Phase::committed) << saved.problem;
  EXPECT_EQ(saved.warning, "");
  std::vector<Rejected> rejected;
  const auto found = newest_valid(dir.path() / "checkpoints", rejected);
  ASSERT_TRUE(found.has_value()) << (rejected.empty() ? "" : rejected[0].why);
  EXPECT_EQ(found->folder.filename(), "step-00000120");
  EXPECT_EQ(found->manifest.step, 120);
  EXPECT_EQ(nlohmann::json(found->manifest.state), nlohmann::json(manifest.state));
  EXPECT_EQ(found->manifest.tensors, state.specs);
  RunState read = state.blank();
  load(*found, read.targets());
  EXPECT_EQ(read.values, state.values);
}

/// The values of `name` as libhdf5 gives them, which also checks every checksum.
std::vector<float> through_hdf5(const fs::path& file, const std::string& name, std::size_t values,
                                Dtype dtype = Dtype::f32) {
  std::vector<float> read(values, dtype == Dtype::u8 ? 0.f : -1.f);
  const hid_t type = dtype == Dtype::u8 ? H5T_NATIVE_UINT8 : H5T_NATIVE_FLOAT;
  const hid_t opened = H5Fopen(file.c_str(), H5F_ACC_RDONLY, H5P_DEFAULT);
  const hid_t dataset = H5Dopen2(opened, name.c_str(), H5P_DEFAULT);
  EXPECT_GE(H5Dread(dataset, type, H5S_ALL, H5S_ALL, H5P_DEFAULT, read.data()), 0) << name;
  H5Dclose(dataset);
  H5Fclose(opened);
  return read;
}

TEST_P(OnRanks, OthersSeeWholeTensorsInStateH5) {
  const TemporaryDirectory dir;
  const RunState state = awkward_state();
  ASSERT_EQ(Ranks(dir.path(), GetParam(), state).save(7).phase, Writer::Phase::committed);
  // Moved away: names in state.h5 are relative to it, not to the working directory.
  fs::rename(dir / "step-00000007", dir / "copied");

  for (std::size_t i = 0; i < state.specs.size(); ++i)
    EXPECT_EQ(through_hdf5(dir / "copied/state.h5", state.specs[i].name, state.values[i].size(), state.specs[i].dtype),
              state.values[i])
        << state.specs[i].name;
}

TEST(Checkpoint, HdfChecksEveryChunkWithOurSum) {
  const TemporaryDirectory dir;
  const RunState state = awkward_state();
  ASSERT_EQ(Ranks(dir.path(), 1, state).save(7).phase, Writer::Phase::committed);

  const auto& large = state.values.back();
  EXPECT_EQ(through_hdf5(dir / "step-00000007/rank-0.h5", state.specs.back().name, large.size()), large);
}

TEST(Checkpoint, TheSameStateMakesTheSameBytes) {
  const TemporaryDirectory dir;
  const RunState state = awkward_state();
  Ranks first(dir / "a", 2, state);
  std::this_thread::sleep_for(std::chrono::milliseconds(1100));  // HDF5 would write the time in whole seconds
  Ranks second(dir / "b", 2, state);

  ASSERT_EQ(first.save(7).phase, Writer::Phase::committed);
  ASSERT_EQ(second.save(7).phase, Writer::Phase::committed);

  const auto a = read_manifest(dir / "a/step-00000007"), b = read_manifest(dir / "b/step-00000007");
  for (std::size_t i = 0; i < a.files.size(); ++i) EXPECT_EQ(a.files[i].digest, b.files[i].digest) << a.files[i].name;
}

/// A tensor of 11 rows, of which each rank has, and stores, some.
class InOwnRows : public testing::Test {
 protected:
  const TemporaryDirectory dir_;
  RunState state_{{{"adapter/whole", {11, 3}}, {"optimizer/shared", {11, 3}}}};
  std::string problems_;

  /// Saves with these shares of both tensors; a rank has no more than its own rows of the second.
  void save(const std::vector<Rows>& shares) {
    std::vector<std::unique_ptr<Writer>> writers;
    std::vector<Receipt> receipts;
    const int ranks = static_cast<int>(shares.size());
    for (int rank = 0; rank < ranks; ++rank) {
      const Rows mine = shares[static_cast<std::size_t>(rank)];
      auto refs = state_.refs();
      refs[1].first_row = mine.begin;
      refs[1].values = state_.targets()[1].values.part(3 * mine.begin, 3 * mine.count());
      writers.push_back(
          std::make_unique<Writer>(dir_.path(), rank, ranks, 1, refs, Writer::Options{.division = {shares, shares}}));
      writers.back()->begin(7);
      receipts.push_back({writers.back()->wait().file, {}});
    }
    writers[0]->receive(std::move(receipts));
    ASSERT_EQ(writers[0]->wait().phase, Writer::Phase::committed);
    problems_ = join(problems_of(dir_ / "step-00000007", Check::digests), "; ");
  }
};

TEST_F(InOwnRows, AreReadWholeAndByAnyOtherRows) {
  save({{0, 4}, {4, 4}, {4, 10}, {10, 11}});

  ASSERT_EQ(problems_, "");
  const Found found = open_valid(dir_ / "step-00000007");
  RunState read = state_.blank();
  load(found, read.targets());
  EXPECT_EQ(read.values, state_.values);
  EXPECT_EQ(through_hdf5(dir_ / "step-00000007/state.h5", "optimizer/shared", 33), state_.values[1]);
  for (std::int64_t first = 0; first < 11; ++first)
    for (std::int64_t last = first; last <= 11; ++last) {
      std::vector<float> rows(static_cast<std::size_t>(3 * (last - first)), -1.f);
      load(found, {read.targets()[0], {"optimizer/shared", {11, 3}, view_of(std::span(rows)), first}});
      EXPECT_THAT(rows,
                  testing::ElementsAreArray(state_.values[1].begin() + 3 * first, state_.values[1].begin() + 3 * last));
    }
}

TEST_F(InOwnRows, ThatLeaveOneOutAreNoCheckpoint) {
  save({{0, 4}, {5, 11}});
  EXPECT_THAT(problems_, HasSubstr("after row 4 of 11 one is missing"));
}

TEST_F(InOwnRows, ThatEndTooSoonAreNoCheckpoint) {
  save({{0, 4}, {4, 10}});
  EXPECT_THAT(problems_, HasSubstr("after row 10 of 11 one is missing"));
}

TEST_F(InOwnRows, ThatOverlapAreNoCheckpoint) {
  save({{0, 5}, {4, 11}});
  EXPECT_THAT(problems_, HasSubstr("after row 5 of 11 one is missing or there twice"));
}

TEST(Checkpoint, ASnapshotIsOfTheMomentOfBegin) {
  const TemporaryDirectory dir;
  RunState state = awkward_state();
  const RunState before = state;
  Writer writer(dir.path(), 0, 1, 1, state.refs());

  writer.begin(3);
  for (auto& tensor : state.values) std::fill(tensor.begin(), tensor.end(), 9.f);  // training goes on
  ASSERT_EQ(writer.wait().phase, Writer::Phase::committed);

  RunState read = state.blank();
  load(open_valid(dir / "step-00000003"), read.targets());
  EXPECT_EQ(read.values, before.values);
}

TEST(Checkpoint, EverythingAskedForIsThereAndNothingIsLeftOver) {
  const TemporaryDirectory dir;
  RunState state = fixture::small_state();
  ASSERT_EQ(Ranks(dir.path(), 2, state).save(7).phase, Writer::Phase::committed);
  const Found found = open_valid(dir / "step-00000007");

  auto fewer = state.targets();
  fewer.pop_back();
  EXPECT_THAT(fixture::error_of(Fault::data, [&] { load(found, fewer); }),
              HasSubstr("has a tensor \"optimizer/exp_avg_sq/a\" that this run does not"));
  auto more = state.targets();
  more.push_back({"adapter/b", {0}, {}});
  EXPECT_THAT(fixture::error_of(Fault::data, [&] { load(found, more); }), HasSubstr("has no tensor \"adapter/b\""));
  auto turned = state.targets();
  turned[0].shape = {6, 4};
  EXPECT_THAT(fixture::error_of(Fault::data, [&] { load(found, turned); }), HasSubstr("[4, 6]; this run has [6, 4]"));
  auto codes = state.targets();
  codes[0].values.dtype = Dtype::u8;
  EXPECT_THAT(fixture::error_of(Fault::data, [&] { load(found, codes); }), HasSubstr("is F32; this run has U8"));
}

/// The values of an exported adapter's only tensor.
std::vector<float> exported(const RunState& state, const fs::path& into) {
  const TemporaryDirectory dir;
  Manifest manifest;
  manifest.adapter_config = "{}";
  EXPECT_EQ(Ranks(dir.path(), 2, state).save(7, manifest).phase, Writer::Phase::committed);
  export_adapter(open_valid(dir / "step-00000007"), into);
  const auto store = weights::TensorStore::open(into / "adapter_model.safetensors");
  EXPECT_EQ(store.tensors().size(), 1u);
  const auto bytes = store.tensors()[0].bytes;
  std::vector<float> values(bytes.size() / sizeof(float));
  std::memcpy(values.data(), bytes.data(), bytes.size());
  return values;
}

TEST(Checkpoint, AnAverageIsWhatIsExportedWhereThereIsOne) {
  const TemporaryDirectory dir;
  const std::string name = "model.layers.0.q_proj.lora_A.weight";
  const RunState plain({{"adapter/" + name, {3, 5}}, {"optimizer/exp_avg/" + name, {3, 5}}});
  EXPECT_EQ(exported(plain, dir / "plain"), plain.values[0]);

  const RunState averaged({{"adapter/" + name, {3, 5}}, {"optimizer/averaged/" + name, {3, 5}}});
  EXPECT_EQ(exported(averaged, dir / "averaged"), averaged.values[1]);
  EXPECT_NE(averaged.values[0], averaged.values[1]);
}

TEST(Fletcher32, IsTheSumOfItsDefinition) {
  // Word by word, as the definition has it: the obvious way.
  const auto plain = [](const std::vector<unsigned char>& bytes) {
    std::uint64_t sum1 = 0, sum2 = 0;
    for (std::size_t i = 0; i < bytes.size(); i += 2) {
      sum1 += bytes[i] * 256u + (i + 1 < bytes.size() ? bytes[i + 1] : 0u);
      while (sum1 > 65535) sum1 -= 65535;
      sum2 += sum1;
      while (sum2 > 65535) sum2 -= 65535;
    }
    return static_cast<std::uint32_t>(sum2 << 16 | sum1);
  };
  for (const std::size_t size : {0, 1, 2, 3, 255, 512, 513, 1 << 16, (1 << 20) + 1}) {
    std::vector<unsigned char> bytes(size, 0xff);  // the largest sums there can be
    for (const bool varied : {false, true}) {
      if (varied)
        for (std::size_t i = 0; i < size; ++i) bytes[i] = static_cast<unsigned char>(i * 167 + (i >> 8));
      Fletcher32 sum;
      const std::span all = std::as_bytes(std::span(bytes));
      sum.add(all.first(size / 4 * 2));
      sum.add(all.subspan(size / 4 * 2));
      EXPECT_EQ(sum.value(), plain(bytes)) << size;
    }
  }
}

TEST(Shares, CoverEveryRowOnce) {
  for (const std::int64_t rows : {std::int64_t{0}, std::int64_t{1}, std::int64_t{7}, std::int64_t{1} << 44})
    for (const int ranks : {1, 2, 3, 8, 1000}) {
      std::int64_t next = 0;
      const Division division = even_division({{"a", {rows, 2}}}, ranks);
      for (const Rows share : division.front()) {
        EXPECT_EQ(share.begin, next);
        next = share.end;
      }
      EXPECT_EQ(next, rows);
    }
}

TEST(Interval, FollowsYoung) {
  EXPECT_DOUBLE_EQ(young_daly_interval(2, 3600), 120);
  EXPECT_DOUBLE_EQ(young_daly_interval(100, 1), 100);  // never more time saving than training
}

TEST(Interval, IsOfWhatTrainingPaysAndNeverMoreThanAMinuteWhereWritingIsCheap) {
  EXPECT_DOUBLE_EQ(save_interval({.stall_s = 0.01, .behind_s = 0.2}, 20'000), 20) << "Young's, of the stall";
  EXPECT_DOUBLE_EQ(save_interval({.stall_s = 0.01, .behind_s = 0.2}, 3.6e6), 60) << "0.35 % of a minute";
  EXPECT_DOUBLE_EQ(save_interval({.stall_s = 1, .behind_s = 9}, 3.6e6), 2000) << "half a percent of the time";
  EXPECT_DOUBLE_EQ(save_interval({.stall_s = 0.001, .behind_s = 5}, 60), 5.001) << "one after the other";
}

TEST(Interval, OneEarlyFailureDoesNotCountAsOneInEverySecond) {
  EXPECT_DOUBLE_EQ(seen_mtbf(1, 0, 9e5), 9e5);
  EXPECT_DOUBLE_EQ(seen_mtbf(3, 1, 9e5), 3603 / 2.0);
  EXPECT_DOUBLE_EQ(seen_mtbf(3600, 9, 9e5), 720);
  EXPECT_DOUBLE_EQ(seen_mtbf(9e6, 1, 9e5), 9e5);
  EXPECT_DOUBLE_EQ(seen_mtbf(-5, 1, 9e5), 1800) << "a clock that was set back";
}

}  // namespace
}  // namespace pst::checkpoint
