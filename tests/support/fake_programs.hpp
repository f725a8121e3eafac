// SPDX-License-Identifier: Apache-2.0
#pragma once
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <string>

#include "support/temporary_directory.hpp"

namespace pst::fixture {

/// A folder of shell scripts that stands first on PATH, or is all of PATH, for the object's lifetime.
class FakePrograms {
 public:
  enum class Path { first, only };
  explicit FakePrograms(Path kind = Path::first) : before_(std::getenv("PATH")) {
    const std::string mine = dir_.path().string();
    ::setenv("PATH", (kind == Path::only ? mine : mine + ":" + before_).c_str(), 1);
  }
  ~FakePrograms() { ::setenv("PATH", before_.c_str(), 1); }

  /// A program `name` that runs `body` in /bin/sh.
  std::filesystem::path add(const std::string& name, const std::string& body) const {
    const auto path = dir_ / name;
    std::ofstream(path) << "#!/bin/sh\n" << body << "\n";
    std::filesystem::permissions(path, std::filesystem::perms::owner_all);
    return path;
  }
  const std::filesystem::path& folder() const { return dir_.path(); }

 private:
  TemporaryDirectory dir_;
  std::string before_;
};

}  // namespace pst::fixture
