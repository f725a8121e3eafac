// SPDX-License-Identifier: Apache-2.0
#include "cluster/program_path.hpp"

#include <pwd.h>
#include <unistd.h>

#include <cstdlib>

#include "config/slurm_variables.hpp"
#include "core/error.hpp"
#include "core/strings.hpp"

extern char** environ;

namespace pst::cluster {
namespace fs = std::filesystem;
namespace {

bool is_program(const fs::path& path) {
  std::error_code ignored;
  return fs::is_regular_file(path, ignored) && ::access(path.c_str(), X_OK) == 0;
}

}  // namespace

std::optional<fs::path> find_program(const std::string& program) {
  if (program.find('/') != std::string::npos)
    return is_program(program) ? std::optional<fs::path>(program) : std::nullopt;
  const char* const path = std::getenv("PATH");
  for (const auto& folder : split(path ? path : "/usr/local/bin:/usr/bin:/bin", ':'))
    if (const fs::path candidate = fs::path(folder.empty() ? "." : folder) / program; is_program(candidate))
      return candidate;
  return std::nullopt;
}

fs::path require_program(const std::string& program, const std::string& remedy) {
  if (const auto found = find_program(program)) return *found;
  throw Error(Fault::unfit, cat(program, " was not found on PATH"), remedy);
}

fs::path require_mpirun(const std::string& remedy) {
  fs::path found = require_program("mpirun", remedy);
  if (::getpwuid(::geteuid()) == nullptr)
    throw Error(Fault::unfit,
                cat("uid ", ::geteuid(), " has no entry in this machine's list of users (getent passwd ", ::geteuid(),
                    "), and mpirun crashes without one"),
                cat("in a container, give the user an entry in its /etc/passwd; or ", remedy));
  return found;
}

std::vector<std::string> environment_for(const std::string& program) {
  std::vector<std::string> given;
  for (char** entry = environ; *entry; ++entry) {
    const std::string_view text = *entry;
    if (config::is_given(program, text.substr(0, text.find('=')))) given.emplace_back(text);
  }
  return given;
}

fs::path own_program() { return fs::read_symlink("/proc/self/exe"); }

fs::path worker_program() {
  const std::string name = "peft-studio-worker";
  if (const char* const chosen = std::getenv("PST_WORKER"); chosen && *chosen) {
    if (is_program(chosen)) return fs::absolute(chosen);
    throw Error(Fault::unfit, cat("PST_WORKER is ", quoted(chosen), ", which is not a program"),
                "unset it, or set it to the path of peft-studio-worker");
  }
  const fs::path here = own_program().parent_path();
  for (const fs::path& candidate : {here / name, here.parent_path() / "libexec" / name})
    if (is_program(candidate)) return candidate;
  throw Error(Fault::unfit,
              cat(name, " was not found in ", here.string(), " nor in ", (here.parent_path() / "libexec").string()),
              "build it (cmake --preset dev), or set PST_WORKER to its path");
}

}  // namespace pst::cluster
