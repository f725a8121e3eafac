// SPDX-License-Identifier: Apache-2.0
#include "cluster/secrets.hpp"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>

#include "config/slurm_words.hpp"
#include "core/error.hpp"
#include "core/strings.hpp"

namespace pst::cluster {
namespace {

constexpr std::size_t kMost = 64u << 10;

class File {
 public:
  /// Opened first and looked at then, so that nobody can put another one in its place in between.
  explicit File(const std::filesystem::path& path)
      : path_(path.string()), descriptor_(::open(path.c_str(), O_RDONLY | O_CLOEXEC | O_NONBLOCK)) {
    if (descriptor_ < 0)
      throw Error(Fault::usage, cat("cannot read the secrets file ", path_, ": ", std::strerror(errno)),
                  errno == ENOENT ? cat("set slurm.secrets_file, notify.secrets_file (or the site's secrets_file) to a "
                                        "file that is there, or "
                                        "make it: `umask 077; echo NAME=value > ",
                                        shell_quoted(path_), "`")
                                  : cat("it has to be readable for you: `ls -l ", shell_quoted(path_), "`"));
  }
  ~File() { ::close(descriptor_); }
  File(const File&) = delete;
  File& operator=(const File&) = delete;

  void check() const {
    struct stat status {};
    if (::fstat(descriptor_, &status) != 0 || !S_ISREG(status.st_mode))
      throw Error(Fault::usage, cat("the secrets file ", path_, " is no plain file"),
                  "set slurm.secrets_file (or the site's secrets_file) to a file of NAME=value lines");
    if (status.st_uid != ::geteuid())
      throw Error(
          Fault::usage, cat("the secrets file ", path_, " belongs to somebody else"),
          cat("copy what you may know of it into a file of your own, `chmod 600` it, and set slurm.secrets_file to "
              "that"));
    if ((status.st_mode & 077) != 0)
      throw Error(Fault::usage, cat("the secrets file ", path_, " is open to others"),
                  cat("`chmod 600 ", shell_quoted(path_), "`, so that only you can read it"));
  }

  std::string read() const {
    std::string text(kMost + 1, '\0');
    std::size_t size = 0;
    while (size < text.size()) {
      const ssize_t got = ::read(descriptor_, text.data() + size, text.size() - size);
      if (got < 0 && errno == EINTR) continue;
      if (got < 0)
        throw Error(Fault::io, cat("cannot read the secrets file ", path_, ": ", std::strerror(errno)),
                    cat("try `cat ", path_, "`; a copy on another disk can be named in slurm.secrets_file"));
      if (got == 0) break;
      size += static_cast<std::size_t>(got);
    }
    if (size > kMost)
      throw Error(Fault::usage, cat("the secrets file ", path_, " is larger than 64 KiB"),
                  "it is to hold NAME=value lines only; leave larger things in files of their own, and name these");
    text.resize(size);
    return text;
  }

 private:
  std::string path_;
  int descriptor_;
};

/// Whether a variable of that name would change what the job does, and not only what it knows.
bool is_reserved(const std::string& name) {
  for (const char* own : {"PATH", "LD_PRELOAD", "LD_LIBRARY_PATH", "BASH_ENV", "ENV", "HOME"})
    if (name == own) return true;
  return name.starts_with("SLURM_") || name.starts_with("PST_") || name.starts_with("PMIX_");
}

}  // namespace

std::map<std::string, std::string> read_secrets(const std::filesystem::path& path) {
  const File file(path);
  file.check();
  std::map<std::string, std::string> all;
  int number = 0;
  for (const std::string& line : split(file.read(), '\n')) {
    ++number;
    const auto text = line.empty() || line.back() != '\r' ? std::string_view(line)
                                                          : std::string_view(line).substr(0, line.size() - 1);
    if (trim(text).empty() || trim(text).front() == '#') continue;
    const auto equals = text.find('=');
    const std::string name(text.substr(0, equals));
    const auto refuse = [&](const std::string& what, const char* remedy) {
      throw Error(Fault::usage, cat(path.string(), ":", number, ": ", what), remedy);
    };
    if (equals == std::string_view::npos || !config::is_variable_name(name))
      refuse("this is no NAME=value", "write NAME=value, one a line; a remark begins with #");
    if (is_reserved(name)) refuse(cat(name, " is no secret but part of how the job works"), "remove the line");
    if (find_control(text))
      refuse(cat("the value of ", name, " has a control character"), "write the value anew, in one line");
    if (!all.emplace(name, std::string(text.substr(equals + 1))).second)
      refuse(cat(name, " is there twice"), "keep one of the two lines");
  }
  return all;
}

}  // namespace pst::cluster
