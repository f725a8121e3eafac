// SPDX-License-Identifier: Apache-2.0
#include "datafiles/data_file.hpp"

#include "core/strings.hpp"
#include "datafiles/csv_text.hpp"
#include "datafiles/encoding.hpp"
#include "datafiles/known_content.hpp"
#include "datafiles/record_container.hpp"

namespace pst::datafiles {
namespace {

constexpr std::size_t kFront = std::size_t{64} << 10;  // what is looked at to recognise a file

[[noreturn]] void refuse(const std::string& path, const std::string& what, const std::string& remedy = {}) {
  throw Error(Fault::data, cat(path, " ", what), remedy);
}

/// What a stream says is wrong with its bytes, with the file's name.
template <class Body>
std::string with_path(const std::string& path, const Body& body) {
  try {
    return body();
  } catch (const Error& error) {
    throw Error(error.fault(), cat(path, ": ", error.message()), error.remedy());
  }
}

bool has_suffix(const std::string& path, const Container& row) {
  const std::string name = lower(without_compression(path));
  for (const auto suffix : row.suffixes)
    if (name.ends_with(suffix)) return true;
  return false;
}

/// The first row that content or name shows; what nothing shows is taken for JSON lines.
const Container& recognised(const std::string& path, std::string_view front) {
  for (const Container* const row : containers())
    if ((row->fits != nullptr && row->fits(front)) || has_suffix(path, *row)) return *row;
  return container_named("json");
}

}  // namespace

DataFile::DataFile(const std::string& path, const Reading& reading)
    : path_(path), reading_(reading), mapped_(path, WhenCut::read_zeros) {}

DataFile DataFile::open(const std::string& path, const Reading& reading) {
  DataFile file(path, reading);
  if (file.bytes().empty()) refuse(path, "is empty");
  try {
    file.recognise();
  } catch (const Error&) {
    file.check();  // its end may be zeros, and not what is wrong
    throw;
  }
  return file;
}

std::string_view DataFile::bytes() const {
  return {reinterpret_cast<const char*>(mapped_.bytes().data()), mapped_.bytes().size()};
}

void DataFile::recognise() {
  compression_ = compression_of(bytes());
  std::string start(bytes().substr(0, kFront));
  if (compression_ != nullptr) {
    start = with_path(path_, [&] { return std::string(compression_->open(bytes())->next()); });
    if (start.empty()) refuse(path_, cat("is empty, once decompressed (", compression_->name, ")"));
    told_ = compression_->name;
  }
  container_ = reading_.container == "auto" ? &recognised(path_, start) : &container_named(reading_.container);
  if (container_->holds == Container::Holds::binary) return;
  if (const KnownContent known = known_content(start); !known.what.empty()) refuse(path_, known.what, known.remedy);
  if (reading_.encoding.empty()) {
    refuse_wide(start);
  } else {
    start = with_path(
        path_, [&] { return std::string(as_utf8(std::make_unique<MemoryStream>(start), reading_.encoding)->next()); });
    told_ += cat(told_.empty() ? "" : ", ", reading_.encoding);
  }
  if (container_->word == std::string_view("csv") && reading_.delimiter.empty()) {
    reading_.delimiter = std::string(1, delimiter_of(start));
    if (reading_.delimiter != ",")
      told_ += cat(told_.empty() ? "" : ", ", quoted(reading_.delimiter), " between the cells");
  }
}

void DataFile::refuse_wide(std::string_view front) const {
  const std::string encoding = encoding_of(front.substr(0, 4));
  if (!is_wide(encoding)) return;
  const fs::path path(path_);
  const fs::path copy = path.parent_path() / cat(path.stem().string(), "-utf8", path.extension().string());
  refuse(path_, cat("is ", encoding.substr(0, 6), ", and must be UTF-8"),
         compression_ != nullptr
             ? cat("set `encoding: ", encoding, "` beside its path")
             : cat("iconv -f ", encoding, " -t UTF-8 ", shell_quoted(path_), " > ", shell_quoted(copy.string())));
}

std::string DataFile::how_read() const {
  std::string how;
  const std::string_view word = container_->word;
  if (word != "json" && word != "text" && word != "yaml") how += cat("container ", word, "\n");
  if (!reading_.field.empty()) how += cat("field ", reading_.field, "\n");
  if (word == "csv") how += cat("delimiter ", reading_.delimiter, "\n");
  if (!reading_.encoding.empty()) how += cat("encoding ", reading_.encoding, "\n");
  return how;
}

std::unique_ptr<ByteStream> DataFile::text() const {
  std::unique_ptr<ByteStream> stream;
  if (compression_ != nullptr)
    stream = compression_->open(bytes());
  else
    stream = std::make_unique<MemoryStream>(bytes());
  return reading_.encoding.empty() ? std::move(stream) : as_utf8(std::move(stream), reading_.encoding);
}

std::unique_ptr<RowReader> DataFile::rows() const {
  if (container_->open == nullptr)
    refuse(path_, cat("is ", container_->title, ", which has no records that stand for themselves"));
  return container_->open(*this);
}

std::string DataFile::whole_text(std::size_t most) const {
  std::string all;
  const auto stream = text();
  for (std::string_view piece = stream->next(); !piece.empty(); piece = stream->next()) {
    if (all.size() + piece.size() > most) refuse(path_, cat("is larger than ", human_bytes(most)), "split it");
    all += piece;
  }
  return all;
}

config::Mark DataFile::at(int place) const {
  // A row is a part of the name: a mark has lines and columns only.
  if (place > 0 && container_->place == Container::Place::row)
    return {std::make_shared<const std::string>(cat(path_, ": row ", place)), 0, 0};
  return {std::make_shared<const std::string>(path_), place, 0};
}

}  // namespace pst::datafiles
