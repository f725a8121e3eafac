// SPDX-License-Identifier: Apache-2.0
#include <fcntl.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>
#include <utility>

#include "core/cut_maps.hpp"
#include "core/error.hpp"
#include "core/file.hpp"
#include "core/strings.hpp"
#include "core/trust.hpp"

namespace pst {

MappedFile::MappedFile(const fs::path& path, WhenCut when_cut, From from) : path_(path.string()) {
  const RegularFile in(path);
  struct stat opened {};
  if (::fstat(in.descriptor(), &opened) != 0)
    throw Error(Fault::io, cat("cannot look at ", path_, ": ", std::strerror(errno)));
  if (from == From::us)
    if (const auto why = not_ours(path, opened))
      throw Error(Fault::data, cat(path_, " is not believed: ", *why),
                  "where you trust what is in it: a copy of your own, or chmod go-w by its owner");
  device_ = opened.st_dev;
  inode_ = opened.st_ino;
  const auto size = static_cast<std::size_t>(opened.st_size);
  if (size == 0) return;
  void* const mapped = ::mmap(nullptr, size, PROT_READ, MAP_PRIVATE, in.descriptor(), 0);
  if (mapped == MAP_FAILED)
    throw Error(Fault::io, cat("cannot map ", path_, ": ", std::strerror(errno)),
                "is there enough memory for this process (`ulimit -v`)?");
  data_ = static_cast<const std::byte*>(mapped);
  size_ = size;
  watch_ = cut_maps::watch(data_, size_, path_, when_cut == WhenCut::read_zeros);
}

MappedFile::~MappedFile() { release(); }

MappedFile::MappedFile(MappedFile&& other) noexcept
    : data_(std::exchange(other.data_, nullptr)),
      size_(std::exchange(other.size_, 0)),
      path_(std::move(other.path_)),
      device_(other.device_),
      inode_(other.inode_),
      watch_(std::exchange(other.watch_, -1)) {}

MappedFile& MappedFile::operator=(MappedFile&& other) noexcept {
  if (this != &other) {
    release();
    data_ = std::exchange(other.data_, nullptr);
    size_ = std::exchange(other.size_, 0);
    path_ = std::move(other.path_);
    device_ = other.device_;
    inode_ = other.inode_;
    watch_ = std::exchange(other.watch_, -1);
  }
  return *this;
}

void MappedFile::check() const {
  struct stat now {};
  const bool is_there = ::stat(path_.c_str(), &now) == 0;
  // Another file under this name is no harm: the mapping keeps the one that was opened.
  const bool is_same = is_there && now.st_dev == device_ && now.st_ino == inode_;
  const bool has_other_size = is_same && static_cast<std::size_t>(now.st_size) != size_;
  if (!has_other_size && !cut_maps::was_cut(watch_)) return;
  throw Error(Fault::data, cat(path_, " was changed while it was read"), "wait until it is whole, then try again");
}

void MappedFile::release() noexcept {
  if (data_ != nullptr) {
    cut_maps::forget(watch_);
    ::munmap(const_cast<std::byte*>(data_), size_);
  }
  data_ = nullptr;
  size_ = 0;
  watch_ = -1;
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

}  // namespace pst
