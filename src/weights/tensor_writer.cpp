// SPDX-License-Identifier: Apache-2.0
#include "weights/tensor_writer.hpp"

#include <nlohmann/json.hpp>
#include <set>

#include "core/error.hpp"
#include "core/file.hpp"
#include "core/strings.hpp"
#include "weights/dtype.hpp"
#include "weights/safetensors.hpp"

namespace pst::weights {
namespace {

std::string quote(const std::string& text) {
  PST_ASSERT(is_utf8(text), "names and metadata of a safetensors file are UTF-8");
  return nlohmann::json(text).dump();
}

std::string header_of(const std::vector<PlannedTensor>& tensors, std::map<std::string, std::string> metadata,
                      std::vector<std::uint64_t>& sizes) {
  metadata.emplace("format", "pt");  // transformers refuses a file that does not say so
  std::string text = "{\"__metadata__\":{";
  for (const auto& [key, value] : metadata) text += cat(text.back() == '{' ? "" : ",", quote(key), ":", quote(value));
  text += '}';

  std::set<std::string> names = {"__metadata__"};
  std::uint64_t begin = 0;
  for (const auto& tensor : tensors) {
    PST_ASSERT(names.insert(tensor.name).second, cat("names in a safetensors file are unique: ", tensor.name));
    const auto value_bytes = bytes_per_value(tensor.dtype);
    PST_ASSERT(value_bytes.has_value(), cat("a safetensors file has no dtype ", tensor.dtype));
    const auto bytes = checked_bytes(tensor.shape, *value_bytes);
    PST_ASSERT(bytes.has_value(), cat("a tensor has fewer than 2^63 bytes: ", tensor.name));
    const std::uint64_t end = begin + static_cast<std::uint64_t>(*bytes);
    text += cat(",", quote(tensor.name), ":{\"dtype\":\"", tensor.dtype, "\",\"shape\":[");
    for (const auto size : tensor.shape) text += cat(text.back() == '[' ? "" : ",", size);
    text += cat("],\"data_offsets\":[", begin, ",", end, "]}");
    sizes.push_back(end - begin);
    begin = end;
  }
  text += '}';
  text.append((8 - text.size() % 8) % 8, ' ');  // the data begins at a multiple of eight: mapped values are aligned
  return text;
}

}  // namespace

struct TensorWriter::Impl {
  std::vector<std::uint64_t> sizes;
  std::size_t next = 0;
  std::unique_ptr<DurableFile> file;
};

TensorWriter::TensorWriter(const fs::path& path, const std::vector<PlannedTensor>& tensors,
                           const std::map<std::string, std::string>& metadata)
    : impl_(std::make_unique<Impl>()) {
  const std::string header = header_of(tensors, metadata, impl_->sizes);
  std::string length(8, '\0');
  for (std::size_t i = 0; i < 8; ++i) length[i] = static_cast<char>(header.size() >> (8 * i) & 0xff);
  std::uint64_t total = 8 + header.size();
  for (const auto size : impl_->sizes) total += size;

  impl_->file = std::make_unique<DurableFile>(path, total);
  impl_->file->write(length + header);
}

TensorWriter::~TensorWriter() = default;

void TensorWriter::add(std::span<const std::byte> bytes) {
  PST_ASSERT(impl_->next < impl_->sizes.size(), "no more tensors are added than were planned");
  PST_ASSERT(bytes.size() == impl_->sizes[impl_->next], "a tensor has as many bytes as its dtype and shape say");
  impl_->file->write({reinterpret_cast<const char*>(bytes.data()), bytes.size()});
  ++impl_->next;
}

void TensorWriter::finish() {
  PST_ASSERT(impl_->next == impl_->sizes.size(), "every planned tensor was added");
  impl_->file->commit();
}

void save_tensors(const fs::path& path, const std::vector<NewTensor>& tensors,
                  const std::map<std::string, std::string>& metadata) {
  std::vector<PlannedTensor> plan;
  for (const auto& tensor : tensors) plan.push_back({tensor.name, tensor.dtype, tensor.shape});
  TensorWriter writer(path, plan, metadata);
  for (const auto& tensor : tensors) writer.add(tensor.bytes);
  writer.finish();
}

}  // namespace pst::weights
