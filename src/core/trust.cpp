// SPDX-License-Identifier: Apache-2.0
#include "core/trust.hpp"

#include <grp.h>
#include <pwd.h>
#include <unistd.h>

#include <cerrno>
#include <cstdlib>
#include <cstring>
#include <vector>

#include "core/error.hpp"
#include "core/strings.hpp"
#include "core/trial_file.hpp"

namespace pst {
namespace fs = std::filesystem;
namespace {

constexpr std::size_t kMostOfAnEntry = 1u << 20;  // a group of thousands; a larger one is nobody's private one

std::string user_name(uid_t uid) {
  std::vector<char> buffer(16384);
  passwd entry{};
  passwd* found = nullptr;
  return ::getpwuid_r(uid, &entry, buffer.data(), buffer.size(), &found) == 0 && found != nullptr ? entry.pw_name : "";
}

struct Group {
  std::string name;
  std::vector<std::string> members;  ///< beside those whose first group it is
};

std::optional<Group> group_of(gid_t gid) {
  for (std::vector<char> buffer(16384); buffer.size() <= kMostOfAnEntry; buffer.resize(buffer.size() * 4)) {
    group entry{};
    group* found = nullptr;
    const int error = ::getgrgid_r(gid, &entry, buffer.data(), buffer.size(), &found);
    if (error == ERANGE) continue;
    if (error != 0 || found == nullptr) return std::nullopt;
    Group result{entry.gr_name, {}};
    for (char** member = entry.gr_mem; *member != nullptr; ++member) result.members.emplace_back(*member);
    return result;
  }
  return std::nullopt;
}

bool is_private_to(const Group& group, const std::string& user) {
  if (user.empty() || group.name != user) return false;
  for (const auto& member : group.members)
    if (member != user) return false;
  return true;
}

/// Whether files in this folder have the owner and the mode that they were made with. Where none can be made: yes.
bool keeps_owners(const fs::path& folder) {
  const TrialFile file((folder.empty() ? fs::path(".") : folder) / ".peft-studio");
  struct stat info {};
  if (!file.good() || ::fstat(file.descriptor(), &info) != 0) return true;
  return info.st_uid == ::geteuid() && (info.st_mode & 077) == 0;
}

template <class Question>
std::optional<std::string> of_path(const fs::path& path, Question question) {
  struct stat info {};
  if (::stat(path.c_str(), &info) != 0) return std::nullopt;
  auto why = question(info);
  return why && keeps_owners(path.parent_path()) ? why : std::nullopt;
}

mode_t& mask_of_the_user() {
  static mode_t mask = 022;
  return mask;
}

}  // namespace

std::optional<std::string> others_may_write(const struct stat& info) {
  if ((info.st_mode & S_IWOTH) != 0) return "everybody may write it";
  if ((info.st_mode & S_IWGRP) == 0) return std::nullopt;
  const auto group = group_of(info.st_gid);
  if (group && is_private_to(*group, user_name(info.st_uid))) return std::nullopt;
  return cat("its group '", group ? group->name : std::to_string(info.st_gid), "' may write it");
}

std::optional<std::string> not_ours(const struct stat& info) {
  if (info.st_uid != ::geteuid() && info.st_uid != 0) {
    const std::string name = user_name(info.st_uid);
    return cat("it belongs to '", name.empty() ? std::to_string(info.st_uid) : name, "'");
  }
  return others_may_write(info);
}

std::optional<std::string> others_may_write(const fs::path& path) {
  return of_path(path, [](const struct stat& info) { return others_may_write(info); });
}

std::optional<std::string> not_ours(const fs::path& path) {
  return of_path(path, [](const struct stat& info) { return not_ours(info); });
}

std::optional<std::string> not_ours(const fs::path& path, const struct stat& info) {
  auto why = not_ours(info);
  return why && keeps_owners(path.parent_path()) ? why : std::nullopt;
}

void keep_from_others() {
  mask_of_the_user() = ::umask(077);
  ::umask(mask_of_the_user() | 022);
}

void make_shared_directories(const fs::path& path) {
  std::error_code status;
  if (path.empty() || fs::is_directory(path, status)) return;
  make_shared_directories(path.parent_path());
  if (::mkdir(path.c_str(), 0777) != 0) {
    if (errno == EEXIST && fs::is_directory(path, status)) return;  // somebody was faster
    throw Error(Fault::io, cat("cannot create folder ", path.string(), ": ", std::strerror(errno)),
                errno == ENOSPC || errno == EDQUOT
                    ? "free some space there, or choose another folder"
                    : "check who owns the folder above it and whether it may be written, or choose another one");
  }
  struct stat info {};  // a folder's set-group-ID bit, which it may have from the one above, is to stay
  if (::stat(path.c_str(), &info) == 0) ::chmod(path.c_str(), (info.st_mode & 07000) | (0777 & ~mask_of_the_user()));
}

}  // namespace pst
