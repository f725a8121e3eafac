// SPDX-License-Identifier: Apache-2.0
#pragma once
#include <cstdint>
#include <cstring>
#include <filesystem>
#include <fstream>
#include <string>
#include <vector>

#include "gguf/blocks.hpp"
#include "weights/safetensors.hpp"

namespace pst::gguf::fixture {

/// Little-endian bytes of a plain value.
template <class T>
std::string raw(T value) {
  std::string bytes(sizeof(T), '\0');
  std::memcpy(bytes.data(), &value, sizeof(T));
  return bytes;
}
inline std::string gguf_string(const std::string& text) { return raw<std::uint64_t>(text.size()) + text; }

/// Puts a GGUF file together piece by piece, so that a test can make any of them wrong.
class GgufBytes {
 public:
  std::uint32_t version = 3;
  std::uint64_t alignment = 32;  // of the tensors' data; written as metadata only by add_u32("general.alignment", ...)
  std::int64_t extra_entries = 0, extra_tensors = 0;  // lies in the two counts
  std::string data_suffix;

  void add(const std::string& key, std::uint32_t type, const std::string& value) {
    metadata_ += gguf_string(key) + raw(type) + value;
    ++entries_;
  }
  void add_u32(const std::string& key, std::uint32_t value) { add(key, 4, raw(value)); }
  void add_f32(const std::string& key, float value) { add(key, 6, raw(value)); }
  void add_bool(const std::string& key, bool value) { add(key, 7, raw<std::uint8_t>(value)); }
  void add_text(const std::string& key, const std::string& value) { add(key, 8, gguf_string(value)); }
  void add_texts(const std::string& key, const std::vector<std::string>& values) {
    std::string bytes = raw<std::uint32_t>(8) + raw<std::uint64_t>(values.size());
    for (const auto& value : values) bytes += gguf_string(value);
    add(key, 9, bytes);
  }
  void add_i32s(const std::string& key, const std::vector<std::int32_t>& values) {
    std::string bytes = raw<std::uint32_t>(5) + raw<std::uint64_t>(values.size());
    for (const auto value : values) bytes += raw(value);
    add(key, 9, bytes);
  }
  /// @param dimensions  as the file lists them: the fastest first
  void add_info(const std::string& name, const std::vector<std::uint64_t>& dimensions, std::uint32_t type,
                std::uint64_t offset) {
    infos_ += gguf_string(name) + raw(static_cast<std::uint32_t>(dimensions.size()));
    for (const auto size : dimensions) infos_ += raw(size);
    infos_ += raw(type) + raw(offset);
    ++tensors_;
  }
  void add_tensor(const std::string& name, const std::vector<std::uint64_t>& dimensions, std::uint32_t type,
                  const std::string& bytes) {
    data_.resize((data_.size() + alignment - 1) / alignment * alignment);
    add_info(name, dimensions, type, data_.size());
    data_ += bytes;
  }

  std::string bytes() const {
    std::string file =
        "GGUF" + raw(version) + raw(tensors_ + extra_tensors) + raw(entries_ + extra_entries) + metadata_ + infos_;
    file.resize((file.size() + alignment - 1) / alignment * alignment);
    return file + data_ + data_suffix;
  }

 private:
  std::string metadata_, infos_, data_;
  std::int64_t entries_ = 0, tensors_ = 0;
};

/// Without fsync, and as a new file (ext4 flushes one that is overwritten): thousands of these are written.
inline void write_file(const std::filesystem::path& path, const std::string& bytes) {
  std::filesystem::remove(path);
  std::ofstream(path, std::ios::binary | std::ios::trunc)
      .write(bytes.data(), static_cast<std::streamsize>(bytes.size()));
}

}  // namespace pst::gguf::fixture
