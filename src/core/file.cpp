// SPDX-License-Identifier: Apache-2.0
#include "core/file.hpp"

#include <fcntl.h>
#include <sys/mman.h>
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

std::string read_file(const fs::path& path, std::uint64_t max_bytes) {
  const MappedFile file(path);
  if (file.bytes().size() > max_bytes)
    throw Error(Fault::data, cat(path.string(), " has ", human_bytes(file.bytes().size()), "; at most ",
                                 human_bytes(max_bytes), " are read here"));
  return {reinterpret_cast<const char*>(file.bytes().data()), file.bytes().size()};
}

AppendFile::AppendFile(fs::path path) : path_(std::move(path)) {
  descriptor_ = ::open(path_.c_str(), O_WRONLY | O_APPEND | O_CREAT | O_CLOEXEC, 0666);
  if (descriptor_ < 0) fail("open", path_, errno);
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

MappedFile::MappedFile(const fs::path& path, From from) {
  const Descriptor in(::open(path.c_str(), O_RDONLY | O_CLOEXEC));
  if (in.get() < 0) {
    if (errno == ENOENT || errno == ENOTDIR) throw Error(Fault::data, cat(path.string(), " does not exist"));
    if (errno == EACCES) throw Error(Fault::data, cat(path.string(), " may not be read by this user"));
    fail("open", path, errno);
  }
  struct stat info {};
  if (::fstat(in.get(), &info) != 0) fail("look at", path, errno);
  if (!S_ISREG(info.st_mode)) throw Error(Fault::data, cat(path.string(), " is not a regular file"));
  if (from == From::us)
    if (const auto why = not_ours(path, info))
      throw Error(Fault::data, cat(path.string(), " is not believed: ", *why),
                  "where you trust what is in it: a copy of your own, or chmod go-w by its owner");
  size_ = static_cast<std::size_t>(info.st_size);
  if (size_ == 0) return;
  void* const mapped = ::mmap(nullptr, size_, PROT_READ, MAP_PRIVATE, in.get(), 0);
  if (mapped == MAP_FAILED) {
    size_ = 0;
    fail("map", path, errno);
  }
  data_ = static_cast<const std::byte*>(mapped);
}

MappedFile::~MappedFile() { release(); }

MappedFile::MappedFile(MappedFile&& other) noexcept
    : data_(std::exchange(other.data_, nullptr)), size_(std::exchange(other.size_, 0)) {}

MappedFile& MappedFile::operator=(MappedFile&& other) noexcept {
  if (this != &other) {
    release();
    data_ = std::exchange(other.data_, nullptr);
    size_ = std::exchange(other.size_, 0);
  }
  return *this;
}

void MappedFile::release() noexcept {
  if (data_ != nullptr) ::munmap(const_cast<std::byte*>(data_), size_);
  data_ = nullptr;
  size_ = 0;
}

void read_ahead(std::span<const std::byte> mapped) {
  if (mapped.empty()) return;
  const auto page = static_cast<std::uintptr_t>(::sysconf(_SC_PAGESIZE));
  const auto begin = reinterpret_cast<std::uintptr_t>(mapped.data()) / page * page;
  const auto end = reinterpret_cast<std::uintptr_t>(mapped.data()) + mapped.size();
  ::madvise(reinterpret_cast<void*>(begin), end - begin, MADV_WILLNEED);
}

void let_go(std::span<const std::byte> mapped) {
  const auto page = static_cast<std::uintptr_t>(::sysconf(_SC_PAGESIZE));
  const auto first = reinterpret_cast<std::uintptr_t>(mapped.data());
  const auto begin = (first + page - 1) / page * page, end = (first + mapped.size()) / page * page;
  if (begin < end) ::madvise(reinterpret_cast<void*>(begin), end - begin, MADV_DONTNEED);
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
