// SPDX-License-Identifier: Apache-2.0
#pragma once
#include <memory>
#include <string>
#include <string_view>

#include "core/file.hpp"
#include "datafiles/compression.hpp"

namespace pst::datafiles {

/// A file that is written in pieces, and is at its place only once it is whole. Its name's suffix compresses it.
class OutputFile {
 public:
  explicit OutputFile(const std::string& path);

  void write(std::string_view text);                        ///< @throws Error(io)
  void commit();                                            ///< once, at the end. @throws Error(io)
  std::uint64_t text_bytes() const { return text_bytes_; }  ///< before compression

 private:
  void flush();
  DurableFile file_;
  const Compression* compression_ = nullptr;
  std::string pending_;
  std::uint64_t text_bytes_ = 0;
};

}  // namespace pst::datafiles
