// SPDX-License-Identifier: Apache-2.0
#pragma once
#include <memory>
#include <span>
#include <string>
#include <string_view>

#include "datafiles/byte_stream.hpp"

namespace pst::datafiles {

/// A way in which files are compressed: a row of compressions().
struct Compression {
  const char* name;        ///< "gzip"
  const char* suffix;      ///< ".gz"
  std::string_view magic;  ///< what such a file begins with
  /// Opens bytes that outlive the stream. Several compressed streams one after another are read as one.
  std::unique_ptr<ByteStream> (*open)(std::string_view compressed);
  /// One compressed stream of at most 1 GiB; files are several of them, one after another.
  std::string (*pack)(std::string_view piece);
};

std::span<const Compression* const> compressions();

/// By what a file begins with, whatever its name; null where it is not compressed.
const Compression* compression_of(std::string_view file);

/// A path without the suffix of a compression: "a.jsonl" of "a.jsonl.gz".
std::string without_compression(const std::string& path);

}  // namespace pst::datafiles
