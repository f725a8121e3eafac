// SPDX-License-Identifier: Apache-2.0
#include <bzlib.h>

#include <algorithm>

#include "datafiles/compression.hpp"
#include "datafiles/decoded_stream.hpp"

namespace pst::datafiles {
namespace {

/// Streams one after another, as parallel bzip2 writes them; each block's CRC is compared.
class Bzip2Stream final : public Decoder {
 public:
  explicit Bzip2Stream(std::string_view input) : Decoder(input, "bzip2") { begin(); }
  ~Bzip2Stream() override { ::BZ2_bzDecompressEnd(&state_); }

 private:
  void begin() {
    state_ = {};
    PST_ASSERT(::BZ2_bzDecompressInit(&state_, 0, 0) == BZ_OK, "bzip2 has memory");
  }
  std::size_t decode(char* into, std::size_t room) override {
    if (between_) {
      if (input_.empty()) {
        over_ = true;
        return 0;
      }
      ::BZ2_bzDecompressEnd(&state_);
      begin();
      between_ = false;
    }
    const auto most = std::min<std::size_t>(input_.size(), std::size_t{1} << 30);
    state_.next_in = const_cast<char*>(input_.data());
    state_.avail_in = static_cast<unsigned>(most);
    state_.next_out = into;
    state_.avail_out = static_cast<unsigned>(room);
    const int status = ::BZ2_bzDecompress(&state_);
    input_.remove_prefix(most - state_.avail_in);
    if (status == BZ_STREAM_END)
      between_ = true;
    else if (status != BZ_OK)
      damaged(status == BZ_DATA_ERROR ? "a block's checksum is wrong" : "no bzip2 stream");
    else if (input_.empty() && state_.avail_out == room)
      torn();
    return room - state_.avail_out;
  }

  bz_stream state_ = {};
  bool between_ = false;  // two streams
};

std::string pack(std::string_view piece) {
  constexpr int kLevel = 9;
  std::string packed(piece.size() + piece.size() / 50 + 700, '\0');
  auto size = static_cast<unsigned>(packed.size());
  const int status = ::BZ2_bzBuffToBuffCompress(packed.data(), &size, const_cast<char*>(piece.data()),
                                                static_cast<unsigned>(piece.size()), kLevel, 0, 0);
  PST_ASSERT(status == BZ_OK, "there is room for all, as the library's manual promises");
  packed.resize(size);
  return packed;
}

}  // namespace

extern const Compression kBzip2;
const Compression kBzip2{
    "bzip2", ".bz2", "BZh",
    [](std::string_view input) -> std::unique_ptr<ByteStream> { return std::make_unique<Bzip2Stream>(input); }, &pack};

}  // namespace pst::datafiles
