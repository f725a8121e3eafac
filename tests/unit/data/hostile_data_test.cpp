// SPDX-License-Identifier: Apache-2.0
#include <gmock/gmock.h>

#include <chrono>

#include "core/strings.hpp"
#include "data/read_source.hpp"
#include "support/temporary_directory.hpp"

namespace pst::data {
namespace {

using recipe::DataFormat;

std::string repeated(const std::string& text, std::size_t times) {
  std::string all;
  all.reserve(text.size() * times);
  for (std::size_t i = 0; i < times; ++i) all += text;
  return all;
}

struct Hostile {
  const char* name;
  DataFormat format;
  std::string content;
  const char* message;
};

std::vector<Hostile> hostile_files() {
  std::string many_keys = "{";
  for (int i = 0; i < 200'000; ++i) many_keys += cat(i > 0 ? "," : "", "\"k", i, "\":1");
  many_keys += "}";
  std::string zip_of_lists = "{\"messages\": " + repeated("[", 2'000'000);
  std::string binary;
  for (int i = 0; i < 100'000; ++i) binary += static_cast<char>(i * 37);
  return {
      {"deep lists", DataFormat::chat, zip_of_lists, "nested more than 64 levels deep"},
      {"deep objects", DataFormat::chat, repeated("{\"a\":", 2'000'000), "nested more than 64 levels deep"},
      {"many keys", DataFormat::chat, many_keys, "more than 256 keys"},
      {"overlong line", DataFormat::chat, "{\"messages\": \"" + std::string((64u << 20) + 1, 'x') + "\"}",
       "longer than 64 MiB"},
      {"overlong text line", DataFormat::text, std::string((64u << 20) + 1, 'x'), "longer than 64 MiB"},
      {"NUL", DataFormat::text, std::string("{\"text\": \"a\0b\"}", 15), "NUL byte"},
      {"binary", DataFormat::chat, binary, "the line"},
      {"long bad token", DataFormat::chat, std::string(1'000'000, 'z'), "not JSON at column 1"},
      {"endless number", DataFormat::text, "{\"text\": " + std::string(1'000'000, '9') + "}", "number"},
      {"yaml aliases", DataFormat::chatterbot, "conversations: &a\n- - *a\n", "anchors"},
      {"yaml depth", DataFormat::chatterbot, "conversations: " + std::string(1'000'000, '['),
       "nested more than 8 levels"},
      {"yaml many nodes", DataFormat::chatterbot, "conversations:\n" + repeated("- a\n", 1'100'000),
       "more than 1000000 values"},
      {"yaml many nodes in brackets", DataFormat::chatterbot,
       "conversations:\n- [" + repeated("a,", 1'100'000) + "a]\n", "more than 200,000 brackets and commas"},
      {"yaml not text", DataFormat::chatterbot, binary, "not UTF-8"},
  };
}

TEST(HostileData, GetsALocatedErrorInReasonableTime) {
  const pst::fixture::TemporaryDirectory folder;
  for (const auto& [name, format, content, message] : hostile_files()) {
    SCOPED_TRACE(name);
    const fs::path file = folder / "f.data";
    write_durably(file, content);
    const auto start = std::chrono::steady_clock::now();
    std::string report;

    try {
      config::Problems problems;
      read_examples(
          open_source({file.string(), format}), std::nullopt, [](Example&&) { return std::nullopt; }, problems);
      problems.throw_if_any(Fault::data);
      ADD_FAILURE() << "was accepted";
    } catch (const Error& error) {
      EXPECT_EQ(error.fault(), Fault::data) << error.what();
      report = error.message();
    }

    EXPECT_THAT(report, ::testing::HasSubstr(message));
    EXPECT_THAT(report, ::testing::HasSubstr("f.data:"));
    EXPECT_LT(report.size(), 10'000u);
    EXPECT_EQ(report.find('\0'), std::string::npos);
    EXPECT_TRUE(is_utf8(report));
    // Well above the second that the largest takes here, well below anything quadratic in megabytes.
    EXPECT_LT(std::chrono::duration<double>(std::chrono::steady_clock::now() - start).count(), 20);
  }
}

}  // namespace
}  // namespace pst::data
