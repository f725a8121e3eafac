// SPDX-License-Identifier: Apache-2.0
#pragma once
#include <cstdint>
#include <filesystem>
#include <functional>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "core/file.hpp"
#include "rundir/run_dir.hpp"

namespace pst::runs {

/// Hands on the whole lines that a growing text file got since the last call. Memory is bounded: a line longer than
/// 64 KiB is cut into pieces of that size.
class TextTail {
 public:
  explicit TextTail(std::filesystem::path file) : file_(std::move(file)) {}

  /// Goes to where the last `lines` lines begin, looking back 4 MiB at most.
  void skip_to_last(std::size_t lines);
  /// A file that is not there (yet) has none; one that cannot be read, such as a named pipe, has one that says so.
  /// @param rest  also a last line without its newline
  void read(const std::function<void(std::string_view line)>& on_line, bool rest = false);

 private:
  std::optional<RegularFile> open(const std::function<void(std::string_view line)>& on_line);

  std::filesystem::path file_;
  std::uint64_t offset_ = 0;
  bool complained_ = false;
};

struct LogChoice {
  std::optional<int> rank;          ///< only that one's log
  std::optional<int> attempt;       ///< only of that one; else the newest with -f, and all without
  std::optional<std::size_t> last;  ///< lines of each file
};

/// The logs of a run, each with the name that its lines get: "job", "watch-host", "srun", "rank 3", and from the second
/// attempt on "2: rank 3". A file that appears later is found by the next call.
class LogMerge {
 public:
  LogMerge(rundir::RunDir run, LogChoice choice) : run_(std::move(run)), choice_(choice) {}

  /// Every new line, file by file in the order: job, attempts from the first, in each the launcher and then the ranks.
  void poll(const std::function<void(const std::string& name, std::string_view line)>& on_line, bool rest = false);
  /// Whether any file of the choice was there yet.
  bool found_any() const { return !tails_.empty(); }

 private:
  void look_for_files();
  void look_into(const std::filesystem::path& folder, int attempt);
  void add(int attempt, int place, const std::string& name, const std::filesystem::path& file);

  struct Source {
    std::string name;
    TextTail tail;
  };
  using Key = std::pair<std::pair<int, int>, std::string>;  ///< attempt, place in it, path
  rundir::RunDir run_;
  LogChoice choice_;
  std::map<Key, Source> tails_;
};

}  // namespace pst::runs
