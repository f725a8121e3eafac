// SPDX-License-Identifier: Apache-2.0
#include "core/file.hpp"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>
#include <random>
#include <utility>

#include "core/error.hpp"
#include "core/strings.hpp"
#include "core/trust.hpp"

namespace pst {
namespace {

class Descriptor {
 public:
  explicit Descriptor(int value) : value_(value) {}
  ~Descriptor() {
    if (value_ >= 0) ::close(value_);
  }
  Descriptor(const Descriptor&) = delete;
  Descriptor& operator=(const Descriptor&) = delete;
  int get() const { return value_; }

 private:
  int value_;
};

[[noreturn]] void fail(const char* what, const fs::path& path, int error, std::uint64_t needed = 0) {
  std::string remedy;
  if (error == ENOSPC || error == EDQUOT)
    remedy = cat("free ", needed > 0 ? human_bytes(needed) : std::string("some space"), " there (",
                 human_bytes(free_bytes(path)), " free), or choose another folder");
  else if (error == EACCES || error == EPERM || error == EROFS)
    remedy = "check who owns the folder and whether it may be written, or choose another one";
  throw Error(Fault::io, cat("cannot ", what, " ", path.string(), ": ", std::strerror(error)), remedy);
}

void write_all(int descriptor, std::string_view bytes, const fs::path& path, std::uint64_t needed) {
  while (!bytes.empty()) {
    const auto written = ::write(descriptor, bytes.data(), bytes.size());
    if (written < 0) {
      if (errno == EINTR) continue;
      fail("write", path, errno, needed);
    }
    bytes.remove_prefix(static_cast<std::size_t>(written));
  }
}

void sync_directory(const fs::path& directory) {
  const Descriptor descriptor(::open(directory.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC));
  if (descriptor.get() < 0) fail("open folder", directory, errno);
  // Some network file systems refuse fsync on a folder; the rename itself is then as durable as they make it.
  if (::fsync(descriptor.get()) != 0 && errno != EINVAL && errno != ENOTSUP) fail("sync folder", directory, errno);
}

fs::path parent_of(const fs::path& path) { return path.has_parent_path() ? path.parent_path() : fs::path("."); }

}  // namespace

DurableFile::DurableFile(fs::path path, std::uint64_t expected_bytes)
    : path_(std::move(path)), expected_bytes_(expected_bytes) {
  // A name that nobody can take beforehand: in a folder that others may write, a known one would be in our way.
  constexpr int kTries = 100;
  std::random_device source;
  for (int tries = 0; descriptor_ < 0; ++tries) {
    temporary_ = cat(path_.string(), ".tmp.", ::getpid(), ".", source());
    descriptor_ = ::open(temporary_.c_str(), O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0666);
    if (descriptor_ < 0 && (errno != EEXIST || tries >= kTries)) fail("create", temporary_, errno);
  }
}

DurableFile::~DurableFile() {
  if (descriptor_ >= 0) ::close(descriptor_);
  if (!temporary_.empty()) ::unlink(temporary_.c_str());
}

void DurableFile::write(std::string_view piece) { write_all(descriptor_, piece, path_, expected_bytes_); }

void DurableFile::let_everybody_read() {
  if (::fchmod(descriptor_, 0644) != 0) fail("open to all readers", path_, errno);
}

void DurableFile::commit() {
  if (::fsync(descriptor_) != 0) fail("sync", path_, errno, expected_bytes_);
  if (::close(std::exchange(descriptor_, -1)) != 0) fail("close", path_, errno, expected_bytes_);
  rename_durably(temporary_, path_);
  temporary_.clear();
}

void write_durably(const fs::path& path, std::string_view content, Readers readers) {
  DurableFile out(path, content.size());
  if (readers == Readers::everybody) out.let_everybody_read();
  out.write(content);
  out.commit();
}

void rename_durably(const fs::path& from, const fs::path& to) {
  if (::rename(from.c_str(), to.c_str()) != 0) fail("rename to", to, errno);
  sync_directory(parent_of(to));
}

void make_directories(const fs::path& path) {
  std::error_code status;
  fs::create_directories(path, status);
  if (status) fail("create folder", path, status.value());
}

RegularFile::RegularFile(fs::path path) : path_(std::move(path)) {
  // Without O_NONBLOCK the open itself would wait; a regular file does not know the difference.
  descriptor_ = ::open(path_.c_str(), O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY);
  if (descriptor_ < 0) {
    const int error = errno;
    if (error == ENOENT || error == ENOTDIR) throw Error(Fault::data, cat(path_.string(), " does not exist"));
    if (error == EACCES) throw Error(Fault::data, cat(path_.string(), " may not be read by this user"));
    if (error == ENXIO) throw Error(Fault::data, cat(path_.string(), " is not a regular file"));  // a socket
    fail("open", path_, error);
  }
  struct stat info {};
  const bool looked = ::fstat(descriptor_, &info) == 0;
  if (looked && S_ISREG(info.st_mode)) return;
  const int error = errno;
  ::close(descriptor_);
  if (!looked) fail("look at", path_, error);
  throw Error(Fault::data, cat(path_.string(), " is not a regular file"));
}

std::optional<RegularFile> RegularFile::open_if_there(const fs::path& path) {
  struct stat info {};
  if (::stat(path.c_str(), &info) != 0 && (errno == ENOENT || errno == ENOTDIR)) return std::nullopt;
  return RegularFile(path);
}

RegularFile::~RegularFile() {
  if (descriptor_ >= 0) ::close(descriptor_);
}

RegularFile::RegularFile(RegularFile&& other) noexcept
    : path_(std::move(other.path_)), descriptor_(std::exchange(other.descriptor_, -1)) {}

std::uint64_t RegularFile::size() const {
  struct stat info {};
  if (::fstat(descriptor_, &info) != 0) fail("look at", path_, errno);
  return static_cast<std::uint64_t>(info.st_size);
}

std::string RegularFile::read(std::uint64_t at, std::size_t most) const {
  std::string bytes(most, '\0');
  std::size_t size = 0;
  while (size < most) {
    const auto got = ::pread(descriptor_, bytes.data() + size, most - size, static_cast<off_t>(at + size));
    if (got < 0 && errno == EINTR) continue;
    if (got < 0) fail("read", path_, errno);
    if (got == 0) break;
    size += static_cast<std::size_t>(got);
  }
  bytes.resize(size);
  return bytes;
}

std::string read_file(const fs::path& path, std::uint64_t max_bytes) {
  const RegularFile file(path);
  const std::uint64_t size = file.size();
  if (size > max_bytes)
    throw Error(Fault::data,
                cat(path.string(), " has ", human_bytes(size), "; at most ", human_bytes(max_bytes), " are read here"));
  return file.read(0, static_cast<std::size_t>(size));
}

AppendFile::AppendFile(fs::path path) : path_(std::move(path)) {
  descriptor_ = ::open(path_.c_str(), O_WRONLY | O_APPEND | O_CREAT | O_CLOEXEC | O_NONBLOCK | O_NOCTTY, 0666);
  if (descriptor_ < 0 && errno != ENXIO) fail("open", path_, errno);  // ENXIO: a named pipe that nobody reads
  struct stat info {};
  if (descriptor_ >= 0 && ::fstat(descriptor_, &info) == 0 && S_ISREG(info.st_mode)) return;
  if (descriptor_ >= 0) ::close(descriptor_);
  throw Error(Fault::io, cat(path_.string(), " is not a regular file: nothing can be appended to it"),
              "whoever made it is to move it away");
}

AppendFile::~AppendFile() {
  if (descriptor_ >= 0) ::close(descriptor_);
}

void AppendFile::append(std::string_view line) {
  std::string whole(line);
  whole += '\n';
  write_all(descriptor_, whole, path_, whole.size());
}

void AppendFile::sync() {
  if (::fsync(descriptor_) != 0) fail("sync", path_, errno);
}

std::uint64_t free_bytes(const fs::path& path) {
  std::error_code status;
  for (fs::path at = fs::absolute(path, status); !at.empty(); at = at.parent_path()) {
    const auto space = fs::space(at, status);
    if (!status) return space.available;
    if (at == at.root_path()) break;
  }
  return 0;
}

}  // namespace pst
