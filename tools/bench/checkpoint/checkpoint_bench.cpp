// SPDX-License-Identifier: Apache-2.0
// What a checkpoint costs: the stall of begin() beside the memory's own speed, and the writing beside that of the disk,
// in the same run. One line of JSON per size.
//
//   checkpoint_bench FOLDER MEGABYTES...
#include <fcntl.h>
#include <unistd.h>

#include <algorithm>
#include <filesystem>
#include <fstream>
#include <iostream>
#include <nlohmann/json.hpp>
#include <vector>

#include "checkpoint/snapshot_memory.hpp"
#include "checkpoint/store.hpp"
#include "checkpoint/writer.hpp"
#include "core/clock.hpp"
#include "core/file.hpp"
#include "core/strings.hpp"

namespace pst {
namespace {

using namespace checkpoint;
constexpr int kRepeats = 5;

double median(std::vector<double> values) {
  std::sort(values.begin(), values.end());
  return values[values.size() / 2];
}

/// An adapter and its two moments: many small tensors, as LoRA has them, of `bytes` together.
std::vector<TensorSpec> lora(std::size_t bytes) {
  constexpr std::int64_t kRank = 16, kWidth = 1024;
  std::vector<TensorSpec> specs;
  for (std::size_t i = 0; i * kRank * kWidth * 4 < bytes; ++i)
    specs.push_back({cat("optimizer/exp_avg/layers.", i, ".lora_A.weight"), {kRank, kWidth}});
  return specs;
}

/// What `dd conv=fsync` does: the same bytes in pieces of 1 MiB, then fsync.
double plain_write_s(const fs::path& path, std::span<const std::byte> bytes) {
  const double begin_s = monotonic_seconds();
  const int file = ::open(path.c_str(), O_WRONLY | O_CREAT | O_TRUNC, 0600);
  for (std::size_t at = 0; at < bytes.size(); at += 1 << 20) {
    const auto part = bytes.subspan(at, std::min<std::size_t>(1 << 20, bytes.size() - at));
    if (::write(file, part.data(), part.size()) != static_cast<ssize_t>(part.size())) std::abort();
  }
  if (::fsync(file) != 0) std::abort();
  ::close(file);
  const double took_s = monotonic_seconds() - begin_s;
  fs::remove(path);
  return took_s;
}

fs::path rank_file(const fs::path& checkpoint) {
  for (const auto& entry : fs::directory_iterator(checkpoint))
    if (entry.path().filename().string().starts_with("rank-")) return entry.path().filename();
  throw std::runtime_error("no rank's file");
}

void flip_a_bit(const fs::path& path) {
  std::fstream file(path, std::ios::in | std::ios::out | std::ios::binary);
  const auto middle = static_cast<std::streamoff>(fs::file_size(path) / 2);
  file.seekg(middle);
  const char byte = static_cast<char>(file.get() ^ 4);
  file.seekp(middle);
  file.put(byte);
}

void measure(const fs::path& folder, std::size_t megabytes) {
  const std::size_t bytes = megabytes * 1'000'000;
  const auto specs = lora(bytes);
  std::vector<std::vector<float>> values;
  std::vector<TensorRef> refs;
  for (const auto& spec : specs) {
    values.emplace_back(static_cast<std::size_t>(rows_of(spec.shape) * row_values(spec.shape)), 1.f);
    for (std::size_t i = 0; i < values.back().size(); ++i) values.back()[i] = static_cast<float>(i * values.size());
  }
  for (std::size_t i = 0; i < specs.size(); ++i) refs.push_back({specs[i].name, specs[i].shape, values[i]});

  const double make_s = monotonic_seconds();
  Writer writer(folder / "checkpoints", 0, 1, 1, refs);
  const double made_s = monotonic_seconds() - make_s;
  Memory from(bytes), to(bytes);
  for (auto* memory : {&from, &to}) std::fill(memory->bytes().begin(), memory->bytes().end(), std::byte{1});

  std::vector<double> stall_s, copy_s, write_s, read_back_s, disk_s, commit_s;
  for (int i = 0; i < kRepeats; ++i) {
    double begin_s = monotonic_seconds();
    const Copy whole[] = {{to.bytes().data(), from.bytes().data(), bytes}};
    copy_all(whole);
    copy_s.push_back(monotonic_seconds() - begin_s);
    disk_s.push_back(plain_write_s(folder / "plain", from.bytes()));

    stall_s.push_back(writer.begin(i + 1));
    const auto written = writer.wait();
    if (written.phase != Writer::Phase::written) throw std::runtime_error(written.problem);
    write_s.push_back(written.write_s - written.read_back_s);
    read_back_s.push_back(written.read_back_s);
    Manifest manifest;
    manifest.files = {written.file};
    writer.commit(manifest);
    const auto done = writer.wait();
    if (done.phase != Writer::Phase::committed) throw std::runtime_error(done.problem);
    commit_s.push_back(done.commit_s);
    writer.finish();
  }
  // What a resume pays when the newest one is damaged: both are read whole before one is believed.
  const auto newest = list_folders(folder / "checkpoints").back();
  flip_a_bit(newest / rank_file(newest));
  std::vector<Rejected> rejected;
  const double search_s = monotonic_seconds();
  const auto found = newest_valid(folder / "checkpoints", rejected);
  const double fallback_s = monotonic_seconds() - search_s;
  if (!found || rejected.size() != 1) throw std::runtime_error("the damaged checkpoint was not passed over");
  const double gb = static_cast<double>(bytes) / 1e9;
  std::cout << nlohmann::ordered_json{{"state_mb", megabytes},
                                      {"tensors", specs.size()},
                                      {"make_writer_ms", made_s * 1e3},
                                      {"stall_ms", median(stall_s) * 1e3},
                                      {"stall_gb_per_s", gb / median(stall_s)},
                                      {"memcpy_gb_per_s", gb / median(copy_s)},
                                      {"write_gb_per_s", gb / median(write_s)},
                                      {"dd_like_gb_per_s", gb / median(disk_s)},
                                      {"write_to_dd", median(disk_s) / median(write_s)},
                                      {"read_back_ms", median(read_back_s) * 1e3},
                                      {"commit_ms", median(commit_s) * 1e3},
                                      {"fallback_ms", fallback_s * 1e3}}
            << std::endl;
  fs::remove_all(folder / "checkpoints");
}

}  // namespace
}  // namespace pst

int main(int argc, char** argv) {
  if (argc < 3) return 64;
  for (int i = 2; i < argc; ++i) pst::measure(argv[1], static_cast<std::size_t>(std::atoll(argv[i])));
}
