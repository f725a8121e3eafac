// SPDX-License-Identifier: Apache-2.0
#include "datafiles/find_files.hpp"

#include <fnmatch.h>

#include <algorithm>
#include <map>
#include <set>
#include <utility>

#include "core/brief.hpp"
#include "core/file.hpp"
#include "core/strings.hpp"
#include "datafiles/compression.hpp"
#include "datafiles/hub_card.hpp"
#include "datafiles/record_container.hpp"
#include "datafiles/split_name.hpp"

namespace pst::datafiles {
namespace {

constexpr std::size_t kMostFiles = 100'000, kMostNames = 1000;

[[noreturn]] void refuse(const std::string& path, const std::string& what, const std::string& remedy = {}) {
  throw Error(Fault::data, cat(path, " ", what), remedy);
}

bool is_pattern(std::string_view path) { return path.find_first_of("*?[") != path.npos; }

/// Names in a folder, sorted, without hidden ones.
std::vector<fs::directory_entry> entries_of(const fs::path& folder) {
  std::vector<fs::directory_entry> all;
  std::error_code status;
  for (fs::directory_iterator at(folder, status), end; !status && at != end; at.increment(status)) {
    if (at->path().filename().string().starts_with(".")) continue;
    all.push_back(*at);
    if (all.size() > kMostFiles)
      refuse(folder.string(), cat("has more than ", kMostFiles, " files"), "name a part of them");
  }
  std::sort(all.begin(), all.end());
  return all;
}

constexpr int kDeepest = 16;

/// The files that patterns name. What is looked at is counted over all of them: patterns that each look at every folder
/// are a few bytes in a card.
class Matcher {
 public:
  /// Sorted, each once.
  std::vector<std::string> of(const std::string& pattern) {
    constexpr std::size_t kLongest = 4096;  // what a path may have
    if (pattern.size() > kLongest)
      refuse(quoted(pattern, 100), cat("is a pattern of ", pattern.size(), " bytes; a path has at most ", kLongest));
    fs::path base = pattern.starts_with("/") ? "/" : "";
    parts_.clear();
    for (const auto& part : split(pattern, '/'))
      if (!part.empty() && !(part == kAnyFolders && !parts_.empty() && parts_.back() == part)) parts_.push_back(part);
    std::size_t plain = 0;
    while (plain + 1 < parts_.size() && !is_pattern(parts_[plain])) base /= parts_[plain++];
    parts_.erase(parts_.begin(), parts_.begin() + static_cast<std::ptrdiff_t>(plain));
    out_.clear();
    seen_.clear();
    match(base.empty() ? fs::path(".") : base, 0, 0);
    return {out_.begin(), out_.end()};
  }

 private:
  static constexpr std::string_view kAnyFolders = "**";
  static constexpr std::size_t kMostLooks = 2'000'000;

  void match(const fs::path& base, std::size_t at, int depth) {
    // Through `**` a folder is come to in many ways.
    if (at == parts_.size() || depth > kDeepest || !seen_.emplace(base.string(), at).second) return;
    const bool is_last = at + 1 == parts_.size();
    std::error_code ignored;
    if (parts_[at] == kAnyFolders) {
      match(base, at + 1, depth);
      for (const auto& entry : looked_at(base))
        if (entry.is_directory(ignored) && !entry.is_symlink(ignored)) match(entry.path(), at, depth + 1);
      return;
    }
    if (!is_pattern(parts_[at])) {
      const fs::path next = base / parts_[at];
      if (is_last && fs::is_regular_file(next, ignored)) take(next);
      if (!is_last && fs::is_directory(next, ignored)) match(next, at + 1, depth + 1);
      return;
    }
    for (const auto& entry : looked_at(base)) {
      if (::fnmatch(parts_[at].c_str(), entry.path().filename().c_str(), FNM_PERIOD) != 0) continue;
      if (is_last && entry.is_regular_file(ignored)) take(entry.path());
      if (!is_last && entry.is_directory(ignored)) match(entry.path(), at + 1, depth + 1);
    }
  }
  void take(const fs::path& file) {
    out_.insert(file.string());
    if (out_.size() > kMostFiles)
      refuse(file.parent_path().string(), cat("has more than ", kMostFiles, " such files"), "name a part of them");
  }
  std::vector<fs::directory_entry> looked_at(const fs::path& folder) {
    auto entries = entries_of(folder);
    looks_ += entries.size() + 1;
    if (looks_ > kMostLooks)
      refuse(folder.string(),
             cat("and others were looked through for patterns again and again, ", kMostLooks, " files in all"),
             "write fewer patterns, or with fewer `**`");
    return entries;
  }

  std::vector<std::string> parts_;
  std::set<std::string> out_;
  std::set<std::pair<std::string, std::size_t>> seen_;
  std::size_t looks_ = 0;
};

/// The suffix by which a container knows a file; empty where none does, and for files about the data.
std::string_view data_suffix(const fs::path& path) {
  const std::string file = lower(path.filename().string());
  for (const auto* about :
       {"dataset_info.json", "dataset_infos.json", "dataset_dict.json", "state.json", "readme.txt", "license.txt"})
    if (file == about) return {};
  const std::string name = lower(without_compression(file));
  for (const Container* const row : containers())
    for (const auto suffix : row->suffixes)
      if (name.ends_with(suffix)) return suffix;
  return {};
}

void collect(const fs::path& folder, int depth, std::vector<std::string>& out) {
  if (depth > kDeepest) return;
  std::error_code ignored;
  for (const auto& entry : entries_of(folder)) {
    if (entry.is_directory(ignored) && !entry.is_symlink())
      collect(entry.path(), depth + 1, out);
    else if (entry.is_regular_file(ignored) && !data_suffix(entry.path()).empty())
      out.push_back(entry.path().string());
  }
}

std::string counted(std::size_t files) { return cat(files, files == 1 ? " file" : " files"); }

/// Of a folder without a card: splits by the names of files and folders, else all files are one split.
Found by_names(const Wanted& wanted, const std::string& split) {
  std::vector<std::string> all;
  collect(wanted.path, 0, all);
  if (all.empty())
    refuse(wanted.path, "is a folder without data files",
           "files are known by their names: .jsonl .json .csv .tsv .txt .yml .tar, each also with .gz .zst .bz2 .xz");
  std::map<std::string, std::vector<std::string>> splits;
  for (const auto& file : all)
    splits[split_of(fs::path(file).lexically_relative(wanted.path).string())].push_back(file);
  std::vector<std::string> chosen;
  std::string told;
  if (splits.size() == 1 && splits.contains("")) {
    if (!wanted.split.empty() && wanted.split != "train")
      refuse(wanted.path,
             cat("has no split ", quoted(wanted.split, 40), ": no name of a file or folder in it tells one"));
    chosen = std::move(all);
    told = cat(counted(chosen.size()), " of the folder");
  } else {
    const auto found = splits.find(split);
    if (found == splits.end()) {
      std::vector<std::string> names;
      for (const auto& [name, files] : splits)
        names.push_back(name.empty() ? cat(counted(files.size()), " of none") : name);
      refuse(wanted.path,
             cat("has no split ", quoted(split, 40),
                 "; by their names its files are: ", brief(join(names, ", "), kMostNames)),
             "name another one with `split`, or the files themselves");
    }
    chosen = found->second;
    told = cat("split ", split, " of the folder, ", counted(chosen.size()));
  }
  std::map<std::string_view, std::size_t> kinds;
  for (const auto& file : chosen) ++kinds[data_suffix(file)];
  if (kinds.size() > 1) {
    std::vector<std::string> shown;
    for (const auto& [suffix, count] : kinds) shown.push_back(cat(count, " ", suffix));
    refuse(wanted.path, cat("has files of several forms (", join(shown, ", "), "), which may be the same data twice"),
           cat("name those that are meant by a pattern, such as ", wanted.path, "/*", kinds.begin()->first));
  }
  return {std::move(chosen), std::move(told)};
}

Found by_card(const Wanted& wanted, const std::string& split, const std::vector<CardConfig>& configs) {
  const CardConfig& config = chosen_config(configs, wanted.subset, wanted.path);
  std::vector<std::string> names;
  for (const auto& part : config.splits) {
    names.push_back(part.name);
    if (part.name != split) continue;
    std::vector<std::string> files;
    Matcher matcher;
    for (const auto& pattern : part.patterns) {
      const auto found = matcher.of((fs::path(wanted.path) / pattern).lexically_normal().string());
      if (found.empty())
        refuse(wanted.path, cat("lacks ", quoted(pattern, 100), ", which its README.md names for the split ", split),
               "fetch the folder whole");
      files.insert(files.end(), found.begin(), found.end());
      if (files.size() > kMostFiles)
        refuse(wanted.path, cat("has a README.md that names more than ", kMostFiles, " files"), "name a part of them");
    }
    return {files, cat("split ", split, " of `", config.name, "`, ", counted(files.size()))};
  }
  refuse(wanted.path,
         cat("has no split ", quoted(split, 40), "; its README.md names: ", brief(join(names, ", "), kMostNames)),
         "name another one with `split`");
}

}  // namespace

std::vector<std::string> matches(const std::string& pattern) { return Matcher().of(pattern); }

Found find_files(const Wanted& as_written) {
  Wanted wanted = as_written;
  wanted.path = fs::path(wanted.path).lexically_normal().string();
  if (wanted.path.size() > 1 && wanted.path.ends_with('/')) wanted.path.pop_back();
  std::error_code ignored;
  const auto refuse_choice = [&](const char* what) {
    if (!wanted.split.empty()) refuse(wanted.path, cat("is ", what, ", and has no splits"), "leave out `split`");
    if (!wanted.subset.empty()) refuse(wanted.path, cat("is ", what, ", and has no subsets"), "leave out `subset`");
  };
  if (fs::is_directory(wanted.path, ignored)) {
    const std::string split = wanted.split.empty() ? wanted.usual_split : wanted.split;
    const auto configs = read_card(fs::path(wanted.path) / "README.md");
    if (!configs.empty()) return by_card(wanted, split, configs);
    if (!wanted.subset.empty())
      refuse(wanted.path, cat("has no subset ", quoted(wanted.subset, 60), ": it has no README.md with `configs`"));
    return by_names(wanted, split);
  }
  if (fs::exists(wanted.path, ignored) || !is_pattern(wanted.path)) {
    refuse_choice("one file");
    return {{wanted.path}, ""};  // what is missing is told by who opens it
  }
  refuse_choice("a pattern");
  Found found{matches(wanted.path), ""};
  if (found.files.empty()) refuse(wanted.path, "names no file", "`*` and `?` match within a name, `**` any folders");
  found.told = cat(counted(found.files.size()), " of the pattern");
  return found;
}

}  // namespace pst::datafiles
