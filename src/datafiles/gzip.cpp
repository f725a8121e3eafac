// SPDX-License-Identifier: Apache-2.0
#include <zlib.h>

#include <algorithm>

#include "datafiles/compression.hpp"
#include "datafiles/decoded_stream.hpp"

namespace pst::datafiles {
namespace {

/// zlib compares each member's CRC-32 and length. @see RFC 1952
class GzipStream final : public Decoder {
 public:
  explicit GzipStream(std::string_view input) : Decoder(input, "gzip") {
    constexpr int kOnlyGzip = 16 + MAX_WBITS;
    PST_ASSERT(::inflateInit2(&state_, kOnlyGzip) == Z_OK, "zlib has memory and is the version of its header");
  }
  ~GzipStream() override { ::inflateEnd(&state_); }

 private:
  std::size_t decode(char* into, std::size_t room) override {
    if (between_) {  // zeros behind the last member fill a block of a tape or a disk
      if (input_.find_first_not_of('\0') == input_.npos) {
        over_ = true;
        return 0;
      }
      ::inflateReset(&state_);
      between_ = false;
    }
    const auto most = std::min<std::size_t>(input_.size(), std::size_t{1} << 30);
    state_.next_in = reinterpret_cast<Bytef*>(const_cast<char*>(input_.data()));
    state_.avail_in = static_cast<uInt>(most);
    state_.next_out = reinterpret_cast<Bytef*>(into);
    state_.avail_out = static_cast<uInt>(room);
    const int status = ::inflate(&state_, Z_NO_FLUSH);
    input_.remove_prefix(most - state_.avail_in);
    if (status == Z_STREAM_END)
      between_ = true;
    else if (status == Z_BUF_ERROR)
      torn();
    else if (status != Z_OK)
      damaged(state_.msg != nullptr ? state_.msg : "no deflate stream");
    return room - state_.avail_out;
  }

  z_stream state_ = {};
  bool between_ = false;  // two members
};

std::string pack(std::string_view piece) {
  z_stream state = {};
  constexpr int kGzip = 16 + MAX_WBITS, kMemory = 8;
  PST_ASSERT(::deflateInit2(&state, Z_DEFAULT_COMPRESSION, Z_DEFLATED, kGzip, kMemory, Z_DEFAULT_STRATEGY) == Z_OK,
             "zlib has memory and is the version of its header");
  std::string packed(::deflateBound(&state, static_cast<uLong>(piece.size())), '\0');
  state.next_in = reinterpret_cast<Bytef*>(const_cast<char*>(piece.data()));
  state.avail_in = static_cast<uInt>(piece.size());
  state.next_out = reinterpret_cast<Bytef*>(packed.data());
  state.avail_out = static_cast<uInt>(packed.size());
  const int status = ::deflate(&state, Z_FINISH);
  packed.resize(packed.size() - state.avail_out);
  ::deflateEnd(&state);
  PST_ASSERT(status == Z_STREAM_END, "there is room for all");
  return packed;
}

}  // namespace

extern const Compression kGzip;
const Compression kGzip{
    "gzip", ".gz", "\x1f\x8b",
    [](std::string_view input) -> std::unique_ptr<ByteStream> { return std::make_unique<GzipStream>(input); }, &pack};

}  // namespace pst::datafiles
