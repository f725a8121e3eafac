// SPDX-License-Identifier: Apache-2.0
#include <algorithm>
#include <cmath>
#include <cstring>

#include "core/error.hpp"
#include "core/strings.hpp"
#include "kernels/nf4/nf4.hpp"
#include "lowbit/codec.hpp"
#include "weights/bitsandbytes.hpp"

namespace pst::lowbit {
namespace {

using kernels::blocks_of;
using kernels::kDoubleBlock;
using kernels::kNf4Block;

enum Part : std::size_t { codes, absmax, nested_absmax, nested_map, nested_offset };

constexpr std::int64_t kPieceValues = 1 << 16;  // what is converted to f32 at a time

void copy_bytes(const void* array, std::size_t begin, std::size_t end, std::byte* into) {
  std::memcpy(into, static_cast<const std::byte*>(array) + begin, end - begin);
}

class Nf4Codec final : public Codec {
 public:
  Nf4Codec(Scales scales, Exec on) : scales_(scales), on_(std::move(on)) {}

  std::vector<Array> arrays(const Matrix& matrix) const override {
    const std::int64_t blocks = blocks_of(matrix.count(), kNf4Block);
    const auto stored = find(matrix);
    const bool nested = stored ? stored->nested_scale != nullptr : scales_ == Scales::quantised;
    std::vector<Array> made = {{"", Dtype::u8, {(matrix.count() + 1) / 2}}};
    if (!nested) {
      made.push_back({"absmax", Dtype::f32, {blocks}});
      return made;
    }
    made.push_back({"absmax", Dtype::u8, {blocks}});
    made.push_back({"nested_absmax", Dtype::f32, {blocks_of(blocks, kDoubleBlock)}});
    made.push_back({"nested_map", Dtype::f32, {256}});
    made.push_back({"nested_offset", Dtype::f32, {1}});
    return made;
  }

  std::int64_t statistics(const Matrix& matrix) const override {
    return find(matrix) ? 0 : blocks_of(matrix.count(), kNf4Block);
  }

  void collect(const Matrix& matrix, std::int64_t begin, std::int64_t end, float* into) const override {
    const weights::Tensor& tensor = matrix.store.get(matrix.name);
    std::vector<float> values(static_cast<std::size_t>(kPieceValues));
    for (std::int64_t block = begin; block < end;) {
      const std::int64_t stop = std::min(end, block + kPieceValues / kNf4Block), first = block * kNf4Block;
      const std::int64_t count = std::min(stop * kNf4Block, matrix.count()) - first;
      read_values(tensor, first, first + count, values.data());
      const std::span<float> found(into + (block - begin), static_cast<std::size_t>(stop - block));
      kernels::nf4_absmax(on_, {values.data(), count, Dtype::f32}, kNf4Block, view_of(found));
      if (!std::all_of(found.begin(), found.end(), [](float largest) { return std::isfinite(largest); }))
        require_finite(tensor, std::span(values).first(static_cast<std::size_t>(count)), first);
      block = stop;
    }
  }

  void pack(const Matrix& matrix, std::span<const float> statistics, std::size_t array, std::size_t begin,
            std::size_t end, std::byte* into) const override {
    if (const auto stored = find(matrix))
      pack_stored(*stored, array, begin, end, into);
    else if (array == codes)
      encode(matrix, statistics, begin, end, into);
    else if (scales_ == Scales::plain)
      copy_bytes(statistics.data(), begin, end, into);
    else
      pack_scales(statistics, array, begin, end, into);
  }

 private:
  /// The matrix's parts in the file, its levels compared with NF4's.
  static std::optional<weights::StoredNf4> find(const Matrix& matrix) {
    auto stored = weights::find_nf4(matrix.store, matrix.name, matrix.out, matrix.in);
    if (stored && std::memcmp(stored->levels->bytes.data(), kernels::kNf4Levels.data(), 64) != 0)
      throw Error(Fault::data, cat("tensor ", stored->levels->name, " holds other levels than NF4's"),
                  "quantise the model again: `peft-studio model quantise`");
    return stored;
  }

  static void pack_stored(const weights::StoredNf4& stored, std::size_t array, std::size_t begin, std::size_t end,
                          std::byte* into) {
    const auto scales = [&](const weights::Tensor& tensor) {
      const std::int64_t first = static_cast<std::int64_t>(begin) / 4, last = (static_cast<std::int64_t>(end) + 3) / 4;
      std::vector<float> values(static_cast<std::size_t>(last - first));
      read_values(tensor, first, last, values.data());
      require_finite(tensor, values, first);
      copy_bytes(tensor.bytes.data(), begin, end, into);
    };
    switch (static_cast<Part>(array)) {
      case codes: return copy_bytes(stored.codes->bytes.data(), begin, end, into);
      case absmax:
        if (stored.nested_scale != nullptr) return copy_bytes(stored.absmax->bytes.data(), begin, end, into);
        return scales(*stored.absmax);
      case nested_absmax: return scales(*stored.nested_scale);
      case nested_map: return scales(*stored.nested_map);
      case nested_offset: return copy_bytes(&stored.nested_offset, begin, end, into);
    }
  }

  void encode(const Matrix& matrix, std::span<const float> statistics, std::size_t begin, std::size_t end,
              std::byte* into) const {
    const weights::Tensor& tensor = matrix.store.get(matrix.name);
    const std::int64_t last = std::min(2 * static_cast<std::int64_t>(end), matrix.count());
    std::vector<float> values(static_cast<std::size_t>(kPieceValues));
    for (std::int64_t first = 2 * static_cast<std::int64_t>(begin); first < last; first += kPieceValues) {
      const std::int64_t count = std::min(kPieceValues, last - first);
      read_values(tensor, first, first + count, values.data());
      kernels::nf4_encode(on_, {values.data(), count, Dtype::f32}, first, matrix.count(), const_view_of(statistics),
                          kNf4Block, {into + first / 2 - begin, (count + 1) / 2, Dtype::u8});
    }
  }

  void pack_scales(std::span<const float> plain, std::size_t array, std::size_t begin, std::size_t end,
                   std::byte* into) const {
    if (array == nested_map) return copy_bytes(kernels::dynamic_map().data(), begin, end, into);
    const float offset = kernels::absmax_mean(const_view_of(plain));
    if (array == nested_offset) return copy_bytes(&offset, begin, end, into);
    // Whole blocks of 256 around what is wanted: bytes are blocks' codes, or four bytes each their scales.
    const std::size_t scale_first = array == absmax ? begin / kDoubleBlock : begin / 4;
    const std::size_t scale_last = array == absmax ? (end + kDoubleBlock - 1) / kDoubleBlock : (end + 3) / 4;
    const std::size_t first = scale_first * kDoubleBlock, last = std::min(scale_last * kDoubleBlock, plain.size());
    std::vector<std::uint8_t> quantised(last - first);
    std::vector<float> scales(scale_last - scale_first);
    kernels::double_quantise(on_, const_view_of(plain.subspan(first, last - first)), {&offset, 1, Dtype::f32},
                             view_of(std::span(quantised)), view_of(std::span(scales)));
    if (array == absmax)
      copy_bytes(quantised.data(), begin - first, end - first, into);
    else
      copy_bytes(scales.data(), begin - 4 * scale_first, end - 4 * scale_first, into);
  }

  Scales scales_;
  Exec on_;
};

}  // namespace

std::unique_ptr<Codec> nf4_codec(Scales scales, Exec on) { return std::make_unique<Nf4Codec>(scales, std::move(on)); }

}  // namespace pst::lowbit
