// SPDX-License-Identifier: Apache-2.0
#include "datafiles/output_file.hpp"

#include "core/strings.hpp"

namespace pst::datafiles {
namespace {

constexpr std::size_t kPiece = std::size_t{4} << 20;  // each a compressed stream of its own

}  // namespace

OutputFile::OutputFile(const std::string& path) : file_(path) {
  for (const Compression* const row : compressions())
    if (lower(path).ends_with(row->suffix)) compression_ = row;
}

void OutputFile::write(std::string_view text) {
  text_bytes_ += text.size();
  pending_ += text;
  if (pending_.size() >= kPiece) flush();
}

void OutputFile::flush() {
  if (pending_.empty()) return;
  file_.write(compression_ != nullptr ? compression_->pack(pending_) : pending_);
  pending_.clear();
}

void OutputFile::commit() {
  if (text_bytes_ == 0 && compression_ != nullptr) file_.write(compression_->pack(""));
  flush();
  file_.commit();
}

}  // namespace pst::datafiles
