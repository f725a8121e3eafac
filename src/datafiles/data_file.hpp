// SPDX-License-Identifier: Apache-2.0
#pragma once
#include <memory>
#include <string>
#include <string_view>

#include "config/problems.hpp"
#include "core/file.hpp"
#include "datafiles/byte_stream.hpp"
#include "datafiles/compression.hpp"
#include "datafiles/row_reader.hpp"

namespace pst::datafiles {

struct Container;

/// How a file is to be read. What is not said is found.
struct Reading {
  std::string container = "auto";  ///< the word of a row of containers()
  std::string field;      ///< the key of the list in a JSON object; empty: lines, or a list that fills the file
  std::string delimiter;  ///< of a CSV file: one character; empty: found
  std::string encoding;   ///< as iconv calls it; empty: UTF-8
};

/// A file with records, mapped once, so that what is digested is what is read.
class DataFile {
 public:
  /// @throws Error(data) when it is missing, empty, or recognised as something that holds no records
  static DataFile open(const std::string& path, const Reading& reading = {});

  const std::string& path() const { return path_; }
  const Container& container() const { return *container_; }
  const Reading& reading() const { return reading_; }  ///< the delimiter that was found, too
  const Compression* compression() const { return compression_; }
  std::string_view bytes() const;  ///< as they are on the disk
  /// What was found beside the container's usual form: "gzip", "`;` between cells"; empty where there is nothing to
  /// say.
  const std::string& told() const { return told_; }
  /// What a store's digest depends on beside the bytes; empty for what was always read.
  std::string how_read() const;

  std::unique_ptr<RowReader> rows() const;
  std::unique_ptr<ByteStream> text() const;  ///< decompressed, as UTF-8
  /// The whole of text(). @throws Error(data) when it is larger than `most`
  std::string whole_text(std::size_t most) const;
  config::Mark at(int place) const;
  /// @throws Error(data) when the file was cut or became longer since it was opened
  void check() const { mapped_.check(); }

 private:
  DataFile(const std::string& path, const Reading& reading);
  void recognise();
  void refuse_wide(std::string_view front) const;

  std::string path_;
  Reading reading_;
  MappedFile mapped_;
  const Compression* compression_ = nullptr;
  const Container* container_ = nullptr;
  std::string told_;
};

}  // namespace pst::datafiles
