// SPDX-License-Identifier: Apache-2.0
#pragma once
#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <optional>
#include <span>
#include <string>
#include <string_view>

namespace pst {

namespace fs = std::filesystem;

/// Who may read what is written: whom the umask leaves, or everybody, since other users' programs are to read it.
enum class Readers { as_umask, everybody };

/// Creates or replaces `path` so that a reader sees the old content or the new, never a part: temporary file in the
/// same folder, fsync, rename, fsync of the folder. On any failure the temporary file is removed and `path` is as it
/// was.
/// @throws Error(io) naming the path, the bytes needed and the bytes free
void write_durably(const fs::path& path, std::string_view content, Readers readers = Readers::as_umask);

/// The same for content that arrives in pieces: nothing is at `path` before commit().
class DurableFile {
 public:
  /// @param expected_bytes what the message on a full disk tells the user to free; 0 when unknown. @throws Error(io)
  explicit DurableFile(fs::path path, std::uint64_t expected_bytes = 0);
  ~DurableFile();  ///< without commit(): removes the temporary file
  DurableFile(const DurableFile&) = delete;
  DurableFile& operator=(const DurableFile&) = delete;

  void write(std::string_view piece);  ///< @throws Error(io)
  void let_everybody_read();           ///< @throws Error(io)
  void commit();                       ///< fsync, rename, fsync of the folder. Once. @throws Error(io)

 private:
  fs::path path_, temporary_;
  std::uint64_t expected_bytes_ = 0;
  int descriptor_ = -1;
};

/// rename(2), then fsync of the folder that holds `to`. @throws Error(io)
void rename_durably(const fs::path& from, const fs::path& to);

/// Creates `path` and its parents. @throws Error(io)
void make_directories(const fs::path& path);

/// A file opened for reading that may be a stranger's: a regular file or nothing. The open of a named pipe would wait
/// for its writer, and a device may never end.
class RegularFile {
 public:
  /// @throws Error(data) when it is missing, may not be read or is no regular file; Error(io)
  explicit RegularFile(fs::path path);
  /// Nothing when there is no such file. @throws otherwise as above
  static std::optional<RegularFile> open_if_there(const fs::path& path);
  ~RegularFile();
  RegularFile(RegularFile&& other) noexcept;
  RegularFile& operator=(RegularFile&&) = delete;
  RegularFile(const RegularFile&) = delete;
  RegularFile& operator=(const RegularFile&) = delete;

  int descriptor() const { return descriptor_; }
  std::uint64_t size() const;  ///< now. @throws Error(io)
  /// As many bytes from `at` on as there are, at most `most`. @throws Error(io)
  std::string read(std::uint64_t at, std::size_t most) const;

 private:
  fs::path path_;
  int descriptor_ = -1;
};

/// The content of a regular file. @throws Error(data) when it is missing, larger than `max_bytes` or not a file;
/// Error(io)
std::string read_file(const fs::path& path, std::uint64_t max_bytes = 1ull << 30);

/// Appends whole lines to a file that several attempts may share. A line reaches the kernel in one write(2).
class AppendFile {
 public:
  explicit AppendFile(fs::path path);  ///< creates it when absent. @throws Error(io)
  ~AppendFile();
  AppendFile(const AppendFile&) = delete;
  AppendFile& operator=(const AppendFile&) = delete;

  /// @param line without a newline; one is added. @throws Error(io)
  void append(std::string_view line);
  void sync();  ///< fsync. @throws Error(io)

 private:
  fs::path path_;
  int descriptor_ = -1;
};

/// What happens when a mapped file becomes shorter, and the bytes are read that are no more.
enum class WhenCut {
  end_program,  ///< with a message that names the file, and status 65
  read_zeros,   ///< for who calls MappedFile::check() before using what was made of the bytes
};

/// A regular file mapped for reading. The bytes stay valid as long as the object. An empty file maps to an empty span.
class MappedFile {
 public:
  enum class From { anybody, us };
  /// @param from  us: refused when somebody else may write it (core/trust.hpp)
  /// @throws Error(data) when missing, no regular file or refused; Error(io)
  explicit MappedFile(const fs::path& path, WhenCut when_cut = WhenCut::end_program, From from = From::anybody);
  MappedFile(const fs::path& path, From from) : MappedFile(path, WhenCut::end_program, from) {}
  ~MappedFile();
  MappedFile(MappedFile&& other) noexcept;
  MappedFile& operator=(MappedFile&& other) noexcept;
  MappedFile(const MappedFile&) = delete;
  MappedFile& operator=(const MappedFile&) = delete;

  std::span<const std::byte> bytes() const { return {data_, size_}; }
  /// @throws Error(data) when the file was cut or became longer since it was opened: the bytes are not the whole file
  void check() const;

 private:
  void release() noexcept;
  const std::byte* data_ = nullptr;
  std::size_t size_ = 0;
  std::string path_;
  std::uint64_t device_ = 0, inode_ = 0;
  int watch_ = -1;  ///< of cut_maps.hpp
};

/// Asks the kernel to bring these bytes of a mapped file into memory, and returns at once: a wish, and without effect
/// where it cannot be had.
void read_ahead(std::span<const std::byte> mapped);
/// Takes whole pages of a mapped file out of this process's memory; who looks at them again reads the file again.
void let_go(std::span<const std::byte> mapped);

/// Bytes that an unprivileged writer can still put on the file system of `path` (or of its nearest existing parent).
std::uint64_t free_bytes(const fs::path& path);

}  // namespace pst
