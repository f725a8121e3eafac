// SPDX-License-Identifier: Apache-2.0
// TensorBoard's event files: TFRecords (length, masked CRC-32C of it, bytes, masked CRC-32C of them) that hold
// protobuf messages `Event`. Both are written by hand: five fields do not need a library.
// @see tensorflow/core/lib/io/record_writer.h, core/util/event.proto, core/framework/summary.proto
#include <array>
#include <bit>
#include <cmath>
#include <cstring>

#include "report/export_metrics.hpp"

namespace pst::report {
namespace {

using nlohmann::ordered_json;

constexpr std::array<std::uint32_t, 256> make_table() {
  std::array<std::uint32_t, 256> table{};
  for (std::uint32_t i = 0; i < 256; ++i) {
    std::uint32_t value = i;
    for (int bit = 0; bit < 8; ++bit) value = (value >> 1) ^ ((value & 1) != 0 ? 0x82f63b78u : 0u);
    table[i] = value;
  }
  return table;
}

template <class Number>
void put_little_endian(std::string& out, Number value) {
  static_assert(std::endian::native == std::endian::little, "numbers are stored as they are in memory");
  std::array<char, sizeof value> bytes{};
  std::memcpy(bytes.data(), &value, sizeof value);
  out.append(bytes.data(), bytes.size());
}

void put_varint(std::string& out, std::uint64_t value) {
  for (; value >= 0x80; value >>= 7) out += static_cast<char>(0x80 | (value & 0x7f));
  out += static_cast<char>(value);
}

// Wire types of protobuf.
constexpr std::uint64_t kVarint = 0, kFixed64 = 1, kBytes = 2, kFixed32 = 5;
void put_key(std::string& out, std::uint64_t field, std::uint64_t type) { put_varint(out, field << 3 | type); }
void put_bytes(std::string& out, std::uint64_t field, std::string_view bytes) {
  put_key(out, field, kBytes);
  put_varint(out, bytes.size());
  out += bytes;
}

std::uint32_t masked(std::string_view bytes) {
  const std::uint32_t crc = crc32c(bytes);
  return ((crc >> 15) | (crc << 17)) + 0xa282ead8u;
}

void put_record(std::string& out, std::string_view bytes) {
  std::string length;
  put_little_endian(length, static_cast<std::uint64_t>(bytes.size()));
  out += length;
  put_little_endian(out, masked(length));
  out += bytes;
  put_little_endian(out, masked(bytes));
}

std::string event(double wall_time, std::int64_t step) {
  std::string out;
  put_key(out, 1, kFixed64);
  put_little_endian(out, wall_time);
  put_key(out, 2, kVarint);
  put_varint(out, static_cast<std::uint64_t>(step));
  return out;
}

void put_scalar(std::string& summary, std::string_view tag, double value) {
  if (!std::isfinite(value)) return;
  std::string one;
  put_bytes(one, 1, tag);
  put_key(one, 2, kFixed32);
  put_little_endian(one, static_cast<float>(value));
  put_bytes(summary, 1, one);
}

}  // namespace

std::uint32_t crc32c(std::string_view bytes) {
  static constexpr auto kTable = make_table();
  std::uint32_t crc = ~0u;
  for (const char c : bytes) crc = (crc >> 8) ^ kTable[(crc ^ static_cast<unsigned char>(c)) & 0xff];
  return ~crc;
}

std::string tensorboard_events(const ordered_json& report, const CountedSteps& steps) {
  std::string out;
  std::string version = event(steps.counted.empty() ? 0 : steps.counted.front().step->ended, 0);
  put_bytes(version, 3, "brain.Event:2");
  put_record(out, version);
  const auto put = [&](double unix_s, std::int64_t step, const std::string& summary) {
    if (summary.empty()) return;
    std::string message = event(unix_s, step);
    put_bytes(message, 5, summary);
    put_record(out, message);
  };
  for (const auto& [attempt, step] : steps.counted) {
    if (!step->has_values) continue;
    std::string summary;
    put_scalar(summary, "train/loss", step->loss);
    put_scalar(summary, "train/learning_rate", step->lr);
    put_scalar(summary, "train/grad_norm", step->grad_norm);
    if (step->step_us > 0)
      put_scalar(summary, "train/tokens_per_s",
                 1e6 * static_cast<double>(step->tokens) / static_cast<double>(step->step_us));
    put(step->ended, step->step, summary);
  }
  for (const auto& e : report["evaluations"]) {
    std::string summary;
    if (e["loss"].is_number()) put_scalar(summary, "validation/loss", e["loss"].get<double>());
    put(e["t"].get<double>(), e["step"].get<std::int64_t>(), summary);
  }
  return out;
}

}  // namespace pst::report
