// SPDX-License-Identifier: Apache-2.0
#include "data/prepared.hpp"

#include <cstring>
#include <nlohmann/json.hpp>

#include "core/digest.hpp"
#include "core/error.hpp"
#include "core/file.hpp"
#include "core/strings.hpp"
#include "data/store_format.hpp"
#include "json/parse.hpp"

namespace pst::data {
namespace {

const char* const kRemedy = "remove the folder; the data is then prepared again";

[[noreturn]] void refuse(const fs::path& path, const std::string& what) {
  throw Error(Fault::data, cat(path.string(), " ", what), kRemedy);
}

/// What is trained on decides what is learned: nobody else may have written it.
std::string read_own(const fs::path& path, std::uint64_t max_bytes) {
  const MappedFile file(path, MappedFile::From::us);
  if (file.bytes().size() > max_bytes) refuse(path, "is too large");
  return {reinterpret_cast<const char*>(file.bytes().data()), file.bytes().size()};
}

/// meta.json, as far as opening a split needs it.
json::Value read_meta(const fs::path& store) {
  const fs::path path = store / "meta.json";
  constexpr std::uint64_t kMost = 16u << 20;
  const json::Value meta = json::parse(read_own(path, kMost), path.string(), kRemedy);
  if (!meta.is_object() || !meta.contains("files") || !meta["files"].is_object())
    refuse(path, "is not a prepared store's");
  if (meta.value("version", json::Value()) != kStoreVersion)
    refuse(path, cat("is of another version than ", kStoreVersion));
  return meta;
}

MappedFile open_checked(const fs::path& path, const json::Value& meta) {
  MappedFile file(path, MappedFile::From::us);
  const auto recorded = meta["files"].value(path.filename().string(), json::Value());
  if (!recorded.is_object() || !recorded.contains("bytes") || !recorded.contains("digest"))
    refuse(path, "is not listed in meta.json");
  if (recorded["bytes"] != file.bytes().size())
    refuse(path, cat("has ", file.bytes().size(), " bytes, but ", recorded["bytes"].dump(), " were written"));
  if (recorded["digest"] != digest(file.bytes())) refuse(path, "has another content than was written");
  return file;
}

}  // namespace

struct PreparedSet::Impl {
  MappedFile index_file, ids_file, labels_file;
  IndexHeader header;
  std::span<const IndexEntry> entries;
  std::span<const std::int32_t> ids;
  std::span<const std::uint8_t> labels;

  std::uint64_t begin_of(std::size_t index) const { return index == 0 ? 0 : entries[index - 1].end; }
};

PreparedSet PreparedSet::open(const fs::path& store, const std::string& split) {
  const auto meta = read_meta(store);
  const SplitFiles paths = files_of(store, split);
  auto impl = std::make_unique<Impl>(Impl{open_checked(paths.index, meta),
                                          open_checked(paths.ids, meta),
                                          open_checked(paths.labels, meta),
                                          {},
                                          {},
                                          {},
                                          {}});

  const auto index = impl->index_file.bytes();
  if (index.size() < sizeof(IndexHeader)) refuse(paths.index, "is shorter than its header");
  std::memcpy(&impl->header, index.data(), sizeof(IndexHeader));
  const IndexHeader& header = impl->header;
  if (std::memcmp(header.magic, IndexHeader{}.magic, sizeof header.magic) != 0 ||
      header.byte_order != IndexHeader{}.byte_order)
    refuse(paths.index, "is no index of prepared data");
  const auto entry_bytes = index.size() - sizeof(IndexHeader);
  if (entry_bytes % sizeof(IndexEntry) != 0 || entry_bytes / sizeof(IndexEntry) != header.documents ||
      impl->ids_file.bytes().size() % sizeof(std::int32_t) != 0 ||
      impl->ids_file.bytes().size() / sizeof(std::int32_t) != header.tokens ||
      impl->labels_file.bytes().size() != header.tokens)
    refuse(paths.index, "does not fit its ids and labels");

  // A mapping is page-aligned and the header 32 bytes, so that every array lies on its natural boundary.
  impl->entries = {reinterpret_cast<const IndexEntry*>(index.data() + sizeof(IndexHeader)),
                   static_cast<std::size_t>(header.documents)};
  impl->ids = {reinterpret_cast<const std::int32_t*>(impl->ids_file.bytes().data()),
               static_cast<std::size_t>(header.tokens)};
  impl->labels = {reinterpret_cast<const std::uint8_t*>(impl->labels_file.bytes().data()),
                  static_cast<std::size_t>(header.tokens)};
  std::uint64_t end = 0;
  for (const IndexEntry& entry : impl->entries) {
    if (entry.end <= end || entry.end > header.tokens) refuse(paths.index, "has documents that overlap or are empty");
    end = entry.end;
  }
  if (end != header.tokens) refuse(paths.index, "does not cover its tokens");
  return PreparedSet(std::move(impl));
}

PreparedSet::PreparedSet(std::unique_ptr<Impl> impl) : impl_(std::move(impl)) {}
PreparedSet::PreparedSet(PreparedSet&&) noexcept = default;
PreparedSet& PreparedSet::operator=(PreparedSet&&) noexcept = default;
PreparedSet::~PreparedSet() = default;

std::size_t PreparedSet::size() const { return impl_->entries.size(); }

Document PreparedSet::document(std::size_t index) const {
  PST_ASSERT(index < size(), "documents are counted from 0");
  const auto begin = static_cast<std::size_t>(impl_->begin_of(index));
  const auto length = static_cast<std::size_t>(impl_->entries[index].end) - begin;
  return {impl_->ids.subspan(begin, length), impl_->labels.subspan(begin, length)};
}

std::int64_t PreparedSet::labelled_tokens(std::size_t index) const {
  PST_ASSERT(index < size(), "documents are counted from 0");
  return impl_->entries[index].labelled;
}

std::int64_t PreparedSet::tokens() const { return static_cast<std::int64_t>(impl_->header.tokens); }

std::int32_t PreparedSet::largest_id() const { return impl_->header.largest_id; }

}  // namespace pst::data
