// SPDX-License-Identifier: Apache-2.0
#include "weights/part_folder.hpp"

#include <fcntl.h>
#include <sys/file.h>
#include <unistd.h>

#include "core/error.hpp"
#include "core/file.hpp"
#include "core/strings.hpp"

namespace pst::weights {

PartFolder::PartFolder(const fs::path& dir, const std::set<std::string>& files)
    : dir_(dir), part_(dir.string() + ".part") {
  make_directories(part_);
  lock_ = ::open(part_.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC);
  if (lock_ < 0 || ::flock(lock_, LOCK_EX | LOCK_NB) != 0) {
    if (lock_ >= 0) ::close(lock_);
    throw Error(Fault::usage, cat(part_.string(), " is being written by another import"),
                "wait for it, or choose another folder");
  }
  try {
    remove_leftovers(files);
  } catch (...) {
    ::close(lock_);
    throw;
  }
}

PartFolder::~PartFolder() {
  std::error_code ignored;
  if (!committed_) fs::remove_all(part_, ignored);
  ::close(lock_);
}

void PartFolder::commit() {
  rename_durably(part_, dir_);
  committed_ = true;
}

/// A killed process leaves its files behind. Ours are known by name; anything else is somebody's and stays.
void PartFolder::remove_leftovers(const std::set<std::string>& files) const {
  for (const auto& entry : fs::directory_iterator(part_)) {
    const std::string name = entry.path().filename().string();
    if (files.count(name.substr(0, name.find(".tmp."))) == 0 || !entry.is_regular_file())
      throw Error(Fault::usage, cat(entry.path().string(), " is in the way and was not written by an import"),
                  "move it away");
  }
  for (const auto& entry : fs::directory_iterator(part_)) fs::remove(entry.path());
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
