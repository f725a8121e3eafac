// SPDX-License-Identifier: Apache-2.0
#include "datafiles/find_files.hpp"

#include <fnmatch.h>

#include <algorithm>
#include <map>

#include "core/file.hpp"
#include "core/strings.hpp"
#include "datafiles/compression.hpp"
#include "datafiles/hub_card.hpp"
#include "datafiles/record_container.hpp"
#include "datafiles/split_name.hpp"

namespace pst::datafiles {
namespace {

constexpr std::size_t kMostFiles = 100'000;

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

void match(const fs::path& base, const std::vector<std::string>& parts, std::size_t at, int depth,
           std::vector<std::string>& out) {
  if (at == parts.size() || depth > kDeepest) return;
  const bool is_last = at + 1 == parts.size();
  if (parts[at] == "**") {
    match(base, parts, at + 1, depth, out);
    for (const auto& entry : entries_of(base))
      if (entry.is_directory() && !entry.is_symlink()) match(entry.path(), parts, at, depth + 1, out);
    return;
  }
  std::error_code ignored;
  if (!is_pattern(parts[at])) {
    const fs::path next = base / parts[at];
    if (is_last ? fs::is_regular_file(next, ignored) : fs::is_directory(next, ignored)) {
      if (is_last)
        out.push_back(next.string());
      else
        match(next, parts, at + 1, depth + 1, out);
    }
    return;
  }
  for (const auto& entry : entries_of(base)) {
    if (::fnmatch(parts[at].c_str(), entry.path().filename().c_str(), FNM_PERIOD) != 0) continue;
    if (is_last ? entry.is_regular_file(ignored) : entry.is_directory(ignored)) {
      if (is_last)
        out.push_back(entry.path().string());
      else
        match(entry.path(), parts, at + 1, depth + 1, out);
    }
    if (out.size() > kMostFiles)
      refuse(base.string(), cat("has more than ", kMostFiles, " such files"), "name a part of them");
  }
}

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
             cat("has no split ", quoted(split, 40), "; by their names its files are: ", join(names, ", ")),
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
    for (const auto& pattern : part.patterns) {
      const auto found = matches((fs::path(wanted.path) / pattern).lexically_normal().string());
      if (found.empty())
        refuse(wanted.path, cat("lacks ", quoted(pattern, 100), ", which its README.md names for the split ", split),
               "fetch the folder whole");
      files.insert(files.end(), found.begin(), found.end());
    }
    return {files, cat("split ", split, " of `", config.name, "`, ", counted(files.size()))};
  }
  refuse(wanted.path, cat("has no split ", quoted(split, 40), "; its README.md names: ", join(names, ", ")),
         "name another one with `split`");
}

}  // namespace

std::vector<std::string> matches(const std::string& pattern) {
  fs::path base = pattern.starts_with("/") ? "/" : "";
  std::vector<std::string> parts;
  for (const auto& part : split(pattern, '/'))
    if (!part.empty()) parts.push_back(part);
  std::size_t plain = 0;
  while (plain + 1 < parts.size() && !is_pattern(parts[plain])) base /= parts[plain++];
  parts.erase(parts.begin(), parts.begin() + static_cast<std::ptrdiff_t>(plain));
  std::vector<std::string> out;
  match(base.empty() ? fs::path(".") : base, parts, 0, 0, out);
  std::sort(out.begin(), out.end());
  out.erase(std::unique(out.begin(), out.end()), out.end());
  return out;
}

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
