// SPDX-License-Identifier: Apache-2.0
#include "report/export_metrics.hpp"

#include <gmock/gmock.h>

#include <cstring>
#include <map>
#include <sstream>

#include "made_run.hpp"
#include "report/csv.hpp"

namespace pst::report {
namespace {

using fixture::kEpoch;
using fixture::MadeRun;
using testing::HasSubstr;

/// CRC-32C bit by bit, as its definition reads.
std::uint32_t slow_crc(std::string_view bytes) {
  std::uint32_t crc = 0xffffffff;
  for (const char c : bytes) {
    crc ^= static_cast<unsigned char>(c);
    for (int bit = 0; bit < 8; ++bit) crc = (crc & 1) != 0 ? (crc >> 1) ^ 0x82f63b78u : crc >> 1;
  }
  return crc ^ 0xffffffff;
}

/// A reader of event files of its own, which checks every length and checksum.
struct Scalar {
  std::int64_t step;
  double wall_time;
  float value;
};
class EventReader {
 public:
  explicit EventReader(std::string_view file) {
    while (!file.empty()) {
      std::uint64_t length = 0;
      std::memcpy(&length, file.data(), 8);
      EXPECT_EQ(masked(file.substr(0, 8)), number<std::uint32_t>(file.substr(8, 4)));
      const auto body = file.substr(12, length);
      EXPECT_EQ(masked(body), number<std::uint32_t>(file.substr(12 + length, 4)));
      file.remove_prefix(16 + length);
      message(body);
      ++records;
    }
  }
  int records = 0;
  std::string version;
  std::map<std::string, std::vector<Scalar>> scalars;

 private:
  static std::uint32_t masked(std::string_view bytes) {
    const std::uint32_t crc = slow_crc(bytes);
    return ((crc >> 15) | (crc << 17)) + 0xa282ead8u;
  }
  template <class Number>
  static Number number(std::string_view bytes) {
    Number value;
    std::memcpy(&value, bytes.data(), sizeof value);
    return value;
  }
  static std::uint64_t varint(std::string_view& bytes) {
    std::uint64_t value = 0;
    for (int shift = 0;; shift += 7) {
      const auto byte = static_cast<unsigned char>(bytes[0]);
      bytes.remove_prefix(1);
      value |= std::uint64_t{byte & 0x7fu} << shift;
      if (byte < 0x80) return value;
    }
  }
  static std::string_view take(std::string_view& bytes, std::size_t count) {
    const auto head = bytes.substr(0, count);
    bytes.remove_prefix(count);
    return head;
  }
  void message(std::string_view bytes) {
    Scalar scalar{};
    while (!bytes.empty()) {
      const auto key = varint(bytes);
      if (key == (1 << 3 | 1))
        scalar.wall_time = number<double>(take(bytes, 8));
      else if (key == (2 << 3 | 0))
        scalar.step = static_cast<std::int64_t>(varint(bytes));
      else if (key == (3 << 3 | 2))
        version = take(bytes, varint(bytes));
      else if (key == (5 << 3 | 2))
        summary(take(bytes, varint(bytes)), scalar);
      else
        FAIL() << "field " << key;
    }
  }
  void summary(std::string_view bytes, Scalar scalar) {
    while (!bytes.empty()) {
      ASSERT_EQ(varint(bytes), 1u << 3 | 2u);
      auto value = take(bytes, varint(bytes));
      std::string tag;
      while (!value.empty()) {
        const auto key = varint(value);
        if (key == (1 << 3 | 2))
          tag = take(value, varint(value));
        else if (key == (2 << 3 | 5))
          scalar.value = number<float>(take(value, 4));
        else
          FAIL() << "field " << key;
      }
      scalars[tag].push_back(scalar);
    }
  }
};

TEST(Crc32c, KnownValues) {
  EXPECT_EQ(crc32c("123456789"), 0xe3069283u);            // the check value of the CRC catalogues
  EXPECT_EQ(crc32c(std::string(32, '\0')), 0x8a9136aau);  // RFC 3720, B.4
  EXPECT_EQ(crc32c(""), 0u);
  EXPECT_EQ(crc32c("peft"), slow_crc("peft"));
}

TEST(Tensorboard, AReaderFindsEveryStep) {
  MadeRun made;
  made.attempt(1, {{"n1", {0}}}, 1, 300, kEpoch);
  const auto attempts = read_metrics(made.run());
  const auto report = summarise(made.run(), attempts, {});

  const EventReader events(tensorboard_events(report, count_steps(attempts)));

  EXPECT_EQ(events.version, "brain.Event:2");
  EXPECT_EQ(events.records, 301);
  const auto& loss = events.scalars.at("train/loss");
  ASSERT_EQ(loss.size(), 300u);
  EXPECT_EQ(loss[299].step, 300);
  EXPECT_FLOAT_EQ(loss[299].value, static_cast<float>(MadeRun::loss(300)));
  EXPECT_NEAR(loss[0].wall_time, MadeRun::ended(1, kEpoch, 1), 1e-3);
}

TEST(Prometheus, EveryNameHasHelpAndTypeOnceAndEveryValueIsANumber) {
  MadeRun made("na\"me");
  made.attempt(1, {{"n1", {0, 1}}}, 1, 20, kEpoch);
  const auto attempts = read_metrics(made.run());

  const std::string text = prometheus_text(summarise(made.run(), attempts, {}), count_steps(attempts));

  std::map<std::string, int> helped;
  std::istringstream in(text);
  int values = 0;
  for (std::string line; std::getline(in, line);) {
    if (line.starts_with("# HELP ")) ++helped[line.substr(7, line.find(' ', 7) - 7)];
    if (line.starts_with("#")) continue;
    const auto name = line.substr(0, line.find('{'));
    EXPECT_EQ(helped[name], 1) << line;
    EXPECT_TRUE(to_double(line.substr(line.rfind(' ') + 1))) << line;
    ++values;
  }
  EXPECT_GT(values, 10 + 2 * 8);
  EXPECT_THAT(text, HasSubstr("na\\\"me"));
  EXPECT_THAT(text, HasSubstr("node=\"n1\",phase=\"forward\"} "));
  EXPECT_EQ(text.back(), '\n');
}

TEST(Mlflow, BatchesStayWithinTheLimits) {
  MadeRun made;
  made.attempt(1, {{"n1", {0}}}, 1, 600, kEpoch);
  const auto attempts = read_metrics(made.run());

  const auto bodies = mlflow_batches(summarise(made.run(), attempts, {}), count_steps(attempts), {{"adapter.r", "16"}});

  std::size_t metrics = 0;
  for (const auto& batch : bodies["log_batch"]) {
    EXPECT_LE(batch["metrics"].size(), 1000u);
    metrics += batch["metrics"].size();
  }
  EXPECT_EQ(metrics, 4 * 600u);
  EXPECT_EQ(bodies["log_batch"][0]["params"][0]["value"], "16");
}

TEST(Csv, FieldsAreSafe) {
  EXPECT_EQ(csv_field("plain"), "plain");
  EXPECT_EQ(csv_field("a,\"b\""), "\"a,\"\"b\"\"\"");
  EXPECT_EQ(csv_field("=1+1"), "'=1+1");
}

TEST(Csv, EveryStepIsALineWithAllColumns) {
  MadeRun made;
  made.attempt(1, {{"n1", {0, 1}}}, 1, 20, kEpoch);
  made.attempt(2, {{"n1", {0, 1}}}, 11, 30, kEpoch + 60);
  const auto attempts = read_metrics(made.run());
  const fixture::TemporaryDirectory out;

  write_csv(out.path(), summarise(made.run(), attempts, {}), attempts);

  std::istringstream in(read_file(out / "steps.csv"));
  std::vector<std::string> lines;
  for (std::string line; std::getline(in, line);) lines.push_back(line);
  ASSERT_EQ(lines.size(), 1u + 20 + 20);
  for (const auto& line : lines) EXPECT_EQ(split(line, ',').size(), split(lines[0], ',').size());
  EXPECT_THAT(lines[10], HasSubstr("1,10,")) << "counted";
  EXPECT_EQ(split(lines[11], ',')[3], "0") << "done again by attempt 2";
  EXPECT_EQ(split(lines[21], ',')[3], "1");
  EXPECT_THAT(read_file(out / "ranks.csv"), HasSubstr("phases_ms.waiting"));
}

}  // namespace
}  // namespace pst::report
