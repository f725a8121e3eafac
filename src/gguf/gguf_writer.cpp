// SPDX-License-Identifier: Apache-2.0
#include "gguf/gguf_writer.hpp"

#include <bit>
#include <cstring>

#include "core/error.hpp"
#include "core/file.hpp"
#include "core/strings.hpp"
#include "gguf/blocks.hpp"

namespace pst::gguf {
namespace {

static_assert(std::endian::native == std::endian::little, "GGUF files are little-endian");

constexpr std::size_t kAlignment = 32;  // where nothing else is said
constexpr std::uint32_t kVersion = 3, kU32 = 4, kF32 = 6, kText = 8;

template <class T>
void put(std::string& bytes, T value) {
  const std::size_t at = bytes.size();
  bytes.resize(at + sizeof(T));
  std::memcpy(bytes.data() + at, &value, sizeof(T));
}
void put_text(std::string& bytes, const std::string& text) {
  put(bytes, static_cast<std::uint64_t>(text.size()));
  bytes += text;
}

std::size_t aligned(std::size_t size) { return (size + kAlignment - 1) / kAlignment * kAlignment; }

void put_value(std::string& bytes, const NewValue& value) {
  if (const auto* const text = std::get_if<std::string>(&value)) {
    put(bytes, kText);
    put_text(bytes, *text);
  } else if (const auto* const number = std::get_if<std::uint32_t>(&value)) {
    put(bytes, kU32);
    put(bytes, *number);
  } else {
    put(bytes, kF32);
    put(bytes, std::get<float>(value));
  }
}

}  // namespace

void write_gguf(const std::filesystem::path& path, const std::vector<std::pair<std::string, NewValue>>& metadata,
                const std::vector<NewTensor>& tensors) {
  std::string head = "GGUF";
  put(head, kVersion);
  put(head, static_cast<std::uint64_t>(tensors.size()));
  put(head, static_cast<std::uint64_t>(metadata.size()));
  for (const auto& [key, value] : metadata) {
    put_text(head, key);
    put_value(head, value);
  }
  std::size_t offset = 0;
  for (const NewTensor& tensor : tensors) {
    std::int64_t count = 1;
    put_text(head, tensor.name);
    put(head, static_cast<std::uint32_t>(tensor.shape.size()));
    for (auto size = tensor.shape.rbegin(); size != tensor.shape.rend(); ++size) {
      put(head, static_cast<std::uint64_t>(*size));
      count *= *size;
    }
    PST_ASSERT(count == std::ssize(tensor.values), "a tensor has as many values as its shape says");
    put(head, static_cast<std::uint32_t>(BlockType::f32));
    put(head, static_cast<std::uint64_t>(offset));
    offset += aligned(tensor.values.size() * sizeof(float));
  }
  head.resize(aligned(head.size()));
  DurableFile file(path, head.size() + offset);
  file.write(head);
  for (const NewTensor& tensor : tensors) {
    const std::size_t bytes = tensor.values.size() * sizeof(float);
    file.write({reinterpret_cast<const char*>(tensor.values.data()), bytes});
    file.write(std::string(aligned(bytes) - bytes, '\0'));
  }
  file.commit();
}

}  // namespace pst::gguf
