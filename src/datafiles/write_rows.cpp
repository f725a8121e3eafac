// SPDX-License-Identifier: Apache-2.0
#include "datafiles/write_rows.hpp"

#include <cstdio>

#include "core/error.hpp"
#include "core/strings.hpp"
#include "datafiles/compression.hpp"

namespace pst::datafiles {
namespace {

/// "a-00002.csv.gz" of "a.csv.gz".
std::string shard_name(const std::string& path, std::size_t index) {
  const std::string plain = without_compression(path);
  const fs::path name(plain);
  char number[16];
  std::snprintf(number, sizeof number, "-%05zu", index);
  return cat((name.parent_path() / name.stem()).string(), number, name.extension().string(), path.substr(plain.size()));
}

}  // namespace

void refuse_own_input(const RowSource& source, const std::string& path) {
  std::error_code ignored;
  for (const DataFile& file : source.files())
    if (fs::equivalent(file.path(), path, ignored))
      throw Error(Fault::usage, cat(path, " is read and cannot be written"), "name another file");
}

ShardedWriter::ShardedWriter(const RowSource& source, const WriterKind& kind, Output output, const Schema* schema)
    : source_(source), kind_(kind), output_(std::move(output)), schema_(schema) {
  begin();
}

void ShardedWriter::begin() {
  names_.push_back(output_.shard_bytes ? shard_name(output_.path, names_.size()) : output_.path);
  refuse_own_input(source_, names_.back());
  writers_.push_back(kind_.open({names_.back(), schema_, output_.for_excel}));
}

void ShardedWriter::write(const Row& row) {
  if (output_.shard_bytes && writers_.back()->bytes() >= *output_.shard_bytes) begin();
  writers_.back()->write(row);
}

std::vector<std::string> ShardedWriter::finish() {
  for (const auto& writer : writers_) writer->finish();
  return std::move(names_);
}

Written write_rows(RowSource& source, Bad bad, const Output& output, const Choose& choose, WantSchema want) {
  const WriterKind& kind = writer_for(output.path);
  refuse_own_input(source, output.path);
  Written written;
  if (kind.needs_schema || want == WantSchema::yes) {
    Schema schema;
    source.read(bad, [&](Row& row, std::int64_t number) {
      if (!choose || choose(row, number)) schema.see(row.values);
      return true;
    });
    written.schema = std::move(schema);
  }
  ShardedWriter writer(source, kind, output, written.schema ? &*written.schema : nullptr);
  source.read(bad, [&](Row& row, std::int64_t number) {
    if (choose && !choose(row, number)) return true;
    writer.write(row);
    ++written.records;
    return true;
  });
  written.files = writer.finish();
  return written;
}

}  // namespace pst::datafiles
