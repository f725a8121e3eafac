// SPDX-License-Identifier: Apache-2.0
#include "core/digest.hpp"

#include <xxhash.h>
#include <algorithm>

#include <cstdint>
#include <new>

#include "core/file.hpp"

namespace pst {
namespace {

std::string hex_of(XXH128_hash_t hash) {
  XXH128_canonical_t canonical;
  XXH128_canonicalFromHash(&canonical, hash);
  constexpr std::string_view kHex = "0123456789abcdef";
  std::string text;
  for (const unsigned char byte : canonical.digest) {
    text += kHex[byte >> 4];
    text += kHex[byte & 15];
  }
  return text;
}

}  // namespace

std::string digest(std::span<const std::byte> bytes) { return hex_of(XXH3_128bits(bytes.data(), bytes.size())); }
std::string digest(std::string_view text) { return digest(std::as_bytes(std::span(text))); }

struct Digester::State {
  XXH3_state_t* xxh = XXH3_createState();
  State() {
    if (xxh == nullptr) throw std::bad_alloc();
    XXH3_128bits_reset(xxh);
  }
  ~State() { XXH3_freeState(xxh); }
  State(const State&) = delete;
  State& operator=(const State&) = delete;
};

Digester::Digester() : state_(std::make_unique<State>()) {}
Digester::~Digester() = default;

void Digester::add(std::span<const std::byte> bytes) { XXH3_128bits_update(state_->xxh, bytes.data(), bytes.size()); }

void Digester::add_field(std::string_view text) {
  const std::uint64_t length = text.size();
  add(std::as_bytes(std::span(&length, 1)));
  add(std::as_bytes(std::span(text)));
}

std::string Digester::hex() const { return hex_of(XXH3_128bits_digest(state_->xxh)); }

std::string digest_of_file(const std::filesystem::path& path) {
  constexpr std::size_t kPiece = std::size_t{16} << 20;
  const MappedFile file(path);
  Digester digester;
  for (std::span<const std::byte> rest = file.bytes(); !rest.empty();) {
    const auto piece = rest.first(std::min(kPiece, rest.size()));
    digester.add(piece);
    let_go(piece);
    rest = rest.subspan(piece.size());
  }
  return digester.hex();
}

}  // namespace pst
