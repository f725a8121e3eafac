// SPDX-License-Identifier: Apache-2.0
#include "checkpoint/store.hpp"

#include <algorithm>
#include <cstdio>
#include <map>

#include "checkpoint/rank_reader.hpp"
#include "core/error.hpp"
#include "core/file.hpp"
#include "core/strings.hpp"
#include "weights/dtype.hpp"

namespace pst::checkpoint {
namespace {

constexpr std::string_view kPrefix = "step-";

/// Runs `check`; what it throws becomes a line.
template <class Body>
bool passes(std::vector<std::string>& problems, Body&& check) {
  try {
    check();
    return true;
  } catch (const Error& error) {
    problems.push_back(error.message());
    return false;
  }
}

int rank_of(const FileEntry& entry) {  // the manifest was checked: any other name is state.h5
  if (entry.name == kStateName) return -1;
  return static_cast<int>(*to_int(std::string_view(entry.name).substr(5, entry.name.size() - 8)));
}

/// Sees to it that the shares of all ranks' files make every tensor of the manifest, whole, and nothing else.
class Coverage {
 public:
  explicit Coverage(const Manifest& manifest) : ranks_(manifest.ranks) {
    for (const auto& tensor : manifest.tensors) seen_.emplace(tensor.name, Seen{&tensor, {}});
  }

  /// @throws Error(data) when the file has what the manifest has not
  void add(const RankIndex& index, const std::string& file) {
    for (const auto& share : index.shares) {
      const auto found = seen_.find(share.tensor.name);
      if (found == seen_.end())
        throw Error(Fault::data, cat(file, " has a tensor ", quoted(share.tensor.name), " that the manifest does not"));
      if (*found->second.tensor != share.tensor)
        throw Error(Fault::data,
                    cat(file, ": ", quoted(share.tensor.name), " is of another shape than in the manifest"));
      found->second.shares.push_back({share.first_row, share.first_row + share.rows});
    }
  }

  /// After all files. @throws Error(data) when rows are missing, or there twice
  void check(const std::string& folder) {
    for (auto& [name, seen] : seen_) {
      const std::int64_t rows = row_values(seen.tensor->shape) > 0 ? rows_of(seen.tensor->shape) : 0;
      std::sort(seen.shares.begin(), seen.shares.end(), [](Rows a, Rows b) { return a.begin < b.begin; });
      std::int64_t whole_to = 0;
      for (const Rows share : seen.shares) {
        if (share.begin != whole_to) break;
        whole_to = share.end;
      }
      if (whole_to != rows || (!seen.shares.empty() && seen.shares.back().end != rows))
        throw Error(Fault::data, cat("the files of ", ranks_, " ranks in ", folder, " do not make ", quoted(name),
                                     " whole: after row ", whole_to, " of ", rows, " one is missing or there twice"));
    }
  }

 private:
  struct Seen {
    const TensorSpec* tensor;
    std::vector<Rows> shares;
  };
  int ranks_;
  std::map<std::string_view, Seen> seen_;
};

void check_file(const fs::path& folder, const FileEntry& entry, const Manifest& manifest, Check check,
                Coverage& coverage) {
  const CheckedFile file(folder, entry);
  if (check == Check::sizes) return;
  file.check_digest();
  if (const int rank = rank_of(entry); rank >= 0)
    coverage.add(file.index(rank, manifest.ranks), (folder / entry.name).string());
}

}  // namespace

std::string folder_name(std::int64_t step) {
  char digits[32];
  std::snprintf(digits, sizeof digits, "%08lld", static_cast<long long>(step));
  return cat(kPrefix, digits);
}

std::optional<std::int64_t> step_of(const fs::path& folder) {
  const std::string name = folder.filename().string();
  if (!name.starts_with(kPrefix)) return std::nullopt;
  const auto step = to_int(std::string_view(name).substr(kPrefix.size()));
  if (!step || *step < 0 || folder_name(*step) != name) return std::nullopt;
  return step;
}

std::vector<fs::path> list_folders(const fs::path& checkpoints) {
  std::vector<fs::path> folders;
  std::error_code status;
  for (fs::directory_iterator at(checkpoints, status), end; !status && at != end; at.increment(status))
    if (step_of(at->path()) && !at->is_symlink(status) && at->is_directory(status)) folders.push_back(at->path());
  if (status && status != std::errc::no_such_file_or_directory)
    throw Error(Fault::io, cat("cannot list ", checkpoints.string(), ": ", status.message()));
  std::sort(folders.begin(), folders.end(), [](const auto& a, const auto& b) { return *step_of(a) < *step_of(b); });
  return folders;
}

std::vector<std::string> problems_of(const fs::path& folder, Check check, std::optional<Manifest>* manifest) {
  std::vector<std::string> problems;
  Manifest read;
  if (!passes(problems, [&] {
        read = read_manifest(folder);
        if (step_of(folder) != read.step)
          throw Error(Fault::data, cat((folder / kManifestName).string(), " is of step ", read.step));
      }))
    return problems;
  Coverage coverage(read);
  for (const auto& entry : read.files) passes(problems, [&] { check_file(folder, entry, read, check, coverage); });
  if (problems.empty() && check == Check::digests) passes(problems, [&] { coverage.check(folder.string()); });
  if (manifest != nullptr) *manifest = std::move(read);
  return problems;
}

std::optional<Found> newest_valid(const fs::path& checkpoints, std::vector<Rejected>& rejected) {
  auto folders = list_folders(checkpoints);
  std::reverse(folders.begin(), folders.end());
  for (const auto& folder : folders) {
    std::optional<Manifest> manifest;
    const auto problems = problems_of(folder, Check::digests, &manifest);
    if (problems.empty()) return Found{folder, std::move(*manifest)};
    rejected.push_back({folder, join(problems, "; ")});
  }
  return std::nullopt;
}

Found open_valid(const fs::path& folder) {
  std::optional<Manifest> manifest;
  const auto problems = problems_of(folder, Check::digests, &manifest);
  if (!problems.empty())
    throw Error(Fault::data, join(problems, "; "), "name another checkpoint, or leave the choice to the program");
  return {folder, std::move(*manifest)};
}

void load(const Found& checkpoint, const std::vector<Target>& targets, Asked asked) {
  const Manifest& manifest = checkpoint.manifest;
  const std::string where = checkpoint.folder.string();
  std::map<std::string_view, const Target*> wanted;
  for (const auto& target : targets)
    PST_ASSERT(wanted.emplace(target.name, &target).second, cat("a tensor is asked for once: ", target.name));

  std::map<std::string_view, const TensorSpec*> there;
  for (const auto& tensor : manifest.tensors) {
    there.emplace(tensor.name, &tensor);
    if (asked == Asked::all && !wanted.contains(tensor.name))
      throw Error(Fault::data, cat(where, " has a tensor ", quoted(tensor.name), " that this run does not"),
                  "resume with the recipe that wrote it");
  }
  for (const auto& target : targets) {
    const auto found = there.find(target.name);
    if (found == there.end())
      throw Error(Fault::data, cat(where, " has no tensor ", quoted(target.name)),
                  "resume with the recipe that wrote it");
    if (found->second->dtype != target.values.dtype)
      throw Error(Fault::data,
                  cat(where, ": ", quoted(target.name), " is ", word_of(found->second->dtype), "; this run has ",
                      word_of(target.values.dtype)),
                  "resume with the recipe that wrote it");
    if (found->second->shape != target.shape)
      throw Error(Fault::data,
                  cat(where, ": ", quoted(target.name), " is ", weights::shape_text(found->second->shape),
                      "; this run has ", weights::shape_text(target.shape)),
                  "resume with the recipe that wrote it");
  }

  Coverage coverage(manifest);
  for (const auto& entry : manifest.files) {
    const int rank = rank_of(entry);
    if (rank < 0) continue;  // state.h5 has no values of its own
    const CheckedFile file(checkpoint.folder, entry);
    file.check_digest();
    const RankIndex index = file.index(rank, manifest.ranks);
    coverage.add(index, (checkpoint.folder / entry.name).string());
    for (const auto& share : index.shares) {
      const auto target = wanted.find(share.tensor.name);
      if (target == wanted.end()) continue;
      const Target& into = *target->second;
      file.read_rows(share, rows_held(into.shape, into.first_row, into.values.count), into.values);
    }
  }
  coverage.check(where);
}

}  // namespace pst::checkpoint
