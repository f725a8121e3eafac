// SPDX-License-Identifier: Apache-2.0
#pragma once
#include <cstdint>
#include <string>

#include "core/error.hpp"
#include "core/strings.hpp"
#include "datafiles/byte_stream.hpp"

namespace pst::datafiles {

/// What the decoders of all compressions share: the output's piece, its bound, and how damage is told.
class Decoder : public ByteStream {
 public:
  explicit Decoder(std::string_view input, const char* name) : input_(input), size_(input.size()), name_(name) {}

  std::string_view next() final {
    std::size_t made = 0;
    while (!over_ && made == 0) made = decode(piece_.data(), piece_.size());
    made_ += made;
    if (made_ > kFree && made_ / kMostTimes > size_)
      throw Error(Fault::data, cat("the ", name_, " data become more than ", kMostTimes, " times as large"),
                  "a file that is to fill a disk looks like this; if it is sound, decompress it yourself");
    return {piece_.data(), made};
  }
  bool is_over() const final { return over_; }

 protected:
  /// Puts at most `room` bytes; sets over_ at the end. May put none before the end.
  virtual std::size_t decode(char* into, std::size_t room) = 0;

  [[noreturn]] void damaged(const std::string& why) const {
    throw Error(Fault::data, cat("the ", name_, " data are damaged after ", made_, " bytes of text: ", why),
                "fetch the file again, and compare its size or digest with what the source says");
  }
  [[noreturn]] void torn() const { damaged("the file ends within them"); }

  std::string_view input_;  // what was not decoded yet
  bool over_ = false;

 private:
  static constexpr std::uint64_t kFree = 1u << 30, kMostTimes = 2000;
  std::string piece_ = std::string(std::size_t{256} << 10, '\0');
  std::uint64_t made_ = 0, size_;
  const char* name_;
};

}  // namespace pst::datafiles
