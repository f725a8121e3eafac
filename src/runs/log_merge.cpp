// SPDX-License-Identifier: Apache-2.0
#include "runs/log_merge.hpp"

#include <algorithm>
#include <utility>

#include "core/error.hpp"
#include "core/strings.hpp"

namespace pst::runs {
namespace {

namespace fs = std::filesystem;

constexpr std::size_t kLongestLine = 64 << 10;
constexpr std::uint64_t kLookBack = 4 << 20;
constexpr std::size_t kMostFiles = 20'000;  ///< a run of thousands of ranks has as many

/// 3 of "rank-0003.log"; nothing for any other name.
std::optional<int> rank_of(const std::string& name) {
  if (!name.starts_with("rank-") || !name.ends_with(".log")) return std::nullopt;
  const auto number = to_int(name.substr(5, name.size() - 9));
  return number && *number >= 0 && *number < 10'000'000 ? std::optional(static_cast<int>(*number)) : std::nullopt;
}

}  // namespace

/// The file, when there is one to be read. What is in its place otherwise (a named pipe, a folder) is told of once.
std::optional<RegularFile> TextTail::open(const std::function<void(std::string_view)>& on_line) {
  try {
    return RegularFile::open_if_there(file_);
  } catch (const Error& error) {
    if (on_line && !std::exchange(complained_, true)) on_line(cat("(", error.message(), ")"));
    return std::nullopt;
  }
}

void TextTail::skip_to_last(std::size_t lines) {
  const auto in = open({});
  if (!in) return;
  const std::uint64_t size = in->size();
  std::uint64_t at = size;
  // One newline more than lines: the last line's own does not count.
  std::size_t newlines = 0;
  while (at > 0 && size - at < kLookBack) {
    const std::uint64_t length = std::min<std::uint64_t>(at, kLongestLine);
    const std::string block = in->read(at - length, static_cast<std::size_t>(length));
    for (std::uint64_t i = block.size(); i-- > 0;) {
      if (block[static_cast<std::size_t>(i)] != '\n' || at - length + i + 1 == size) continue;
      if (++newlines == lines) {
        offset_ = at - length + i + 1;
        return;
      }
    }
    at -= length;
  }
  offset_ = at;
}

void TextTail::read(const std::function<void(std::string_view)>& on_line, bool rest) {
  const auto in = open(on_line);
  if (!in) return;
  const std::uint64_t size = in->size();
  if (size < offset_) offset_ = 0;  // somebody replaced it
  while (offset_ < size) {
    const std::string block =
        in->read(offset_, static_cast<std::size_t>(std::min<std::uint64_t>(size - offset_, kLongestLine)));
    std::size_t begin = 0;
    for (std::size_t end; (end = block.find('\n', begin)) != std::string::npos; begin = end + 1)
      on_line(std::string_view(block).substr(begin, end - begin));
    const bool is_long = begin == 0 && block.size() == kLongestLine;
    if (is_long || (rest && offset_ + block.size() == size && begin < block.size())) {
      on_line(std::string_view(block).substr(begin));
      begin = block.size();
    }
    if (begin == 0) return;  // the beginning of a line; its end is yet to come
    offset_ += begin;
  }
}

void LogMerge::add(int attempt, int place, const std::string& name, const fs::path& file) {
  if (tails_.size() >= kMostFiles) return;
  const Key key{{attempt, place}, file.string()};
  if (tails_.count(key)) return;
  const std::string shown = attempt > 1 ? cat(attempt, ": ", name) : name;
  auto& source = tails_.emplace(key, Source{shown, TextTail(file)}).first->second;
  if (choice_.last) source.tail.skip_to_last(*choice_.last);
}

void LogMerge::look_into(const fs::path& folder, int attempt) {
  std::error_code status;
  for (fs::directory_iterator at(folder, status), end; !status && at != end; at.increment(status)) {
    const std::string file = at->path().filename().string();
    if (const auto rank = rank_of(file)) {
      if (!choice_.rank || *choice_.rank == *rank) add(attempt, 1 + *rank, cat("rank ", *rank), at->path());
    } else if (file.ends_with(".log") && !choice_.rank) {
      add(attempt, 0, file.substr(0, file.size() - 4), at->path());
    }
  }
}

void LogMerge::look_for_files() {
  if (!choice_.rank && !choice_.attempt) {
    std::error_code status;
    for (fs::directory_iterator at(run_.root(), status), end; !status && at != end; at.increment(status)) {
      const std::string file = at->path().filename().string();
      if (!file.ends_with(".log")) continue;
      add(0, 0,
          file.starts_with("slurm-") ? cat("job ", file.substr(6, file.size() - 10)) : file.substr(0, file.size() - 4),
          at->path());
    }
  }
  const int last = run_.last_attempt();
  const int from = choice_.attempt.value_or(1), to = choice_.attempt.value_or(last);
  for (int attempt = from; attempt <= std::min(to, last); ++attempt) look_into(run_.attempt(attempt), attempt);
}

void LogMerge::poll(const std::function<void(const std::string&, std::string_view)>& on_line, bool rest) {
  look_for_files();
  for (auto& [key, source] : tails_)
    source.tail.read([&, &name = source.name](std::string_view line) { on_line(name, line); }, rest);
}

}  // namespace pst::runs
