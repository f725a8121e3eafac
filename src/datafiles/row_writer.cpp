// SPDX-License-Identifier: Apache-2.0
#include "datafiles/row_writer.hpp"

#include <array>

#include "core/error.hpp"
#include "core/strings.hpp"
#include "datafiles/compression.hpp"

namespace pst::datafiles {

extern const WriterKind kJsonLinesWriter, kJsonListWriter, kCsvWriter, kTsvWriter;

std::span<const WriterKind* const> writers() {
  static const std::array rows = {&kJsonLinesWriter, &kJsonListWriter, &kCsvWriter, &kTsvWriter};
  return rows;
}

const WriterKind& writer_for(const std::string& path) {
  const std::string name = lower(without_compression(path));
  std::vector<std::string> known;
  for (const WriterKind* const row : writers())
    for (const auto suffix : row->suffixes) {
      if (name.ends_with(suffix)) return *row;
      known.emplace_back(suffix);
    }
  throw Error(Fault::usage, cat("the name ", quoted(path, 200), " does not say in which form to write"),
              cat("end it in one of ", join(known, " "), ", with .gz .zst .bz2 or .xz to compress it"));
}

}  // namespace pst::datafiles
