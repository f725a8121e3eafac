// SPDX-License-Identifier: Apache-2.0
#include "datafiles/compression.hpp"

#include <gmock/gmock.h>

#include <sys/resource.h>

#include "core/rng.hpp"
#include "read_rows.hpp"

namespace pst::datafiles {
namespace {

using ::testing::HasSubstr;

std::string unpacked(const Compression& row, std::string_view packed) {
  std::string all;
  const auto stream = row.open(packed);
  for (auto piece = stream->next(); !piece.empty(); piece = stream->next()) all += piece;
  return all;
}

std::string random_text(std::size_t size) {
  const Rng rng(7);
  std::string text;
  for (std::size_t i = 0; i < size; ++i) text += static_cast<char>('a' + rng.below(20, i));
  return text;
}

TEST(Compression, WhatIsPackedIsUnpacked) {
  for (const Compression* const row : compressions())
    for (const std::size_t size : {0, 1, 1000, 262'144, 262'145, 1'500'000}) {
      SCOPED_TRACE(cat(row->name, " ", size));
      const std::string text = random_text(size), packed = row->pack(text);

      EXPECT_EQ(compression_of(packed), row);
      EXPECT_TRUE(unpacked(*row, packed) == text);
      EXPECT_TRUE(unpacked(*row, packed + packed) == text + text) << "streams one after another are one text";
    }
}

TEST(Compression, EachCutAndEachFlippedByteIsTold) {
  for (const Compression* const row : compressions()) {
    const std::string text = random_text(300), packed = row->pack(text);
    int told = 0;
    for (std::size_t size = 1; size < packed.size(); ++size) {
      try {
        unpacked(*row, packed.substr(0, size));
        ADD_FAILURE() << row->name << " cut at " << size << " was taken";
      } catch (const Error& error) {
        EXPECT_EQ(error.fault(), Fault::data);
        EXPECT_FALSE(error.remedy().empty());
      }
    }
    for (std::size_t at = 0; at < packed.size(); ++at) {
      std::string damaged = packed;
      damaged[at] = static_cast<char>(damaged[at] ^ 0x10);
      try {
        // A header has bytes that say nothing of the text: gzip's time and system.
        EXPECT_TRUE(unpacked(*row, damaged) == text)
            << row->name << " with byte " << at << " flipped gave another text";
      } catch (const Error& error) {
        EXPECT_THAT(error.message(), HasSubstr("damaged after"));
        ++told;
      }
    }
    EXPECT_GT(told, static_cast<int>(packed.size()) - 16) << row->name;
  }
}

TEST(Compression, IsKnownByContentWhateverTheName) {
  fixture::Files files;
  const std::string text = "{\"text\": \"a\"}\n{\"text\": \"b\"}\n";
  for (const Compression* const row : compressions())
    for (const std::string& name : {cat("a.jsonl", row->suffix), std::string("a.jsonl"), std::string("a.bin")}) {
      EXPECT_THAT(files.read(name, row->pack(text)),
                  ::testing::ElementsAre("1: {\"text\":\"a\"}", "2: {\"text\":\"b\"}"));
      EXPECT_EQ(files.told(name, row->pack(text)), row->name);
    }
  EXPECT_THAT(files.refusal("e.jsonl.gz", compressions()[0]->pack("")),
              HasSubstr("is empty, once decompressed (gzip)"));
  EXPECT_EQ(files.told("plain.jsonl.gz", text), "") << "a name that is wrong harms nothing";
}

TEST(Compression, LinesAreTheSameThroughAnyWindow) {
  // Records that straddle the pieces of a decoder, in each form.
  fixture::Files files;
  std::string lines, list = "[";
  for (int i = 0; i < 4000; ++i) {
    const std::string record = cat("{\"text\": \"", i, " ", random_text(static_cast<std::size_t>(i) % 400), "\\\"]\"}");
    lines += record + (i % 3 == 0 ? "\r\n" : "\n");
    list += (i > 0 ? ",\n" : "") + record;
  }
  list += "]";
  const auto plain = files.read("a.jsonl", lines), plain_list = files.read("a.json", list);
  ASSERT_EQ(plain.size(), 4000u);
  ASSERT_EQ(plain_list.size(), 4000u);
  for (const Compression* const row : compressions()) {
    EXPECT_EQ(files.read("b.jsonl", row->pack(lines)), plain);
    EXPECT_EQ(files.read("b.json", row->pack(list)), plain_list);
  }
}

TEST(Compression, ABombIsRefused) {
  fixture::Files files;
  const Compression* const zstd = compressions()[1];
  std::string bomb;
  const std::string piece = zstd->pack(std::string(std::size_t{32} << 20, ' '));
  for (int i = 0; i < 36; ++i) bomb += piece;

  const auto rows = files.read("a.jsonl", bomb);

  EXPECT_THAT(rows, ::testing::Contains(HasSubstr("become more than 2000 times as large")));
  rusage usage{};
  ::getrusage(RUSAGE_SELF, &usage);
  EXPECT_LT(usage.ru_maxrss, 500'000) << "KiB: the longest line is read, and the bomb is not";
}

}  // namespace
}  // namespace pst::datafiles
