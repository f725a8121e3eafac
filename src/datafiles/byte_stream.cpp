// SPDX-License-Identifier: Apache-2.0
#include "datafiles/byte_stream.hpp"

namespace pst::datafiles {

bool Window::grow() {
  if (failed_ || stream_->is_over()) return false;
  if (!front_.empty()) {  // the piece ends with the next call: what is left of it moves to the buffer
    if (front_.data() >= buffer_.data() && front_.data() < buffer_.data() + buffer_.size())
      buffer_.erase(0, static_cast<std::size_t>(front_.data() - buffer_.data()));
    else
      buffer_.assign(front_);
    front_ = buffer_;
  }
  std::string_view piece;
  try {
    piece = stream_->next();
  } catch (...) {  // what was at hand may be a part of a record
    failed_ = true;
    front_ = {};
    throw;
  }
  if (piece.empty()) return false;
  if (front_.empty()) {
    front_ = piece;
  } else {
    buffer_ += piece;
    front_ = buffer_;
  }
  return true;
}

}  // namespace pst::datafiles
