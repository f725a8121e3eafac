// SPDX-License-Identifier: Apache-2.0
#include <lzma.h>

#include "datafiles/compression.hpp"
#include "datafiles/decoded_stream.hpp"

namespace pst::datafiles {
namespace {

/// Streams one after another; each block's check is compared.
class XzStream final : public Decoder {
 public:
  explicit XzStream(std::string_view input) : Decoder(input, "xz") {
    constexpr std::uint64_t kMemory = 256u << 20;  // for the dictionary: `xz -9` takes 65 MiB
    PST_ASSERT(::lzma_stream_decoder(&state_, kMemory, LZMA_CONCATENATED) == LZMA_OK, "lzma has memory");
    state_.next_in = reinterpret_cast<const std::uint8_t*>(input.data());
    state_.avail_in = input.size();
  }
  ~XzStream() override { ::lzma_end(&state_); }

 private:
  std::size_t decode(char* into, std::size_t room) override {
    state_.next_out = reinterpret_cast<std::uint8_t*>(into);
    state_.avail_out = room;
    const lzma_ret status = ::lzma_code(&state_, state_.avail_in == 0 ? LZMA_FINISH : LZMA_RUN);
    switch (status) {
      case LZMA_OK: break;
      case LZMA_STREAM_END: over_ = true; break;
      case LZMA_BUF_ERROR: torn();
      case LZMA_MEMLIMIT_ERROR: damaged("they ask for more than 256 MiB of memory");
      case LZMA_FORMAT_ERROR: damaged("no xz stream");
      default: damaged("a check is wrong");
    }
    return room - state_.avail_out;
  }

  lzma_stream state_ = LZMA_STREAM_INIT;
};

std::string pack(std::string_view piece) {
  std::string packed(::lzma_stream_buffer_bound(piece.size()), '\0');
  std::size_t size = 0;
  const lzma_ret status = ::lzma_easy_buffer_encode(
      LZMA_PRESET_DEFAULT, LZMA_CHECK_CRC64, nullptr, reinterpret_cast<const std::uint8_t*>(piece.data()), piece.size(),
      reinterpret_cast<std::uint8_t*>(packed.data()), &size, packed.size());
  PST_ASSERT(status == LZMA_OK, "there is room for all");
  packed.resize(size);
  return packed;
}

}  // namespace

extern const Compression kXz;
const Compression kXz{
    "xz", ".xz",
    std::string_view("\xfd"
                     "7zXZ\0",
                     6),
    [](std::string_view input) -> std::unique_ptr<ByteStream> { return std::make_unique<XzStream>(input); }, &pack};

}  // namespace pst::datafiles
