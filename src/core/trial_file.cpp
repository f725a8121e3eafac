// SPDX-License-Identifier: Apache-2.0
#include "core/trial_file.hpp"

#include <fcntl.h>
#include <stdlib.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>

namespace pst {

TrialFile::TrialFile(const std::filesystem::path& beginning)
    : path_(beginning.string() + "-XXXXXX"), descriptor_(::mkostemp(path_.data(), O_CLOEXEC)) {
  if (descriptor_ < 0) failure_ = std::strerror(errno);
}

TrialFile::~TrialFile() {
  if (descriptor_ < 0) return;
  ::close(descriptor_);
  ::unlink(path_.c_str());
}

void TrialFile::write(std::string_view bytes) {
  while (good() && !bytes.empty()) {
    const auto count = ::write(descriptor_, bytes.data(), bytes.size());
    if (count < 0 && errno == EINTR) continue;
    if (count < 0) failure_ = std::strerror(errno);
    if (count > 0) bytes.remove_prefix(static_cast<std::size_t>(count));
  }
}

void TrialFile::flush() {
  if (good() && ::fsync(descriptor_) != 0) failure_ = std::strerror(errno);
}

}  // namespace pst
