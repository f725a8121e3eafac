// SPDX-License-Identifier: Apache-2.0
#include "checkpoint/retention.hpp"

#include <algorithm>
#include <cerrno>
#include <set>

#include "core/error.hpp"
#include "core/strings.hpp"

namespace pst::checkpoint {
namespace {

/// The generation of "step-00000120.part-7", or nothing for any other name.
std::optional<std::int64_t> generation_of_part(const std::string& name) {
  constexpr std::string_view kPart = ".part-";
  const auto at = name.find(kPart);
  if (at == name.npos || !step_of(name.substr(0, at))) return std::nullopt;
  return to_int(std::string_view(name).substr(at + kPart.size()));
}

/// "step-00000120.replaced-7": an older checkpoint of a step that was saved once more.
std::optional<std::int64_t> step_of_replaced(const std::string& name) {
  const auto at = name.find(".replaced-");
  return at == name.npos ? std::nullopt : step_of(name.substr(0, at));
}

std::vector<std::string> names_in(const fs::path& folder) {
  std::vector<std::string> names;
  std::error_code status;
  for (fs::directory_iterator at(folder, status), end; !status && at != end; at.increment(status))
    names.push_back(at->path().filename().string());
  if (status && status != std::errc::no_such_file_or_directory)
    throw Error(Fault::io, cat("cannot list ", folder.string(), ": ", status.message()));
  return names;
}

std::set<fs::path> chosen(const std::vector<Found>& good, const Keep& keep) {
  std::set<fs::path> stay;
  const Found* best = nullptr;
  for (std::size_t i = 0; i < good.size(); ++i) {
    const auto& [folder, manifest] = good[i];
    const bool new_enough = i + static_cast<std::size_t>(std::max(keep.newest, 1)) >= good.size();
    if (new_enough || (keep.milestones && manifest.milestone)) stay.insert(folder);
    if (!manifest.validation_loss) continue;
    // Of equals the later one: it has learned more.
    if (best == nullptr || *manifest.validation_loss <= *best->manifest.validation_loss) best = &good[i];
  }
  if (keep.best && best != nullptr) stay.insert(best->folder);
  return stay;
}

}  // namespace

Pruned prune(const fs::path& checkpoints, const Keep& keep, Check check) {
  Pruned result;
  std::vector<Found> good;  // oldest first
  for (const auto& folder : list_folders(checkpoints)) {
    std::optional<Manifest> manifest;
    const auto problems = problems_of(folder, check, &manifest);
    if (problems.empty())
      good.push_back({folder, std::move(*manifest)});
    else
      result.damaged.push_back({folder, join(problems, "; ")});
  }
  const auto stay = chosen(good, keep);
  for (const auto& [folder, manifest] : good) {
    if (stay.contains(folder)) {
      result.kept.push_back(folder);
      continue;
    }
    remove_folder(folder);
    result.removed.push_back(folder);
  }
  if (result.kept.empty()) return result;
  for (const auto& name : names_in(checkpoints)) {
    const auto step = step_of_replaced(name);
    if (step && *step < *step_of(result.kept.front())) remove_folder(checkpoints / name);
  }
  return result;
}

void fence(const fs::path& checkpoints, int generation) {
  for (const auto& name : names_in(checkpoints)) {
    const auto older = generation_of_part(name);
    if (older && *older < generation) remove_folder(checkpoints / name);
    if (!name.starts_with(".trash-")) continue;
    std::error_code status;  // somebody else may be removing it at this moment
    fs::remove_all(checkpoints / name, status);
  }
}

}  // namespace pst::checkpoint
