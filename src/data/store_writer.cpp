// SPDX-License-Identifier: Apache-2.0
#include "data/store_writer.hpp"

#include <fcntl.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstring>

#include "core/error.hpp"
#include "core/file.hpp"
#include "core/strings.hpp"

namespace pst::data {

/// A new file, written through a buffer and digested on the way.
class SplitWriter::Output {
 public:
  explicit Output(fs::path path) : path_(std::move(path)) {
    descriptor_ = ::open(path_.c_str(), O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0666);
    if (descriptor_ < 0) fail("create");
    buffer_.reserve(kBufferBytes);
  }
  ~Output() {
    if (descriptor_ >= 0) ::close(descriptor_);
  }
  Output(const Output&) = delete;
  Output& operator=(const Output&) = delete;

  template <class T>
  void write(std::span<const T> values) {
    const auto bytes = std::as_bytes(values);
    if (buffer_.size() + bytes.size() > kBufferBytes) flush();
    if (bytes.size() > kBufferBytes)
      put(bytes);
    else
      buffer_.insert(buffer_.end(), bytes.begin(), bytes.end());
  }

  FileRecord finish() {
    flush();
    if (::fsync(descriptor_) != 0) fail("sync");
    const int status = ::close(descriptor_);
    descriptor_ = -1;
    if (status != 0) fail("close");
    return {written_, digester_.hex()};
  }

  const fs::path& path() const { return path_; }

 private:
  static constexpr std::size_t kBufferBytes = 1u << 20;

  void flush() {
    put(buffer_);
    buffer_.clear();
  }
  void put(std::span<const std::byte> bytes) {
    digester_.add(bytes);
    written_ += bytes.size();
    while (!bytes.empty()) {
      const auto count = ::write(descriptor_, bytes.data(), bytes.size());
      if (count < 0 && errno == EINTR) continue;
      if (count < 0) fail("write");
      bytes = bytes.subspan(static_cast<std::size_t>(count));
    }
  }
  [[noreturn]] void fail(const char* action) const {
    const int error = errno;
    throw Error(Fault::io, cat("cannot ", action, " ", path_.string(), ": ", std::strerror(error)),
                cat("the file system has ", human_bytes(free_bytes(path_)),
                    " free; prepared data needs about 5 bytes a token; "
                    "output_dir decides where it goes"));
  }

  fs::path path_;
  int descriptor_ = -1;
  std::vector<std::byte> buffer_;
  std::uint64_t written_ = 0;
  Digester digester_;
};

SplitWriter::SplitWriter(const fs::path& store, const std::string& split) {
  const SplitFiles files = files_of(store, split);
  index_ = std::make_unique<Output>(files.index);
  ids_ = std::make_unique<Output>(files.ids);
  labels_ = std::make_unique<Output>(files.labels);
}

SplitWriter::~SplitWriter() = default;

void SplitWriter::add(std::span<const std::int32_t> ids, std::span<const std::uint8_t> labelled) {
  PST_ASSERT(!ids.empty() && ids.size() == labelled.size() && labelled[0] == 0,
             "a document has tokens, each with its label");
  ids_->write(ids);
  labels_->write(labelled);
  header_.documents += 1;
  header_.tokens += ids.size();
  header_.largest_id = std::max(header_.largest_id, *std::max_element(ids.begin(), ids.end()));
  const auto count = std::count_if(labelled.begin(), labelled.end(), [](std::uint8_t label) { return label != 0; });
  entries_.push_back({header_.tokens, static_cast<std::uint32_t>(count), 0});
}

std::map<std::string, FileRecord> SplitWriter::finish() {
  index_->write(std::span<const IndexHeader>(&header_, 1));
  index_->write(std::span<const IndexEntry>(entries_));
  std::map<std::string, FileRecord> records;
  for (Output* file : {index_.get(), ids_.get(), labels_.get()})
    records[file->path().filename().string()] = file->finish();
  return records;
}

}  // namespace pst::data
