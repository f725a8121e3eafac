// SPDX-License-Identifier: Apache-2.0
#include "checkpoint/rank_reader.hpp"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstring>

#include "checkpoint/fletcher32.hpp"
#include "core/digest.hpp"
#include "core/error.hpp"
#include "core/strings.hpp"

namespace pst::checkpoint {
namespace {

constexpr std::size_t kBlock = 1 << 20;

std::uint64_t little_endian(std::span<const std::byte> bytes) {
  std::uint64_t value = 0;
  for (std::size_t i = bytes.size(); i-- > 0;) value = value << 8 | std::to_integer<std::uint64_t>(bytes[i]);
  return value;
}

}  // namespace

CheckedFile::CheckedFile(const fs::path& folder, const FileEntry& entry) : path_(folder / entry.name), entry_(entry) {
  // A pipe under this name must not make us wait for its writer.
  descriptor_ = ::open(path_.c_str(), O_RDONLY | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK);
  if (descriptor_ < 0) {
    if (errno == ENOENT) throw Error(Fault::data, cat(path_.string(), " is missing"));
    throw Error(Fault::data, cat(path_.string(), " cannot be opened: ", std::strerror(errno)));
  }
  struct stat info {};
  std::string wrong;
  if (::fstat(descriptor_, &info) != 0 || !S_ISREG(info.st_mode))
    wrong = "is no regular file";
  else if (static_cast<std::uint64_t>(info.st_size) != entry.bytes)
    wrong = cat("has ", info.st_size, " bytes; its manifest says ", entry.bytes);
  if (wrong.empty()) return;
  ::close(descriptor_);
  throw Error(Fault::data, cat(path_.string(), " ", wrong));
}

CheckedFile::~CheckedFile() { ::close(descriptor_); }

void CheckedFile::read(std::uint64_t at, std::span<std::byte> out) const {
  while (!out.empty()) {
    const ssize_t got = ::pread(descriptor_, out.data(), out.size(), static_cast<off_t>(at));
    if (got < 0 && errno == EINTR) continue;
    if (got < 0) throw Error(Fault::io, cat("cannot read ", path_.string(), ": ", std::strerror(errno)));
    if (got == 0) throw Error(Fault::data, cat(path_.string(), " became shorter while it was read"));
    at += static_cast<std::uint64_t>(got);
    out = out.subspan(static_cast<std::size_t>(got));
  }
}

void CheckedFile::check_digest() const {
  ::posix_fadvise(descriptor_, 0, 0, POSIX_FADV_SEQUENTIAL);
  Digester digester;
  std::vector<std::byte> block(std::min<std::uint64_t>(kBlock, entry_.bytes));
  for (std::uint64_t at = 0; at < entry_.bytes; at += block.size()) {
    const std::span part(block.data(), std::min<std::uint64_t>(block.size(), entry_.bytes - at));
    read(at, part);
    digester.add(part);
  }
  if (digester.hex() != entry_.digest)
    throw Error(Fault::data, cat(path_.string(), " is damaged: its digest is ", digester.hex(), ", its manifest says ",
                                 entry_.digest));
}

RankIndex CheckedFile::index(int rank, int ranks) const {
  const auto refuse = [&](const char* why) { throw Error(Fault::data, cat(path_.string(), " ", why)); };
  if (entry_.bytes < kIndexTail) refuse("is too short for a rank's file");
  std::byte tail[kIndexTail];
  read(entry_.bytes - kIndexTail, tail);
  if (std::memcmp(tail + 8, kIndexMagic.data(), kIndexMagic.size()) != 0) refuse("does not end as a rank's file does");
  const std::uint64_t length = little_endian(std::span(tail).first(8));
  if (length > kMostIndexBytes || length > entry_.bytes - kIndexTail) refuse("has an index of no possible length");
  const std::uint64_t end = entry_.bytes - kIndexTail - length;
  std::string text(length, '\0');
  read(end, std::as_writable_bytes(std::span(text)));
  RankIndex index = parse_index(text, end, path_.string());
  if (index.rank != rank || index.ranks != ranks)
    refuse(cat("was written by rank ", index.rank, " of ", index.ranks).c_str());
  return index;
}

void CheckedFile::read_rows(const StoredShare& share, Rows wanted, View out) const {
  PST_ASSERT(out.count == wanted.count() * row_values(share.tensor.shape) && out.dtype == share.tensor.dtype,
             "room for the rows");
  const Rows common{std::max(wanted.begin, share.first_row), std::min(wanted.end, share.first_row + share.rows)};
  if (common.count() <= 0) return;
  // Bytes of the share that are wanted, and where they go.
  const auto bytes = [&](std::int64_t rows) { return static_cast<std::uint64_t>(rows) * share.row_bytes(); };
  const std::uint64_t first = bytes(common.begin - share.first_row), last = bytes(common.end - share.first_row);
  std::byte* const to = static_cast<std::byte*>(out.data) + bytes(common.begin - wanted.begin);

  std::vector<std::byte> block(std::min<std::uint64_t>(kBlock, share.chunk_bytes()));
  for (std::size_t i = 0; i < share.chunks.size(); ++i) {
    const std::uint64_t chunk = i * share.chunk_bytes();
    if (chunk + share.chunk_bytes() <= first || chunk >= last) continue;
    // By block, since a hostile index may claim one huge chunk: memory is that of the target and of one block.
    Fletcher32 sum;
    std::uint64_t done = 0;
    while (done < share.chunk_bytes()) {
      const std::span part(block.data(), std::min<std::uint64_t>(block.size(), share.chunk_bytes() - done));
      read(share.chunks[i] + done, part);
      sum.add(part);
      const std::uint64_t begin = chunk + done, from = std::max(begin, first);
      const std::uint64_t until = std::min(begin + part.size(), last);
      if (from < until) std::memcpy(to + (from - first), part.data() + (from - begin), until - from);
      done += part.size();
    }
    std::byte stored[4];
    read(share.chunks[i] + done, stored);
    if (little_endian(stored) != sum.value())
      throw Error(Fault::data, cat(path_.string(), ": the checksum of ", quoted(share.tensor.name), " at byte ",
                                   share.chunks[i], " does not fit"));
  }
}

}  // namespace pst::checkpoint
