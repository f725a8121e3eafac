// SPDX-License-Identifier: Apache-2.0
#include "weights/part_folder.hpp"

#include <fcntl.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <cstdlib>
#include <cstring>

#include "core/clock.hpp"
#include "core/error.hpp"
#include "core/file.hpp"
#include "core/strings.hpp"

namespace pst::weights {
namespace {

std::string prefix_of(const fs::path& dir) { return dir.filename().string() + ".part-"; }

fs::path parent_of(const fs::path& dir) { return dir.has_parent_path() ? dir.parent_path() : fs::path("."); }

/// A killed process leaves its files behind. Ours are known by name; a folder with anything else is somebody's and
/// stays, and so does an empty new one: its maker may be about to lock it.
void remove_leftover(const fs::path& folder, const struct stat& info, const std::set<std::string>& files) {
  constexpr double kNew_s = 60;
  std::error_code status;
  if (fs::is_empty(folder, status) && unix_seconds() - static_cast<double>(info.st_mtime) < kNew_s) return;
  for (const auto& entry : fs::directory_iterator(folder, status)) {
    const std::string name = entry.path().filename().string();
    if (files.count(name.substr(0, name.find(".tmp."))) == 0 || !entry.is_regular_file(status)) return;
  }
  fs::remove_all(folder, status);
}

/// @throws Error(usage) when a process of ours is at work on the same folder
void look_at_leftovers(const fs::path& dir, const std::set<std::string>& files) {
  std::error_code status;
  for (const auto& entry : fs::directory_iterator(parent_of(dir), status)) {
    if (!entry.path().filename().string().starts_with(prefix_of(dir))) continue;
    const int lock = ::open(entry.path().c_str(), O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC | O_NONBLOCK);
    if (lock < 0) continue;
    struct stat info {};
    const bool is_ours = ::fstat(lock, &info) == 0 && info.st_uid == ::geteuid();
    const bool is_free = is_ours && ::flock(lock, LOCK_EX | LOCK_NB) == 0;
    const bool is_held = is_ours && !is_free && errno == EWOULDBLOCK;  // else this file system has no locks
    if (is_free) remove_leftover(entry.path(), info, files);
    ::close(lock);
    if (is_held)
      throw Error(Fault::usage, cat(entry.path().string(), " is being written by another process of yours"),
                  "wait for it, or choose another folder");
  }
}

}  // namespace

PartFolder::PartFolder(const fs::path& dir, const std::set<std::string>& files) : dir_(dir) {
  make_directories(parent_of(dir));
  look_at_leftovers(dir, files);
  std::string name = (parent_of(dir) / (prefix_of(dir) + "XXXXXX")).string();
  if (::mkdtemp(name.data()) == nullptr)  // a new one of mode 0700, or none
    throw Error(Fault::io, cat("cannot create folder ", name, ": ", std::strerror(errno)),
                "check that the folder above it may be written and has room, or choose another one");
  part_ = name;
  lock_ = ::open(name.c_str(), O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
  if (lock_ >= 0) ::flock(lock_, LOCK_EX | LOCK_NB);
  const mode_t mask = ::umask(0);
  ::umask(mask);
  mode_ = 0777 & ~mask;
}

PartFolder::~PartFolder() {
  std::error_code ignored;
  if (!committed_) fs::remove_all(part_, ignored);
  if (lock_ >= 0) ::close(lock_);
}

void PartFolder::commit() {
  ::fchmod(lock_, mode_);
  rename_durably(part_, dir_);
  committed_ = true;
  struct stat made {
  }, there{};
  if (::fstat(lock_, &made) != 0 || ::lstat(dir_.c_str(), &there) != 0 || made.st_ino != there.st_ino ||
      made.st_dev != there.st_dev)
    throw Error(Fault::io, cat(dir_.string(), " is not what was written: somebody else has replaced it meanwhile"),
                "choose a folder that only you can write");
}

void refuse_used_folder(const fs::path& dir) {
  std::error_code status;
  const auto kind = fs::symlink_status(dir, status).type();
  if (kind == fs::file_type::not_found) return;
  if (kind == fs::file_type::directory && fs::is_empty(dir, status) && !status) return;
  throw Error(Fault::usage,
              cat(dir.string(), " exists already", kind == fs::file_type::directory ? " and is not empty" : ""),
              "choose another folder, or remove it first");
}

}  // namespace pst::weights
