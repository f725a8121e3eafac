// SPDX-License-Identifier: Apache-2.0
#include <zstd.h>

#include "datafiles/compression.hpp"
#include "datafiles/decoded_stream.hpp"

namespace pst::datafiles {
namespace {

/// Frames one after another. @see RFC 8878
class ZstdStream final : public Decoder {
 public:
  explicit ZstdStream(std::string_view input) : Decoder(input, "zstd"), state_(::ZSTD_createDCtx()) {
    PST_ASSERT(state_ != nullptr, "zstd has memory");
    constexpr int kWindow = 27;  // 128 MiB, what `zstd -d` allows
    ::ZSTD_DCtx_setParameter(state_, ZSTD_d_windowLogMax, kWindow);
  }
  ~ZstdStream() override { ::ZSTD_freeDCtx(state_); }

 private:
  std::size_t decode(char* into, std::size_t room) override {
    if (input_.empty() && between_) {
      over_ = true;
      return 0;
    }
    ZSTD_inBuffer in{input_.data(), input_.size(), 0};
    ZSTD_outBuffer out{into, room, 0};
    const std::size_t status = ::ZSTD_decompressStream(state_, &out, &in);
    if (::ZSTD_isError(status) != 0) damaged(::ZSTD_getErrorName(status));
    input_.remove_prefix(in.pos);
    between_ = status == 0;
    if (input_.empty() && !between_ && out.pos == 0) torn();
    return out.pos;
  }

  ZSTD_DCtx* state_;
  bool between_ = false;  // two frames
};

std::string pack(std::string_view piece) {
  std::string packed(::ZSTD_compressBound(piece.size()), '\0');
  ZSTD_CCtx* const state = ::ZSTD_createCCtx();
  PST_ASSERT(state != nullptr, "zstd has memory");
  ::ZSTD_CCtx_setParameter(state, ZSTD_c_checksumFlag, 1);
  const std::size_t size = ::ZSTD_compress2(state, packed.data(), packed.size(), piece.data(), piece.size());
  ::ZSTD_freeCCtx(state);
  PST_ASSERT(::ZSTD_isError(size) == 0, "there is room for all");
  packed.resize(size);
  return packed;
}

}  // namespace

extern const Compression kZstd;
const Compression kZstd{
    "zstd", ".zst", "\x28\xb5\x2f\xfd",
    [](std::string_view input) -> std::unique_ptr<ByteStream> { return std::make_unique<ZstdStream>(input); }, &pack};

}  // namespace pst::datafiles
