// SPDX-License-Identifier: Apache-2.0
#include <gmock/gmock.h>

#include <cstring>
#include <numeric>

#include "core/error.hpp"
#include "core/file.hpp"
#include "support/temporary_directory.hpp"

namespace pst {
namespace {

TEST(MappedFile, WhatWasLetGoIsReadAgain) {
  const fixture::TemporaryDirectory dir;
  std::string content(3 << 20, '\0');
  for (std::size_t i = 0; i < content.size(); ++i) content[i] = static_cast<char>(i * i >> 5);
  write_durably(dir / "file", content);
  const MappedFile file(dir / "file");
  for (const std::size_t begin : {0, 1, 5000}) {
    let_go(file.bytes().subspan(begin));
    EXPECT_EQ(std::memcmp(file.bytes().data(), content.data(), content.size()), 0);
  }
  let_go(file.bytes().first(10));
  let_go({});
}

constexpr std::size_t kBytes = 1 << 20;

int sum_of(const MappedFile& file) {
  return std::accumulate(file.bytes().begin(), file.bytes().end(), 0,
                         [](int sum, std::byte byte) { return sum + std::to_integer<int>(byte); });
}

TEST(MappedFile, ThatIsCutEndsTheProgramWithAMessage) {
  const fixture::TemporaryDirectory dir;
  write_durably(dir / "weights", std::string(kBytes, '\1'));
  EXPECT_EXIT(
      {
        const MappedFile file(dir / "weights");
        fs::resize_file(dir / "weights", 10);
        std::_Exit(sum_of(file) == 0);
      },
      testing::ExitedWithCode(65), "error.data.: .*/weights became shorter while it was read.*\n  try: ");
}

TEST(MappedFile, ThatIsCutReadsAsZerosWhereThatIsAskedForAndIsToldOf) {
  const fixture::TemporaryDirectory dir;
  write_durably(dir / "data", std::string(kBytes, '\1'));
  const MappedFile file(dir / "data", WhenCut::read_zeros);
  EXPECT_EQ(sum_of(file), static_cast<int>(kBytes));
  EXPECT_NO_THROW(file.check());

  fs::resize_file(dir / "data", 10);

  EXPECT_EQ(sum_of(file), 10) << "a page keeps what it has of the file";
  EXPECT_THROW(file.check(), Error);
  fs::remove(dir / "data");
  EXPECT_THROW(file.check(), Error) << "whatever is there now";
}

TEST(MappedFile, ThatIsWrittenWhileItIsReadIsToldOf) {
  const fixture::TemporaryDirectory dir;
  write_durably(dir / "data", "one");
  const MappedFile file(dir / "data", WhenCut::read_zeros);
  AppendFile(dir / "data").append("two");
  EXPECT_THROW(file.check(), Error);
}

TEST(MappedFile, ThatIsReplacedIsStillTheOneThatWasOpened) {
  const fixture::TemporaryDirectory dir;
  write_durably(dir / "data", "one");
  const MappedFile file(dir / "data", WhenCut::read_zeros);
  write_durably(dir / "data", "another");
  EXPECT_NO_THROW(file.check());
  EXPECT_EQ(std::memcmp(file.bytes().data(), "one", 3), 0);
}

}  // namespace
}  // namespace pst
